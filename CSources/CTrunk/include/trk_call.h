/* trk_call.h - calls: their line, models, playback and end; see trk.h. */
#ifndef TRK_CALL_H
#define TRK_CALL_H
#include "trk_loop.h"
#include "trk_tap.h"

TRK_ASSUME_NONNULL_BEGIN

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
  TRK_LINE_FILL_MS = 2000,      /* Silence made up for a line that sends nothing, in one piece... */
  TRK_LINE_FILL_MS_MAX = 20000, /* ...and the most that trk_call_set_fill can ask for. */
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

/* How much silence is made up in one piece when the carrier sends nothing, at most
 * TRK_LINE_FILL_MS_MAX: as much as the model needs to find the end of a turn. TRK_EUNSUPPORTED: the
 * call has no line. [loop] */
trk_status trk_call_set_fill(trk_loop *loop, trk_call_id call, uint32_t fill_ms);

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

/* Caller audio that this model leg was given, in milliseconds: where its session's buffer ends, and
 * what its `audio_start_ms` counts in. 0 when the leg is none of the call's. [loop] */
uint64_t trk_call_given_ms(trk_loop *loop, trk_call_id call, trk_leg_id leg);

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

TRK_ASSUME_NONNULL_END
#endif
