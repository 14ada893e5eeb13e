/* trk.h - the boundary: everything that the Swift side says to the core and hears from it.
 *
 * A *loop* is one thread with one libuv loop. A *leg* is one connection that carries a WebSocket:
 * accepted (server leg) or dialled (client leg). A *call* joins one carrier leg (the phone) with a
 * model leg, or two while it moves from one to the next; its audio never leaves the core.
 *
 * THREADS    [loop] functions run on the loop's own thread only (from on_events or run_jobs);
 *            [any] functions from any thread. Loops share nothing.
 * OWNERSHIP  Pointer parameters are borrowed until the function returns. Bytes in events are
 *            borrowed until on_events returns. Numbers cross the boundary, pointers do not: a leg
 *            and a call are a slot and a generation, and a stale id is an ordinary TRK_ESTALE.
 * REENTRANCY The three callbacks are called between the phases of a loop turn, never from inside a
 *            trk_ function; they may call any [loop] function. Events that those calls cause are
 *            delivered in the next round of the same turn.
 * LIMITS     trk_loop_config names them all, with units; the counters in trk_loop_stats say how
 *            often each was hit.
 * ERRORS     trk_status. What a peer does wrong closes its leg and is told in LEG_CLOSED.
 */
#ifndef TRK_H
#define TRK_H
#include "trk_base.h"
#include "trk_realtime.h"
#include "trk_tap.h"

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
    TRK_EVENT_CARRIER_TEXT = 20, /* bytes: a text message of a binary carrier. */
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

/* ---- Counters ---- */

typedef struct trk_loop_stats {
  uint64_t turns;
  uint64_t turns_over_5ms; /* Turns whose work took longer than 5 ms. */
  uint64_t turn_longest_us;
  uint64_t reads;  /* read(2) calls that brought bytes. */
  uint64_t writes; /* write(2) calls. */
  uint64_t bytes_read;
  uint64_t bytes_written;
  uint64_t batches; /* on_events calls. */
  uint64_t events;
  uint64_t events_lost; /* Dropped because a batch was full beyond its reserve; must stay 0. */
  uint64_t allocations; /* trk_alloc calls of this loop. */
  uint64_t frees;
  uint64_t tls_allocations; /* OpenSSL's own, on this thread. */
  uint64_t pool_blocks_in_use;
  uint64_t pool_blocks_high; /* High-water mark. */
  uint64_t pool_blocks_total;
  uint64_t pool_refusals; /* Takes refused at pool_bytes_max. */
  uint64_t legs_open;
  uint64_t legs_accepted;
  uint64_t legs_dialled;
  uint64_t legs_refused_full; /* Accepts dropped because legs_max was reached. */
  uint64_t calls_open;
  uint64_t calls_opened;
  uint64_t upgrades_refused; /* Heads answered with an HTTP error. */
  uint64_t head_timeouts;
  uint64_t protocol_errors;    /* Legs closed for breaking RFC 6455. */
  uint64_t limit_closes;       /* Legs closed at one of our limits. */
  uint64_t dead_peers;         /* Legs closed for a missing pong or a stuck write. */
  uint64_t dial_timeouts;      /* Dialled legs that met one of the dial's deadlines. */
  uint64_t malformed[8];       /* Dropped messages, by trk_malformed. */
  uint64_t carrier_frames_in;  /* Media messages of callers. */
  uint64_t carrier_frames_out; /* Media messages to callers. */
  uint64_t marks_out;
  uint64_t marks_in;    /* Echoes that counted. */
  uint64_t marks_stale; /* Echoes of an old generation or unknown. */
  uint64_t clears_out;
  uint64_t appends_out;          /* input_audio_buffer.append messages. */
  uint64_t deltas_in;            /* Audio deltas that were taken. */
  uint64_t deltas_late;          /* Audio deltas of muted or finished responses. */
  uint64_t caller_dropped_ms;    /* Caller audio dropped at waiting_ms_max. */
  uint64_t caller_waited_ms;     /* Caller audio that waited and was sent later. */
  uint64_t playback_refused;     /* Deltas dropped because the ledger or pool was full. */
  uint64_t model_pauses;         /* Times that reading a model was paused. */
  uint64_t sends_refused;        /* Sends refused at queue_bytes_max. */
  uint64_t batch_waits;          /* Times that a leg waited for room in the batch. */
  uint64_t pacer_late;           /* Calls put off to the next turn by the pacer's budget. */
  uint64_t gaps;                 /* Jumps in the carrier's timestamps. */
  uint64_t gap_ms;               /* Their sum. */
  uint64_t legs_refused_address; /* Accepts dropped at heads_per_address_max. */
  uint64_t accept_failures;      /* Accepts for which the system had no descriptor. */
  uint64_t read_rests;           /* Times that a leg had its share of a turn. */
  uint64_t pongs_dropped;        /* At pong_bytes_max. */
  uint64_t starts_unannounced;   /* Starts without a connected message before. */
  uint64_t media_other_track;    /* Media messages of a track that is not the caller's. */
  uint64_t media_floods;         /* Carriers closed at media_speed_max or early_media_max. */
  uint64_t media_timeouts;       /* CARRIER_SILENT events. */
  uint64_t digits_invalid;       /* Keys that no telephone has. */
  uint64_t digits_over;          /* Keys dropped at digits_per_s_max. */
  uint64_t sequence_repeats;     /* Carrier messages with a number that was not new. */
  uint64_t sequence_gaps;        /* Carrier messages with a number that left some out. */
  uint64_t timestamp_faults;     /* Media timestamps that went back, or ahead beyond sense. */
  uint64_t tls_handshakes;
  uint64_t tls_resumed;
  uint64_t handed_over; /* Connections given away by trk_leg_hand_over. */
  uint64_t adopted;     /* Connections taken back by trk_loop_adopt. */
  uint64_t taps_opened;
  uint64_t tap_dropped;        /* Records of taps that did not fit. */
  uint64_t opus_calls;         /* Calls with Opus open now. */
  uint64_t opus_packets_in;    /* Decoded. */
  uint64_t opus_packets_out;   /* Encoded and sent. */
  uint64_t opus_invalid;       /* Packets that were no Opus, or too large. */
  uint64_t opus_lost;          /* Packets that a peer's numbers show as lost, concealed... */
  uint64_t opus_recovered;     /* ...and those of them that the next packet had a copy of. */
  uint64_t line_filled_ms;     /* Silence made up for lines that sent nothing. */
  uint64_t line_packets_late;  /* Numbered packets whose turn was over, or that came twice. */
  uint64_t line_packets_lost;  /* Numbered packets that never came. */
  uint64_t line_texts_dropped; /* begin, end, clear or mark for which there was no room. */
} trk_loop_stats;

