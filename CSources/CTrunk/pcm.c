/* pcm.c - see trk_pcm.h. */
#include "trk_pcm.h"

#include <string.h>

#include "trk_ulaw.h"

/* A windowed sinc (Hamming, 17 taps) with its edge at 3,400 Hz of 24,000, times 2^15; symmetric,
 * and the sum is one. */
enum { TAPS = 17, SHIFT = 15 };
static const int32_t taps[TAPS] = {77,   -9,   -300, -730, -570, 1124, 4391, 7782, 9238,
                                   7782, 4391, 1124, -570, -730, -300, -9,   77};
_Static_assert(TAPS - 1 == sizeof(trk_pcm_memory) / sizeof(int16_t),
               "what a run leaves to the next");

static int16_t clamped(int32_t value) {
  return (int16_t)(value > INT16_MAX ? INT16_MAX : value < INT16_MIN ? INT16_MIN : value);
}

void trk_pcm_to_ulaw(uint8_t *out, const int16_t *samples, size_t count, trk_pcm_memory *memory) {
  /* The run with what stood before it, in pieces that fit the stack. */
  enum { PIECE = 160 };
  int16_t run[TAPS - 1 + TRK_PCM_PER_ULAW * PIECE];
  memcpy(run, memory->samples, sizeof memory->samples);
  while (count > 0) {
    const size_t codes = count < PIECE ? count : PIECE;
    const size_t taken = codes * TRK_PCM_PER_ULAW;
    memcpy(run + TAPS - 1, samples, taken * sizeof *samples);
    for (size_t i = 0; i < codes; i++) {
      const int16_t *at = run + i * TRK_PCM_PER_ULAW;
      int32_t sum = 1 << (SHIFT - 1);
      for (size_t tap = 0; tap < TAPS; tap++) sum += taps[tap] * at[tap];
      out[i] = trk_ulaw_encode_sample(clamped(sum >> SHIFT));
    }
    memmove(run, run + taken, (TAPS - 1) * sizeof *run);
    out += codes;
    samples += taken;
    count -= codes;
  }
  memcpy(memory->samples, run, sizeof memory->samples);
}

void trk_pcm_from_ulaw(int16_t *out, const uint8_t *codes, size_t count, int16_t *last) {
  int32_t from = *last;
  for (size_t i = 0; i < count; i++) {
    const int32_t to = trk_ulaw_decode_sample(codes[i]);
    *out++ = (int16_t)(from + (to - from) / 3);
    *out++ = (int16_t)(from + (to - from) * 2 / 3);
    *out++ = (int16_t)to;
    from = to;
  }
  *last = (int16_t)from;
}
