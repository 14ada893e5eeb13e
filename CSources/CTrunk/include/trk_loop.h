/* trk_loop.h - the loop of the boundary: its limits, what it tells and how it lives; see trk.h. */
#ifndef TRK_LOOP_H
#define TRK_LOOP_H
#include "trk_base.h"

TRK_ASSUME_NONNULL_BEGIN

typedef struct trk_loop trk_loop;

/* Slot and generation. Generation 0 is never a leg or call. */
typedef struct TRK_SWIFT_NAME("RawLegID") trk_leg_id {
  uint32_t slot;
  uint32_t generation;
} trk_leg_id;

typedef struct TRK_SWIFT_NAME("RawCallID") trk_call_id {
  uint32_t slot;
  uint32_t generation;
} trk_call_id;

/* ---- Configuration ---- */

enum { TRK_POOL_BLOCK_BYTES = 4096 }; /* One block of the pool, with its header. */

typedef struct trk_loop_config {
  uint32_t legs_max;            /* Legs at once. */
  uint32_t calls_max;           /* Calls at once. */
  uint32_t events_max;          /* Events in one batch, beside the reserved ones. */
  uint32_t batch_bytes_max;     /* Bytes of messages in one batch; then legs wait a round. */
  uint32_t pool_bytes_max;      /* Bytes of audio and outbound blocks of all calls. */
  uint32_t head_bytes_max;      /* Bytes of an HTTP head. */
  uint32_t head_line_max;       /* Bytes of one line of it. */
  uint32_t head_deadline_ms;    /* From accept to a whole head, TLS handshake included. */
  uint32_t accept_deadline_ms;  /* From LEG_REQUEST to the answer by trk_leg_accept. */
  uint32_t dial_deadline_ms;    /* Name, connect, TLS and upgrade together. */
  uint32_t connect_deadline_ms; /* From the last address's attempt to a connection. */
  uint32_t tls_deadline_ms;     /* From the connection to the end of the TLS handshake. */
  uint32_t answer_deadline_ms;  /* From our upgrade request to the whole head of the answer. */
  uint32_t attempt_delay_ms;    /* Before the next address is tried beside the first (RFC 8305). */
  uint32_t close_deadline_ms;   /* From our close frame to the end of the connection. */
  uint32_t ping_interval_ms;    /* Silence before a ping. */
  uint32_t ping_timeout_ms;     /* From a ping to any sign of life. */
  uint32_t server_message_max;  /* Bytes of a message on an accepted leg. */
  uint32_t client_message_max;  /* Bytes of a message on a dialled leg. */
  uint32_t fragments_max;       /* Frames of one message. */
  uint32_t pings_max;           /* Control frames from a peer within ten seconds. */
  uint32_t queue_bytes_max;     /* Outbound bytes of one leg; beyond it sends are TRK_EFULL. */
  uint32_t stuck_deadline_ms;   /* A peer that takes no byte for so long is closed. */
  uint32_t malformed_max;       /* Malformed messages of one leg before it is closed. */
  uint32_t lead_ms;             /* Model audio sent ahead of real time; 0 sends all at once. */
  uint32_t slice_ms;            /* Least audio sent at a time in mid-answer; a multiple of 20. */
  uint32_t mark_ms;             /* Audio between two marks. */
  uint32_t waiting_ms_max;      /* Caller audio kept while no model can take it; oldest dropped. */
  uint32_t blocked_ms_max;      /* The same while a model is there that has not read for so long. */
  uint32_t playback_ms_max;     /* Model audio kept for a call; then the model is not read. */
  uint32_t append_ms;           /* Caller audio gathered into one append; 20 sends each frame. */
  uint32_t heads_per_address_max; /* Connections of one address (IPv6: /64) without a whole head. */
  uint32_t accept_pause_ms;       /* After an accept for which the system had no descriptor. */
  uint32_t read_turn_max;         /* Bytes read from one leg in one turn; 64 KiB at most. */
  uint32_t pong_bytes_max;        /* Pongs queued for a peer that does not read; then none. */
  uint32_t early_media_max;       /* Media messages before the carrier's start. */
  uint32_t media_speed_max;       /* Caller audio, percent of real time... */
  uint32_t media_window_ms;       /* ...over this time; a line that stalled may catch up. */
  uint32_t media_timeout_ms;      /* A started carrier without media for so long is told. */
  uint32_t digits_per_s_max;      /* Keys of a caller in one second; more are dropped. */
  uint32_t tap_bytes; /* Unread records of one tap; a power of two, else the next one. */
} trk_loop_config;