/* Copies the counters. [loop] */
void trk_loop_get_stats(const trk_loop *loop, trk_loop_stats *out);

/* ---- Listening ---- */

enum { TRK_LISTEN_PATHS_MAX = 16, TRK_PATH_MAX = 128, TRK_HOST_MAX = 255 };

typedef struct trk_listen_config {
  const char *host;                          /* An address, or "" for all. */
  uint16_t port;                             /* 0 picks one. */
  bool reuse_port;                           /* Several loops share the port (SO_REUSEPORT). */
  const char *TRK_NULLABLE certificate_file; /* PEM chain; with key_file: TLS. */
  const char *TRK_NULLABLE key_file;
  const char *TRK_NULLABLE const *TRK_NULLABLE paths; /* WebSocket paths, exact. */
  uint32_t path_count;
  uint32_t tag;    /* Comes back with LEG_REQUEST. Unique in the loop. */
  bool hands_over; /* Requests to other paths are told in LEG_PLAIN. */
} trk_listen_config;

/* Opens a listener; `port` receives its port. `detail` receives a negated errno on TRK_ESYSTEM. A
 * request to another path is answered with an HTTP error, unless the listener hands over. [loop] */
trk_status trk_loop_listen(trk_loop *loop, const trk_listen_config *config, uint16_t *port,
                           int32_t *detail);

/* Gives a listener over TLS another certificate and key, for connections to come. On TRK_ETLS, when
 * they can not be loaded or do not belong together, the old ones stay. [loop] */
trk_status trk_loop_set_certificate(trk_loop *loop, uint32_t tag, const char *certificate_file,
                                    const char *key_file);

/* Stops listening on all listeners; open legs go on. [loop] */
void trk_loop_unlisten(trk_loop *loop);

/* Whether audio deltas are told in MODEL_AUDIO as well: for people who watch. Off at first. [loop]
 */
void trk_loop_tell_audio(trk_loop *loop, bool tells);

/* ---- Legs ---- */

enum { TRK_DIAL_ADDRESSES_MAX = 8 }; /* Addresses tried for one name. */

