/* fuzz_ulaw.c - runs of samples against the single-sample functions, and levels by plain sums. */
#include "fuzz.h"

#include "trk_ulaw.h"

static void check_codes(const uint8_t *codes, size_t count) {
  int16_t *const linear = (int16_t *)(void *)fuzz_block(count * sizeof(int16_t));
  uint8_t *const again = fuzz_block(count);
  uint8_t *const other = fuzz_block(count);
  trk_ulaw_decode(linear, codes, count);
  trk_ulaw_encode(again, linear, count);
  for (size_t i = 0; i < count; i++) {
    FUZZ_CHECK(linear[i] == trk_ulaw_decode_sample(codes[i]));
    FUZZ_CHECK(again[i] == trk_ulaw_encode_sample(linear[i]));
    /* Both zeros of mu-law mean 0; every other code is its own. */
    FUZZ_CHECK(again[i] == codes[i] || (linear[i] == 0 && again[i] == TRK_ULAW_SILENCE));
  }
  trk_alaw_decode(linear, codes, count);
  trk_alaw_encode(again, linear, count);
  FUZZ_CHECK(count == 0 || memcmp(again, codes, count) == 0);
  trk_ulaw_from_alaw(again, codes, count);
  trk_alaw_from_ulaw(other, codes, count);
  for (size_t i = 0; i < count; i++) {
    uint8_t one[2];
    trk_ulaw_from_alaw(&one[0], &codes[i], 1);
    trk_alaw_from_ulaw(&one[1], &codes[i], 1);
    FUZZ_CHECK(one[0] == again[i] && one[1] == other[i]);
  }
  free(linear);
  free(again);
  free(other);
}

static void check_samples(const uint8_t *bytes, size_t count) {
  for (size_t i = 0; i + 2 <= count; i += 2) {
    int16_t sample;
    memcpy(&sample, bytes + i, sizeof sample);
    const int16_t ulaw = trk_ulaw_decode_sample(trk_ulaw_encode_sample(sample));
    const int16_t alaw = trk_alaw_decode_sample(trk_alaw_encode_sample(sample));
    /* The widest step is 1,024; beyond the last decision value both laws clip. */
    FUZZ_CHECK(abs(ulaw - sample) <= 1024);
    FUZZ_CHECK(abs(alaw - sample) <= 1024);
  }
}

static void check_level(const uint8_t *codes, size_t count) {
  const trk_level level = trk_ulaw_level(codes, count);
  uint64_t sum = 0;
  int peak = 0;
  for (size_t i = 0; i < count; i++) {
    const int sample = abs(trk_ulaw_decode_sample(codes[i]));
    sum += (uint64_t)sample * (uint64_t)sample;
    if (sample > peak) peak = sample;
  }
  FUZZ_CHECK(level.peak == peak && level.rms <= level.peak);
  const uint64_t rms = level.rms, mean = count == 0 ? 0 : sum / count;
  FUZZ_CHECK(rms * rms <= mean && mean < (rms + 1) * (rms + 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count) {
  uint8_t *const codes = fuzz_copy(data, count);
  check_codes(codes, count);
  check_samples(codes, count);
  check_level(codes, count);
  trk_ulaw_silence(codes, count);
  FUZZ_CHECK(trk_ulaw_level(codes, count).peak == 0);
  free(codes);
  return 0;
}
