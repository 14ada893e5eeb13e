/* opus.c - libopus behind trk_opus.h, or the refusals when it is not built in. */
#include "trk_opus.h"

#ifdef TRK_WITH_OPUS

#include <opus/opus.h>

struct trk_opus {
  uint32_t rate;
  size_t encoder_at; /* Bytes from the decoder to the encoder. */
  _Alignas(16) uint8_t states[];
};

static size_t aligned(int size) {
  return ((size_t)size + 15) & ~(size_t)15;
}

static OpusDecoder *decoder(trk_opus *opus) {
  return (OpusDecoder *)(void *)opus->states;
}

static OpusEncoder *encoder(trk_opus *opus) {
  return (OpusEncoder *)(void *)(opus->states + opus->encoder_at);
}

size_t trk_opus_size(void) {
  return sizeof(trk_opus) + aligned(opus_decoder_get_size(1)) + aligned(opus_encoder_get_size(1));
}

trk_status trk_opus_init(trk_opus *opus, const trk_opus_config *config) {
  if (config->bitrate < TRK_OPUS_BITRATE_MIN || config->bitrate > TRK_OPUS_BITRATE_MAX ||
      config->complexity > TRK_OPUS_COMPLEXITY_MAX || config->loss_percent > 100)
    return TRK_EINVALID;
  opus->rate = config->rate;
  opus->encoder_at = aligned(opus_decoder_get_size(1));
  OpusEncoder *const to = encoder(opus);
  if (opus_decoder_init(decoder(opus), (opus_int32)config->rate, 1) != OPUS_OK ||
      opus_encoder_init(to, (opus_int32)config->rate, 1, OPUS_APPLICATION_VOIP) != OPUS_OK)
    return TRK_EINVALID;
  opus_encoder_ctl(to, OPUS_SET_BITRATE((opus_int32)config->bitrate));
  opus_encoder_ctl(to, OPUS_SET_COMPLEXITY((opus_int32)config->complexity));
  opus_encoder_ctl(to, OPUS_SET_PACKET_LOSS_PERC((opus_int32)config->loss_percent));
  opus_encoder_ctl(to, OPUS_SET_INBAND_FEC(config->fec ? 1 : 0));
  opus_encoder_ctl(to, OPUS_SET_DTX(config->dtx ? 1 : 0));
  opus_encoder_ctl(to, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
  return TRK_OK;
}

ptrdiff_t trk_opus_samples(const uint8_t *packet, size_t count, uint32_t rate) {
  if (count == 0 || count > TRK_OPUS_PACKET_MAX) return TRK_EINVALID;
  const int samples = opus_packet_get_nb_samples(packet, (opus_int32)count, (opus_int32)rate);
  return samples > 0 ? samples : TRK_EINVALID;
}

/* libopus takes whole milliseconds of what it guesses: 2.5 ms steps. */
static int guessed(const trk_opus *opus, size_t samples) {
  const size_t step = opus->rate / 400;
  const size_t most = (size_t)opus->rate * TRK_OPUS_MS_MAX / 1000;
  return (int)((samples < most ? samples : most) / step * step);
}

ptrdiff_t trk_opus_decode(trk_opus *opus, int16_t *out, size_t capacity, const uint8_t *packet,
                          size_t count) {
  const ptrdiff_t samples = trk_opus_samples(packet, count, opus->rate);
  if (samples < 0 || (size_t)samples > capacity) return TRK_EINVALID;
  const int decoded = opus_decode(decoder(opus), packet, (opus_int32)count, out, (int)samples, 0);
  return decoded > 0 ? decoded : TRK_EINVALID;
}

ptrdiff_t trk_opus_conceal(trk_opus *opus, int16_t *out, size_t samples) {
  const int decoded = opus_decode(decoder(opus), NULL, 0, out, guessed(opus, samples), 0);
  return decoded > 0 ? decoded : TRK_EINVALID;
}

ptrdiff_t trk_opus_recover(trk_opus *opus, int16_t *out, size_t samples, const uint8_t *next,
                           size_t count) {
  if (trk_opus_samples(next, count, opus->rate) < 0) return trk_opus_conceal(opus, out, samples);
  const int decoded =
      opus_decode(decoder(opus), next, (opus_int32)count, out, guessed(opus, samples), 1);
  return decoded > 0 ? decoded : trk_opus_conceal(opus, out, samples);
}

ptrdiff_t trk_opus_encode(trk_opus *opus, uint8_t *out, size_t capacity, const int16_t *samples,
                          size_t count) {
  const opus_int32 most =
      capacity < TRK_OPUS_ENCODED_MAX ? (opus_int32)capacity : TRK_OPUS_ENCODED_MAX;
  const opus_int32 bytes = opus_encode(encoder(opus), samples, (int)count, out, most);
  if (bytes < 0) return TRK_EINVALID;
  /* RFC 6716 leaves packets of up to two bytes to DTX: they need not be sent. */
  opus_int32 dtx = 0;
  opus_encoder_ctl(encoder(opus), OPUS_GET_DTX(&dtx));
  return dtx && bytes <= 2 ? 0 : bytes;
}

#else

size_t trk_opus_size(void) {
  return 0;
}

trk_status trk_opus_init(trk_opus *opus, const trk_opus_config *config) {
  (void)opus, (void)config;
  return TRK_EUNSUPPORTED;
}

ptrdiff_t trk_opus_samples(const uint8_t *packet, size_t count, uint32_t rate) {
  (void)packet, (void)count, (void)rate;
  return TRK_EUNSUPPORTED;
}

ptrdiff_t trk_opus_decode(trk_opus *opus, int16_t *out, size_t capacity, const uint8_t *packet,
                          size_t count) {
  (void)opus, (void)out, (void)capacity, (void)packet, (void)count;
  return TRK_EUNSUPPORTED;
}

ptrdiff_t trk_opus_conceal(trk_opus *opus, int16_t *out, size_t samples) {
  (void)opus, (void)out, (void)samples;
  return TRK_EUNSUPPORTED;
}

ptrdiff_t trk_opus_recover(trk_opus *opus, int16_t *out, size_t samples, const uint8_t *next,
                           size_t count) {
  (void)opus, (void)out, (void)samples, (void)next, (void)count;
  return TRK_EUNSUPPORTED;
}

ptrdiff_t trk_opus_encode(trk_opus *opus, uint8_t *out, size_t capacity, const int16_t *samples,
                          size_t count) {
  (void)opus, (void)out, (void)capacity, (void)samples, (void)count;
  return TRK_EUNSUPPORTED;
}

#endif
