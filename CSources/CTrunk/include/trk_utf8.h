/* trk_utf8.h - streaming UTF-8 check (RFC 3629) for WebSocket text.
 *
 * THREADS    Any. Pure functions.
 * OWNERSHIP  All pointers are borrowed.
 * REENTRANCY Nothing calls back.
 * LIMITS     None; the state between two runs is one word.
 */
#ifndef TRK_UTF8_H
#define TRK_UTF8_H
#include "trk_base.h"

TRK_ASSUME_NONNULL_BEGIN

/* Where in a character the stream stands. Zero-initialised at the start of a message. */
typedef struct trk_utf8 {
  uint32_t state; /* 0: between two characters. */
} trk_utf8;

/* Feeds a run. False as soon as the bytes so far can not begin valid UTF-8 (over-long forms,
 * surrogates, above U+10FFFF, stray continuations); the state is then final. [any] */
bool trk_utf8_feed(trk_utf8 *utf8, const uint8_t *bytes, size_t count);

/* True when the stream ends between two characters. [any] */
static inline bool trk_utf8_complete(const trk_utf8 *utf8) {
  return utf8->state == 0;
}

TRK_ASSUME_NONNULL_END
#endif