typedef struct trk_dial_config {
  const char *host;                   /* Name or address literal, without brackets. */
  const char *TRK_NULLABLE addresses; /* Where it is, so that nothing is looked up: up to
                                         TRK_DIAL_ADDRESSES_MAX literals with commas between
                                         them, tried in this order. The certificate must still
                                         name the host. */
  uint16_t port;
  bool tls;
  const char *TRK_NULLABLE ca_file; /* PEM; NULL is the system's store. */
  const char *target;               /* Path and query, as sent. */
  const char *TRK_NULLABLE headers; /* Further header lines, each ended by CRLF. */
} trk_dial_config;

/* Loads the authorities that dials over TLS will use, so that a bad file is told before the first
 * dial. NULL is the system's store. TRK_ETLS when they can not be loaded. [loop] */
trk_status trk_loop_trust(trk_loop *loop, const char *TRK_NULLABLE ca_file);

/* Begins to dial. The outcome is LEG_OPENED or LEG_CLOSED. [loop] */
trk_status trk_leg_dial(trk_loop *loop, const trk_dial_config *config, trk_leg_id *out);

/* Before trk_leg_accept: the answer names this subprotocol if the request offers it (RFC 6455
 * section 4.2.2, 5). TRK_EINVALID: it does not, or the name has more than TRK_PROTOCOL_MAX bytes.
 * [loop] */
enum { TRK_PROTOCOL_MAX = 15 };
trk_status trk_leg_choose_protocol(trk_loop *loop, trk_leg_id leg, const char *name);

/* Answers LEG_REQUEST: completes the upgrade; LEG_OPENED follows. [loop] */
trk_status trk_leg_accept(trk_loop *loop, trk_leg_id leg);

/* Answers LEG_REQUEST with an HTTP status of 400 to 599 and closes. [loop] */
trk_status trk_leg_refuse(trk_loop *loop, trk_leg_id leg, int32_t status);

enum { TRK_PEER_MAX = 46 };

/* Where an accepted connection comes from, TRK_PEER_MAX bytes of text with a NUL: an address
 * without a port, an IPv4 one also when it came mapped into IPv6 (RFC 4291 section 2.5.5.2). [loop]
 */
trk_status trk_leg_peer(trk_loop *loop, trk_leg_id leg, char *out);

typedef struct trk_handed {
  int32_t descriptor; /* The caller's own from now on: the caller closes it. */
  trk_bytes head;     /* The request's head, as it was read... */
  trk_bytes rest;     /* ...and what was read behind it. Borrowed like the bytes of events. */
} trk_handed;

/* Answers LEG_PLAIN: gives the connection away and forgets it. On TRK_ESYSTEM (no descriptor is
 * left) the leg still waits for an answer. [loop] */
trk_status trk_leg_hand_over(trk_loop *loop, trk_leg_id leg, trk_handed *out);

typedef struct trk_adopt_config {
  int32_t descriptor; /* A connected stream socket. */
  uint32_t tag;       /* The listener whose connection it becomes. */
  const char *peer;   /* What trk_leg_peer will say. */
  const void *bytes;  /* What was read of it already: a request's head. */
  size_t count;
} trk_adopt_config;

/* Takes a connection as if the listener had accepted it: LEG_REQUEST follows when its bytes are an
 * upgrade to one of the listener's paths. On TRK_OK the descriptor is the core's; TRK_ECLOSING when
 * there is no such listener (any more), TRK_EFULL at legs_max. [loop] */
trk_status trk_loop_adopt(trk_loop *loop, const trk_adopt_config *config);

/* Sends one text or binary message; copied. TRK_EFULL takes nothing. [loop] */
trk_status trk_leg_send_text(trk_loop *loop, trk_leg_id leg, const void *bytes, size_t count);
trk_status trk_leg_send_binary(trk_loop *loop, trk_leg_id leg, const void *bytes, size_t count);

/* Sends a ping with up to 125 bytes. [loop] */
trk_status trk_leg_ping(trk_loop *loop, trk_leg_id leg, const void *bytes, size_t count);

/* Begins the close handshake with `code` and a reason of up to 123 bytes of UTF-8. Idempotent;
 * LEG_CLOSED follows when the connection has ended. [loop] */
trk_status trk_leg_close(trk_loop *loop, trk_leg_id leg, uint16_t code, const char *reason);

/* Drops the connection now, without a close frame. [loop] */
trk_status trk_leg_abort(trk_loop *loop, trk_leg_id leg);

/* LEG_TIMER after `delay_ms`; replaces the one before. Negative: none. [loop] */
trk_status trk_leg_set_timer(trk_loop *loop, trk_leg_id leg, int64_t delay_ms);

