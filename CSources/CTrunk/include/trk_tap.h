/* trk_tap.h - a copy of what both sides of a call hear, for a recorder or a listener.
 *
 * A tap is a ring of bytes with one writer, the call's loop, and one reader, any other thread;
 * neither waits for the other. A call without taps pays one pointer test a frame.
 *
 * TIME       Milliseconds since the carrier's start. Caller audio stands where the carrier's own
 *            timestamps put it, unless they are absurd: then where the loop's clock does. Agent
 *            audio is sent ahead of real time and stands where the phone plays it, by the ledger's
 *            sending clock. What was read already may turn out never to have been heard: a CLEAR
 *            says from which moment on.
 * THREADS    trk_call_tap is [loop]; the functions here are for one thread at a time.
 * OWNERSHIP  Both sides hold a reference; the memory goes with the last. The loop lets go when the
 *            call ends, or at the next frame after the reader has let go.
 * REENTRANCY Nothing calls back.
 * LIMITS     trk_loop_config.tap_bytes of records not read yet: a record that does not fit is
 *            dropped and counted. TRK_CALL_TAPS_MAX taps a call.
 */
#ifndef TRK_TAP_H
#define TRK_TAP_H
#include "trk_base.h"

TRK_ASSUME_NONNULL_BEGIN

typedef struct trk_tap trk_tap;

enum {
  TRK_CALL_TAPS_MAX = 4,
  TRK_TAP_RECORD_MAX = 1600, /* Mu-law bytes of one record: 200 ms. */
  TRK_TAP_AHEAD_MS = 2000,   /* Caller audio further ahead of the loop's clock is dropped. */
};

typedef TRK_ENUM(trk_tap_kind){
    TRK_TAP_CALLER = 1, /* The caller's audio. */
    TRK_TAP_AGENT = 2,  /* The agent's audio as the caller will hear it. */
    TRK_TAP_CLEAR = 3,  /* Agent audio from `at_ms` on that came before this was never heard. */
} trk_tap_kind;

typedef struct trk_tap_record {
  trk_tap_kind kind;
  int64_t at_ms;  /* Of the first byte. */
  uint32_t count; /* Mu-law bytes. */
} trk_tap_record;

/* Takes the next record; `bytes` has room for TRK_TAP_RECORD_MAX. False when there is none now. */
bool trk_tap_read(trk_tap *tap, trk_tap_record *out, uint8_t *bytes);

/* Whether no record will come any more, beside those that wait to be read. */
bool trk_tap_ended(const trk_tap *tap);

/* Records that did not fit so far. */
uint64_t trk_tap_dropped(const trk_tap *tap);

/* Lets go. The pointer is the reader's no more. */
void trk_tap_release(trk_tap *tap);

TRK_ASSUME_NONNULL_END
#endif
