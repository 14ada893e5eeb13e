/* trk_ledger.h - what of the model's audio was received, sent and heard, item by item.
 *
 * A pure state machine over bytes and microseconds: the phone's playback buffer as seen from here.
 *
 * Two sources tell how far the caller has listened. The *sending clock* knows when each byte was
 * sent and that a phone plays at one second a second and stops when dry. The *marks* tell when a
 * byte was certainly played, late by the way back. The way back is constant noise, a phone that
 * falls behind is not: so the heard position is the sending clock, held back by how much later than
 * usual the marks come, never before the last echoed mark and never beyond what was sent. At the
 * moment of a `clear` that is also where the phone will stop: `clear` travels the same way as
 * audio.
 *
 * Positions count bytes of the call's audio (mu-law, unless trk_ledger_set_line says otherwise)
 * over the whole call, padding included, and never go back.
 *
 * THREADS    Any; one ledger belongs to one call.
 * OWNERSHIP  Item ids are copied.
 * REENTRANCY Nothing calls back.
 * LIMITS     TRK_LEDGER_ITEMS_MAX items not yet heard to the end, TRK_LEDGER_MARKS_MAX marks under
 *            way whose time is remembered (more are sent, but do not tune the clock).
 */
#ifndef TRK_LEDGER_H
#define TRK_LEDGER_H
#include "trk_base.h"

TRK_ASSUME_NONNULL_BEGIN

enum {
  TRK_LEDGER_ITEMS_MAX = 16,
  TRK_LEDGER_MARKS_MAX = 32,
  TRK_LEDGER_ID_MAX = 64,          /* Bytes of an item id. */
  TRK_LEDGER_ECHO_GRACE_MS = 2000, /* A mark that is this late counts as lost: the clock decides. */
  TRK_LEDGER_MARK_NAME_MAX = 40,   /* Bytes of a mark's name. */
};

typedef struct trk_ledger_item {
  uint8_t id[TRK_LEDGER_ID_MAX];
  uint32_t id_count;
  int32_t content_index;
  uint32_t epoch;        /* Which model leg of the call it came from. */
  uint64_t start;        /* Position of its first byte; valid once `sent` > 0. */
  uint64_t received;     /* Bytes from the model. */
  uint64_t sent;         /* Bytes to the phone, without padding. */
  bool complete;         /* The model has said that no more audio comes. */
  bool started_reported; /* The loop has told that it is being sent. */
} trk_ledger_item;

typedef struct trk_ledger_mark {
  uint64_t position;
  int64_t due_us; /* When the sending clock has it played. */
} trk_ledger_mark;

typedef struct trk_ledger {
  trk_ledger_item items[TRK_LEDGER_ITEMS_MAX]; /* In play order; [0] is the oldest. */
  trk_ledger_mark marks[TRK_LEDGER_MARKS_MAX]; /* Under way, oldest first. */
  uint32_t item_count;
  uint32_t mark_count;
  uint32_t generation;      /* Changes with each interruption; part of each mark's name. */
  uint64_t position;        /* Bytes sent so far, over the whole call. */
  uint64_t echoed;          /* The highest position whose mark came back in this generation. */
  uint64_t marked;          /* The highest position that carries a mark. */
  int64_t play_end_us;      /* When the sending clock has everything sent played. */
  int64_t lag_usual_us;     /* The least lag of an echo in this call; INT64_MAX before the first. */
  int64_t lag_recent_us[2]; /* The last two lags since playback was last dry. */
  uint32_t lag_count;       /* How many of them are valid. */
  uint32_t bytes_per_ms;    /* Of the audio. */
  uint32_t grace_ms;        /* After so long a mark counts as lost. */
} trk_ledger;

/* One item as seen at a moment. Bytes; heard <= sent <= received. */
typedef struct trk_ledger_view {
  const trk_ledger_item *item;
  uint64_t heard;
} trk_ledger_view;

void trk_ledger_init(trk_ledger *ledger);

/* Before the first audio: its bytes a millisecond, and whether marks come back; without, the clock
 * alone decides. */
void trk_ledger_set_line(trk_ledger *ledger, uint32_t bytes_per_ms, bool has_marks);

/* Counts `count` bytes received for an item; a new id opens an item, which completes the one
 * before it. TRK_EFULL when the items are; TRK_EINVALID for an id that is empty or too long, or for
 * an item that is already complete. */
trk_status trk_ledger_receive(trk_ledger *ledger, trk_bytes id, int32_t content_index,
                              uint32_t epoch, uint64_t count);

/* No more audio comes for this item. Unknown ids are ignored. */
void trk_ledger_complete(trk_ledger *ledger, trk_bytes id);

/* No more audio comes for any item of this model leg. */
void trk_ledger_complete_epoch(trk_ledger *ledger, uint32_t epoch);

/* The item whose bytes are to be sent next, or NULL. It has sent < received, or is complete with
 * nothing left only when it never had audio. */
trk_ledger_item *TRK_NULLABLE trk_ledger_next(trk_ledger *ledger);

/* `count` bytes of `item` and `padding` bytes of silence behind them were sent now. */
void trk_ledger_sent(trk_ledger *ledger, trk_ledger_item *item, uint64_t count, uint64_t padding,
                     int64_t now_us);

/* A mark was sent now behind everything sent so far. Writes its name, "g<generation>.<position>",
 * and returns the name's byte count. */
size_t trk_ledger_mark_name(trk_ledger *ledger, char *out);

/* An echoed mark. False when it is none of ours, of an old generation, or beyond what was sent. */
bool trk_ledger_echo(trk_ledger *ledger, trk_bytes name, int64_t now_us);

/* Milliseconds and microseconds of audio that the phone still has to play. */
int64_t trk_ledger_ahead_us(const trk_ledger *ledger, int64_t now_us);

/* The position that the caller has heard by now. */
uint64_t trk_ledger_heard(const trk_ledger *ledger, int64_t now_us);

/* Bytes of an item that the caller has heard by now. */
uint64_t trk_ledger_item_heard(const trk_ledger *ledger, const trk_ledger_item *item,
                               int64_t now_us);

/* True when sent audio has not been proven heard by a mark: a `clear` may still cut something. */
bool trk_ledger_unproven(const trk_ledger *ledger);

/* Forgets all items and begins a new generation: `clear` was sent now. */
void trk_ledger_interrupt(trk_ledger *ledger, int64_t now_us);

/* Removes the oldest item when it is complete and heard to its end (by mark, or by the clock when
 * its mark is overdue) and copies it to `out`. False when there is none. */
bool trk_ledger_finish(trk_ledger *ledger, trk_ledger_item *out, int64_t now_us);

/* When trk_ledger_finish should be tried even if no mark comes; INT64_MAX when there is nothing to
 * wait for. */
int64_t trk_ledger_grace_us(const trk_ledger *ledger);

TRK_ASSUME_NONNULL_END
#endif