/* Stops (or goes on) reading from the peer: a slow reader, for tests and simulators. [loop] */
trk_status trk_leg_set_reading(trk_loop *loop, trk_leg_id leg, bool reading);

/* Outbound bytes that the system has not taken yet. 0 for a stale id. [loop] */
size_t trk_leg_pending(trk_loop *loop, trk_leg_id leg);

/* ---- Calls ---- */

/* What the carrier of a call speaks. */
typedef TRK_ENUM(trk_dialect){
    TRK_DIALECT_TWILIO = 0, /* JSON; mu-law, unless trk_call_set_line says otherwise. */
    TRK_DIALECT_TELNYX = 1, /* JSON with snake case and numbered media. */
    TRK_DIALECT_BINARY = 2, /* Audio is binary, text is told in CARRIER_TEXT. */
} trk_dialect;

/* Opens a call on an open server leg, which speaks this dialect from now on. A Telnyx call waits
 * after its start, and a binary one all the time, for trk_call_set_line. [loop] */
trk_status trk_call_open(trk_loop *loop, trk_leg_id carrier, trk_dialect dialect, trk_call_id *out);

/* What is on the carrier's line. */
typedef TRK_ENUM(trk_coding){
    TRK_CODING_ULAW = 0, /* 8,000 Hz; the model hears audio/pcmu. */
    TRK_CODING_ALAW = 1, /* 8,000 Hz; the model hears audio/pcma. */
    TRK_CODING_OPUS = 2, /* The model hears audio/pcm at 24,000 Hz, or audio/pcmu when narrow. */
} trk_coding;

/* What stands before a binary message's audio. All numbers are big-endian. */
typedef TRK_ENUM(trk_framing){
    TRK_FRAMING_NONE = 0, /* Nothing. */
    TRK_FRAMING_STAMP =
        2, /* 16 bytes: u16 2, u16 type (0 audio, 1 JSON), u32 0, u32 ms, u32 size. */
    TRK_FRAMING_SIZE = 3, /* 4 bytes: u8 type, u8 0, u16 size. */
} trk_framing;

enum {
  TRK_LINE_TEXT_MAX = 256, /* Bytes of a message that the core writes by itself. */
  TRK_LINE_FRAME_MS_MAX = 60,
  TRK_LINE_FILL_MS_MAX = 2000, /* Silence made up for a line that sends nothing, in one piece. */
};

/* The messages that the core writes between audio, since they have their place there; empty ones
 * are left out. */
typedef struct trk_line_texts {
  trk_bytes begin;     /* Before the first audio after silence. */
  trk_bytes end;       /* After all was heard, or was interrupted. */
  trk_bytes clear;     /* The peer drops what it has not played. */
  trk_bytes mark_head; /* Before... */
  trk_bytes mark_tail; /* ...and behind the name of a mark. */
} trk_line_texts;

typedef struct trk_line_config {
  trk_coding coding;
  trk_framing framing;
  bool narrow;    /* Opus at 8,000 Hz. */
  bool has_marks; /* Marks come back, to trk_call_echo or as the dialect has them. */
  bool may_rest;  /* The peer may send no audio for as long as it likes. */
  bool fec;       /* Opus, to the caller... */
  bool dtx;
  uint32_t frame_ms;   /* Of one message to a binary peer, and of one Opus packet: 20, 40 or 60. */
  uint32_t bitrate;    /* Opus: bits a second. */
  uint32_t complexity; /* Opus: 0...10. */
  uint32_t loss_percent; /* Opus: what to expect. */
  uint32_t lead_ms;      /* Sent ahead of real time, instead of trk_loop_config's; 0: that. */
  trk_line_texts texts;
} trk_line_config;

/* Says what is on the carrier's line, once, before its first audio. A binary call's stream begins
 * with it. TRK_EUNSUPPORTED: Opus is not built in; TRK_EINVALID: a value is out of range, or audio
 * has flown. [loop] */
trk_status trk_call_set_line(trk_loop *loop, trk_call_id call, const trk_line_config *config);

/* Whether Opus is built in. [any] */
bool trk_opus_is_built_in(void);

/* A mark of a binary peer came back: everything before it was heard. False when it is stale. [loop]
 */
bool trk_call_echo(trk_loop *loop, trk_call_id call, const void *name, size_t count);

/* A binary peer's queue is full, or has room again: no audio is sent meanwhile. [loop] */
trk_status trk_call_hold(trk_loop *loop, trk_call_id call, bool held);

