/* tap.h - what the other files of the core tell the taps of a call. [loop]
 *
 * The first three are for calls that have taps: `if (call->taps)` is all that the others pay.
 */
#ifndef TRK_TAP_INTERNAL_H
#define TRK_TAP_INTERNAL_H
#include "internal.h"

/* Checked base64 of the caller, `count` bytes of mu-law; the carrier's timestamp or -1. */
void trk_tap_caller(trk_call *call, trk_bytes base64, size_t count, int64_t timestamp_ms);

/* The same for audio of a call with a line, in its own coding. */
void trk_tap_caller_audio(trk_call *call, const uint8_t *audio, size_t count);

/* Before the ledger is told that these bytes were sent. */
void trk_tap_agent(trk_call *call, const uint8_t *bytes, size_t count);

/* Before the ledger is told: the caller hears no more of what was sent by now. */
void trk_tap_clear(trk_call *call, int64_t now_us);

/* The call is over: its taps end. */
void trk_tap_end_all(trk_call *call);

#endif
