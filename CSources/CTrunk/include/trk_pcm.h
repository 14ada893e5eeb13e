/* trk_pcm.h - between the two rates of our audio: mu-law at 8,000 and PCM16 at 24,000 samples a
 * second.
 *
 * THREADS    Any. Pure functions.
 * OWNERSHIP  All pointers are borrowed. `out` and input may not overlap.
 * REENTRANCY Nothing calls back.
 * LIMITS     None.
 */
#ifndef TRK_PCM_H
#define TRK_PCM_H
#include "trk_base.h"

TRK_ASSUME_NONNULL_BEGIN

enum {
  TRK_PCM_RATE = 24000,
  TRK_PCM_BYTES_PER_MS = 48,
  TRK_PCM_PER_ULAW = 3, /* Samples at 24,000 for one at 8,000. */
};

/* The samples that a low pass remembers between two runs. Zero at first. */
typedef struct trk_pcm_memory {
  int16_t samples[16];
} trk_pcm_memory;

/* Three samples become one code, behind a low pass at 3.4 kHz: `count` codes of mu-law out of
 * 3 * `count` samples of native PCM16. */
void trk_pcm_to_ulaw(uint8_t *out, const int16_t *samples, size_t count, trk_pcm_memory *memory);

/* One code becomes three samples, on straight lines: 3 * `count` samples. `last` is the last sample
 * of the run before. */
void trk_pcm_from_ulaw(int16_t *out, const uint8_t *codes, size_t count, int16_t *last);

TRK_ASSUME_NONNULL_END
#endif