/* Ties a dialled leg to the call as a model leg; it may still be connecting. A call has at most
 * TRK_CALL_MODELS_MAX. `epoch` names the leg in the ledger. [loop] */
enum { TRK_CALL_MODELS_MAX = 3 };
trk_status trk_call_add_model(trk_loop *loop, trk_call_id call, trk_leg_id leg, uint32_t epoch);

/* Caller audio flows to this model leg, what has waited first, and audio of this leg is played. A
 * leg with generation 0 closes the gate: caller audio waits. [loop] */
trk_status trk_call_route(trk_loop *loop, trk_call_id call, trk_leg_id leg);

/* One item of the ledger, for the truncation arithmetic. */
typedef struct trk_playback_item {
  uint8_t id[64];
  uint32_t id_count;
  int32_t content_index;
  uint32_t epoch;
  uint32_t received_ms; /* Floor. */
  uint32_t sent_ms;
  uint32_t heard_ms;
  bool complete;
} trk_playback_item;

/* Copies up to `capacity` items in play order and the audio that waits to be sent. [loop] */
trk_status trk_call_playback(trk_loop *loop, trk_call_id call, trk_playback_item *items,
                             size_t capacity, size_t *count, uint32_t *queued_ms);

enum { TRK_PLAY_MS_MAX = 1000 };

/* Plays audio of our own, up to TRK_PLAY_MS_MAX of mu-law, when nothing else plays or waits: a sign
 * of life while no model has answered. It stands in the ledger as an item of epoch 0, which no
 * model has. TRK_EFULL when there is something to hear already, or no room. [loop] */
trk_status trk_call_play(trk_loop *loop, trk_call_id call, const void *ulaw, size_t count);

/* Interrupts: a new generation, `clear` to the phone when something may still play, all queued
 * audio dropped, the present response muted. Idempotent. [loop] */
trk_status trk_call_interrupt(trk_loop *loop, trk_call_id call);

/* Audio of this response is dropped from now on. [loop] */
trk_status trk_call_mute_response(trk_loop *loop, trk_call_id call, const void *id, size_t count);

/* Whether model audio is played at all; while muted, deltas are dropped and counted. [loop] */
trk_status trk_call_mute_agent(trk_loop *loop, trk_call_id call, bool muted);

/* CALL_TIMER at this moment of the loop's clock; INT64_MAX: none. [loop] */
trk_status trk_call_set_timer(trk_loop *loop, trk_call_id call, int64_t at_us);

typedef struct trk_call_stats {
  uint64_t frames_in;  /* Media messages of the caller. */
  uint64_t frames_out; /* Media messages to the caller. */
  uint64_t appends_out;
  uint64_t deltas_in;
  uint64_t deltas_late;
  uint64_t dropped_ms;    /* Caller audio dropped while waiting. */
  uint64_t waiting_ms;    /* Caller audio waiting now. */
  uint64_t queued_ms;     /* Model audio not sent yet. */
  uint64_t ahead_ms_high; /* Most audio that was ever at the phone. */
  uint64_t gap_ms;
  uint64_t malformed;
  uint64_t clear_turn;  /* The turn in which the last clear was given to the system. */
  uint64_t blocks;      /* Pool blocks held. */
  uint64_t tap_dropped; /* Records of its taps that did not fit. */
} trk_call_stats;

trk_status trk_call_get_stats(trk_loop *loop, trk_call_id call, trk_call_stats *out);

/* Attaches a tap, which hears the call from now on; see trk_tap.h. The caller owns one reference.
 * TRK_EFULL at TRK_CALL_TAPS_MAX. [loop] */
trk_status trk_call_tap(trk_loop *loop, trk_call_id call, trk_tap *TRK_NULLABLE *_Nonnull out);

/* Ends the call: closes its carrier leg with `code` (0: leaves it), its model legs with 1000, and
 * gives its blocks back. The id is stale from now on. [loop] */
trk_status trk_call_end(trk_loop *loop, trk_call_id call, uint16_t code, const char *reason);

/* ---- Loopback TLS ---- */

/* Writes a new self-signed certificate for localhost, 127.0.0.1 and ::1, valid for a week, and its
 * key, as PEM files: for demos and tests on one machine. The certificate file serves as the
 * client's CA file. [any] */
trk_status trk_tls_write_loopback_certificate(const char *certificate_file, const char *key_file);

TRK_ASSUME_NONNULL_END
#endif
