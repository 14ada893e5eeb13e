/* trk_opus.h - Opus (RFC 6716) to linear samples and back, by libopus.
 *
 * One state holds a decoder and an encoder of one channel; both run at the same rate, which libopus
 * resamples to from whatever a packet holds. Without libopus (the trait Opus is off) nothing here
 * works: trk_opus_size is 0 and every function answers TRK_EUNSUPPORTED.
 *
 * THREADS    Any; one state belongs to one thread at a time.
 * OWNERSHIP  The caller owns the memory of a state: trk_opus_size() bytes, any number of times
 *            initialised, never destroyed.
 * REENTRANCY Nothing calls back.
 * LIMITS     Packets of up to TRK_OPUS_PACKET_MAX bytes and TRK_OPUS_MS_MAX of audio.
 */
#ifndef TRK_OPUS_H
#define TRK_OPUS_H
#include "trk_base.h"

TRK_ASSUME_NONNULL_BEGIN

enum {
  TRK_OPUS_PACKET_MAX = 7650, /* Bytes: 120 ms at the highest rate, and all padding within sense. */
  TRK_OPUS_MS_MAX = 120,      /* RFC 6716 section 3.2.5, R5. */
  TRK_OPUS_ENCODED_MAX = 1500,   /* Bytes of a packet of ours: it fits a datagram, too. */
  TRK_OPUS_BITRATE_MIN = 6000,   /* Bits a second. */
  TRK_OPUS_BITRATE_MAX = 128000, /* Bits a second. */
  TRK_OPUS_COMPLEXITY_MAX = 10,
};

typedef struct trk_opus trk_opus;

typedef struct trk_opus_config {
  uint32_t rate;         /* Samples a second: 8000, 12000, 16000, 24000 or 48000. */
  uint32_t bitrate;      /* Of the encoder, TRK_OPUS_BITRATE_MIN...MAX. */
  uint32_t complexity;   /* Of the encoder, 0...10: time for quality. */
  uint32_t loss_percent; /* What the encoder should expect: how much it repeats with `fec`. */
  bool fec;              /* Each packet holds a rougher copy of the one before. */
  bool dtx;              /* Silence is hardly sent. */
} trk_opus_config;

/* Bytes of a state; 0 when Opus is not built in. [any] */
size_t trk_opus_size(void);

/* Begins anew in this memory. TRK_EINVALID: a value out of range. TRK_EUNSUPPORTED. [any] */
trk_status trk_opus_init(trk_opus *opus, const trk_opus_config *config);

/* Samples at `rate` that a packet holds, or TRK_EINVALID: its table of contents is broken. [any] */
ptrdiff_t trk_opus_samples(const uint8_t *packet, size_t count, uint32_t rate);

/* Decodes a packet; returns samples, or TRK_EINVALID for a packet that breaks RFC 6716 or does not
 * fit `capacity` samples: then nothing was played. [any] */
ptrdiff_t trk_opus_decode(trk_opus *opus, int16_t *out, size_t capacity, const uint8_t *packet,
                          size_t count);

/* `samples` of what a lost packet may have held, guessed from those before it. [any] */
ptrdiff_t trk_opus_conceal(trk_opus *opus, int16_t *out, size_t samples);

/* The same by the copy in the packet behind the lost one, which is decoded afterwards; concealed
 * when that packet has none. [any] */
ptrdiff_t trk_opus_recover(trk_opus *opus, int16_t *out, size_t samples, const uint8_t *next,
                           size_t count);

/* Encodes 2.5, 5, 10, 20, 40 or 60 ms; returns bytes, 0 when nothing needs to be sent (DTX), or
 * TRK_EINVALID for another length. `capacity` of TRK_OPUS_ENCODED_MAX is always enough. [any] */
ptrdiff_t trk_opus_encode(trk_opus *opus, uint8_t *out, size_t capacity, const int16_t *samples,
                          size_t count);

TRK_ASSUME_NONNULL_END
#endif
