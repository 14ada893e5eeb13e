/* trk_ulaw.h - ITU-T G.711 mu-law and A-law, and linear levels for meters.
 *
 * THREADS    Any. Pure functions over constant tables.
 * OWNERSHIP  All pointers are borrowed. `out` and input may not overlap.
 * REENTRANCY Nothing calls back.
 * LIMITS     None: `count` samples in, `count` samples out.
 *
 * Linear samples are signed 16 bit: the 14 bits of mu-law and 13 of A-law are scaled up as G.191
 * does (mu-law peaks at +-32124, A-law at +-32256), and a sample on a decision value is encoded as
 * G.191 does: upwards.
 */
#ifndef TRK_ULAW_H
#define TRK_ULAW_H
#include "trk_base.h"

TRK_ASSUME_NONNULL_BEGIN

enum {
  TRK_ULAW_SILENCE = 0xFF,    /* Positive zero. */
  TRK_ALAW_SILENCE = 0xD5,    /* Smallest positive step. */
  TRK_ULAW_BYTES_PER_MS = 8,  /* 8,000 samples a second, one byte each. */
  TRK_ULAW_FRAME_BYTES = 160, /* 20 ms. */
};

uint8_t trk_ulaw_encode_sample(int16_t sample);
int16_t trk_ulaw_decode_sample(uint8_t code);
uint8_t trk_alaw_encode_sample(int16_t sample);
int16_t trk_alaw_decode_sample(uint8_t code);

void trk_ulaw_encode(uint8_t *out, const int16_t *samples, size_t count);
void trk_ulaw_decode(int16_t *out, const uint8_t *codes, size_t count);
void trk_alaw_encode(uint8_t *out, const int16_t *samples, size_t count);
void trk_alaw_decode(int16_t *out, const uint8_t *codes, size_t count);

/* Converts one law to the other through tables 3 and 4 of G.711. */
void trk_ulaw_from_alaw(uint8_t *out, const uint8_t *codes, size_t count);
void trk_alaw_from_ulaw(uint8_t *out, const uint8_t *codes, size_t count);

/* Root mean square (rounded down) and peak of a run of mu-law codes, linear, 0...32124. `count` 0
 * gives 0. */
typedef struct trk_level {
  uint16_t rms;
  uint16_t peak;
} trk_level;
trk_level trk_ulaw_level(const uint8_t *codes, size_t count);

/* Fills with mu-law silence. */
void trk_ulaw_silence(uint8_t *out, size_t count);

TRK_ASSUME_NONNULL_END
#endif