/* The defaults of all limits. [any] */
trk_loop_config trk_loop_config_default(void);

/* ---- Events ---- */

typedef TRK_ENUM(trk_event_kind){
    TRK_EVENT_LEG_REQUEST = 1,   /* An upgrade to a registered path; answer with accept or refuse.
                                    bytes: the request head; a: the path's index; b: 1 over TLS;
                                    c: the listener's tag. */
    TRK_EVENT_LEG_OPENED = 2,    /* The WebSocket is open. */
    TRK_EVENT_LEG_TEXT = 3,      /* bytes: one text message of a leg outside a call. */
    TRK_EVENT_LEG_BINARY = 4,    /* bytes: one binary message of a leg outside a call. */
    TRK_EVENT_LEG_CLOSED = 5,    /* Last of a leg. a: WebSocket close code; b: trk_close_cause;
                                    c: HTTP status or negated errno; d: seconds of Retry-After or
                                    -1; bytes: the peer's reason or a short English text. */
    TRK_EVENT_LEG_TIMER = 6,     /* trk_leg_set_timer's moment is reached. */
    TRK_EVENT_CARRIER_START = 7, /* bytes: the carrier's start message. */
    TRK_EVENT_CARRIER_DTMF = 8,  /* bytes: the digit. */
    TRK_EVENT_CARRIER_STOP = 9,  /* The carrier says that the stream ends. */
    TRK_EVENT_MODEL_EVENT = 10,  /* a: trk_rt_kind; bytes: the JSON text. Audio deltas stay here. */
    TRK_EVENT_ITEM_STARTED = 11, /* bytes: item id; its first audio was sent to the phone. */
    TRK_EVENT_ITEM_FINISHED =
        12,                     /* bytes: item id; it was heard to its end. a: 1 proven by mark. */
    TRK_EVENT_DRAINED = 13,     /* All audio of the call was heard; nothing is queued. */
    TRK_EVENT_CALL_TIMER = 14,  /* trk_call_set_timer's moment is reached. */
    TRK_EVENT_FIRST_AUDIO = 15, /* bytes: item id; its first audio came from the model. */
    TRK_EVENT_MALFORMED = 16,   /* A message was dropped. a: trk_malformed; never its bytes. */
    TRK_EVENT_CARRIER_SILENT =
        17, /* No media for media_timeout_ms since start or the last. Once per silence. */
    TRK_EVENT_LEG_PLAIN = 18,    /* A request to no registered path, on a listener that hands over;
                                    answer with trk_leg_hand_over or trk_leg_refuse. b and c as in
                                    LEG_REQUEST. */
    TRK_EVENT_MODEL_AUDIO = 19,  /* bytes: the JSON text of an audio delta, which goes its way as
                                    ever. Only while trk_loop_tell_audio says so. */
    TRK_EVENT_CARRIER_TEXT = 20, /* bytes: a binary carrier's text, or Telnyx' unknown. */
} trk_event_kind;

