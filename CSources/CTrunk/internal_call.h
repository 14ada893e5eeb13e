/* internal_call.h - a call, and what the files about calls give each other. */
#ifndef TRK_INTERNAL_CALL_H
#define TRK_INTERNAL_CALL_H
#include "internal_leg.h"

typedef struct trk_response_id {
  uint8_t bytes[TRK_REALTIME_ID_MAX];
  uint32_t count; /* 0: free. */
} trk_response_id;

struct trk_call {
  trk_loop *loop;
  trk_call_id id;
  trk_dialect dialect;
  uint32_t bytes_per_ms; /* Of the audio between call and model, both ways. */
  uint32_t frame_bytes;  /* Audio to the caller goes out in whole frames of so many bytes. */
  uint32_t slice_bytes;  /* Most of it in one message. */
  uint32_t lead_ms;      /* Sent ahead of real time; 0 sends all at once. */
  trk_line *line;        /* NULL: Twilio's mu-law, which needs none. */
  trk_leg *carrier;      /* NULL once it is closed. */
  trk_leg *models[TRK_CALL_MODELS_MAX]; /* NULL: free. */
  trk_leg *route;                       /* Where caller audio goes; NULL: it waits. */
  bool started;                         /* The carrier's start has come. */
  bool stopped;                         /* Its stop has come. */
  bool agent_muted;
  bool route_paused;  /* The model is not read: playback is full. */
  bool played;        /* Something was sent since the last DRAINED. */
  bool clear_pending; /* A clear is queued and not yet given to the system. */
  uint8_t sid[TRK_TWILIO_SID_MAX];
  uint32_t sid_count;
  trk_ledger ledger;
  trk_chain playback;                           /* Model audio to send, at bytes_per_ms. */
  trk_chain waiting;                            /* Caller audio that waits, likewise. */
  trk_response_id responses[TRK_RESPONSES_MAX]; /* Live: created, not done, not muted. */
  uint32_t response_next;                       /* Where the next one goes. */
  uint32_t epoch;                               /* Of the routed model. */
  uint64_t unmarked;                            /* Bytes sent since the last mark. */
  int64_t next_timestamp_ms; /* What the next media message should say; -1: unknown. */
  trk_timer pace;
  trk_timer user_timer;
  trk_timer grace;
  trk_call_stats stats;
  bool connected;       /* The carrier's connected has come. */
  uint32_t early_media; /* Media messages before start. */
  uint32_t digits;      /* Keys since digits_from_ms. */
  int64_t digits_from_ms;
  int64_t sequence;       /* The last message's number; -1: unknown. */
  uint64_t media_level;   /* Eighths of milliseconds in the bucket of media_speed_max... */
  int64_t media_level_ms; /* ...at this time. */
  int64_t media_ms;       /* When the last media came, or start. */
  int64_t started_us;     /* When start came. */
  trk_tap *taps;          /* NULL: nobody listens. */
  trk_timer media;
};

/* call.c */
trk_call *trk_call_find(const trk_loop *loop, trk_call_id id);
void trk_call_on_message(trk_leg *leg, trk_ws_opcode opcode, const uint8_t *bytes, size_t count);
void trk_call_on_leg_closed(trk_leg *leg);
void trk_call_on_leg_drained(trk_leg *leg);
void trk_call_push(trk_call *call, trk_event_kind kind, trk_leg *leg, int32_t a, trk_bytes bytes);
void trk_call_dropped(trk_leg *leg, trk_malformed reason);
void trk_call_malformed(trk_leg *leg, trk_malformed reason);
void trk_call_on_flushed(trk_leg *leg);
void trk_call_end_all(trk_loop *loop);

/* call_carrier.c */
void trk_call_carrier_message(trk_call *call, const uint8_t *bytes, size_t count);
void trk_call_send_waiting(trk_call *call);
void trk_call_on_media_timer(trk_call *call);
bool trk_call_decode(trk_loop *loop, trk_chain *chain, trk_bytes base64);
/* Whether so much audio, in microseconds, may come now; otherwise the carrier is closed. */
bool trk_call_may_take(trk_call *call, int64_t duration_us);
/* A message with audio came from the carrier: counts it, and the carrier is not silent. */
void trk_call_note_frame(trk_call *call);
/* Audio of the caller as the model hears it. */
void trk_call_take_audio(trk_call *call, const uint8_t *bytes, size_t count);
/* The carrier's stream begins. */
void trk_call_started(trk_call *call);

/* call_model.c */
void trk_call_model_message(trk_call *call, trk_leg *leg, const uint8_t *bytes, size_t count);
void trk_call_forget_responses(trk_call *call);

/* pacer.c */
void trk_pacer_run(trk_call *call);
void trk_pacer_on_timer(trk_call *call);
void trk_pacer_finish_items(trk_call *call);

/* dialect.c: what goes to the caller, as its carrier wants it. */
/* One slice of audio, whole frames; false when there is no room. */
bool trk_dialect_send_audio(trk_call *call, const uint8_t *audio, size_t count);
bool trk_dialect_send_mark(trk_call *call);
void trk_dialect_send_clear(trk_call *call);
/* Everything was heard. */
void trk_dialect_finish(trk_call *call);

/* line.c: what a line that is not Twilio's mu-law needs. */
struct trk_line {
  trk_line_config config; /* The texts point into `text`. */
  trk_opus *opus;         /* NULL: no Opus. */
  trk_reorder *reorder;   /* NULL: not numbered. */
  bool talking;           /* `begin` was sent, `end` is owed. */
  bool held;              /* The peer takes no audio. */
  int64_t media_end_us;   /* Up to here there is audio of the caller; 0: none came yet. */
  uint32_t filled_ms;     /* Made up since the last packet... */
  uint32_t fill_ms;       /* ...and the most of it. */
  uint32_t packet_us;     /* Length of the last packet. */
  trk_timer fill;
  trk_call *call;
  trk_pcm_memory caller_memory, agent_memory; /* Of low passes, for taps of a PCM call. */
  size_t text_count;
  uint8_t text[5 * TRK_LINE_TEXT_MAX];
};
void trk_line_binary(trk_call *call, const uint8_t *bytes, size_t count);
void trk_line_numbered(trk_call *call, int64_t number, trk_bytes base64);
void trk_line_on_timer(trk_line *line);
void trk_line_close(trk_call *call);
void trk_line_release_loop(trk_loop *loop);
bool trk_line_is_opus(const trk_call *call);

#endif