/* Who or what ended a leg. */
typedef TRK_ENUM(trk_close_cause){
    TRK_CLOSE_LOCAL = 0,    /* trk_leg_close, trk_call_end or trk_loop_stop. */
    TRK_CLOSE_PEER = 1,     /* The peer's close frame. */
    TRK_CLOSE_LOST = 2,     /* The connection ended or broke without a close frame. */
    TRK_CLOSE_TIMEOUT = 3,  /* A deadline: ping, head, accept, close, or a stuck peer. */
    TRK_CLOSE_PROTOCOL = 4, /* The peer broke a protocol; a is the code it was sent. */
    TRK_CLOSE_REFUSED = 5,  /* Our upgrade was answered with another status (in c). */
    TRK_CLOSE_RESOLVE = 6,  /* The name has no address. */
    TRK_CLOSE_CONNECT = 7,  /* No address answered. */
    TRK_CLOSE_TLS = 8,      /* The handshake failed: certificate, name or protocol. */
    TRK_CLOSE_LIMIT = 9,    /* One of our limits: fragments, pings, queue, malformed messages. */
} trk_close_cause;

/* Why a message of a call's leg was dropped. */
typedef TRK_ENUM(trk_malformed){
    TRK_MALFORMED_JSON = 1,    /* Not valid JSON of the dialect, or a duplicate key. */
    TRK_MALFORMED_BASE64 = 2,  /* A payload that is not strict base64, or not of its coding. */
    TRK_MALFORMED_BINARY = 3,  /* A binary frame where text is spoken, or one that is broken. */
    TRK_MALFORMED_ORDER = 4,   /* Media before start, a second start, another stream's sid. */
    TRK_MALFORMED_AUDIO = 5,   /* Audio of an unknown, finished or interrupted response. */
    TRK_MALFORMED_UNKNOWN = 6, /* An event that we do not know. */
} trk_malformed;

typedef struct trk_event {
  trk_event_kind kind;
  int32_t a;
  int32_t b;
  int32_t c;
  int32_t d;
  bool is_dialled; /* The leg is a client leg. */
  trk_leg_id leg;
  trk_call_id call; /* Generation 0 when the leg is in no call. */
  uint64_t turn;    /* The loop turn in which the cause was read. */
  int64_t time_us;  /* Monotonic clock of the loop, then. */
  trk_bytes bytes;
} trk_event;

/* The whole of what the core calls. Set once per loop. */
typedef struct trk_callbacks {
  /* Delivers a batch. An earlier event can lead the callee to close a later one's leg: the callee
   * skips those. */
  void (*on_events)(void *context, const trk_event *events, size_t count);
  /* Runs Swift jobs, oldest first. */
  void (*run_jobs)(void *context, void *TRK_NULLABLE const *TRK_NULLABLE jobs, size_t count);
  /* Exactly once, last of all: no leg is left and no job will run. */
  void (*on_stopped)(void *context);
} trk_callbacks;

/* ---- Life of a loop ---- */

/* Makes a loop with its thread, which waits for trk_loop_run. NULL when memory or threads are
 * short. `context` is handed to every callback. The caller owns one reference. [any] */
trk_loop *TRK_NULLABLE trk_loop_create(const trk_loop_config *config,
                                       const trk_callbacks *callbacks, void *context);

/* Starts the thread. Once. [any] */
trk_status trk_loop_run(trk_loop *loop);

/* Begins to stop: no new legs, all legs closed, jobs drained, on_stopped. Idempotent. [any] */
void trk_loop_stop(trk_loop *loop);

/* Gives the reference up; frees the loop. Joins the thread, or lets it free the loop itself when
 * called on it. A loop that was never run is freed at once. [any] */
void trk_loop_release(trk_loop *loop);

/* Queues a job for run_jobs. False when the loop has stopped: the job was not taken. [any] */
bool trk_loop_enqueue(trk_loop *loop, void *job);

/* Whether the caller is on this loop's thread. [any] */
bool trk_loop_is_current(const trk_loop *loop);

/* Microseconds of the monotonic clock at this turn. [loop] */
int64_t trk_loop_now_us(const trk_loop *loop);

/* The number of the present turn. [loop] */
uint64_t trk_loop_turn(const trk_loop *loop);

TRK_ASSUME_NONNULL_END
#endif
