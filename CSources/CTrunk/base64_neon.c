/* base64_neon.c - base64 on 48 bytes or 64 characters at once (AArch64).
 *
 * The structure loads take three or four bytes apart into registers, so the six bits need shifts
 * only, and both directions of the alphabet are table lookups.
 */
#if defined(__aarch64__)
#include "codec_internal.h"

#include <arm_neon.h>

static uint8x16x4_t load_table(const uint8_t *from) {
  return (uint8x16x4_t){
      {vld1q_u8(from), vld1q_u8(from + 16), vld1q_u8(from + 32), vld1q_u8(from + 48)}};
}

static size_t encode(char *out, const uint8_t *bytes, size_t count) {
  const uint8x16x4_t alphabet = load_table((const uint8_t *)trk_base64_alphabet);
  const uint8x16_t six = vdupq_n_u8(TRK_BASE64_BITS);
  size_t at = 0;
  for (; count - at >= 48; at += 48, out += 64) {
    const uint8x16x3_t in = vld3q_u8(bytes + at);
    const uint8x16_t first = vshrq_n_u8(in.val[0], 2);
    const uint8x16_t second =
        vandq_u8(vorrq_u8(vshlq_n_u8(in.val[0], 4), vshrq_n_u8(in.val[1], 4)), six);
    const uint8x16_t third =
        vandq_u8(vorrq_u8(vshlq_n_u8(in.val[1], 2), vshrq_n_u8(in.val[2], 6)), six);
    const uint8x16_t fourth = vandq_u8(in.val[2], six);
    const uint8x16x4_t text = {{vqtbl4q_u8(alphabet, first), vqtbl4q_u8(alphabet, second),
                                vqtbl4q_u8(alphabet, third), vqtbl4q_u8(alphabet, fourth)}};
    vst4q_u8((uint8_t *)out, text);
  }
  return at;
}

/* The table entries of 16 characters. A lookup outside of its 64 entries gives 0, so of the two
 * halves of ASCII only the right one answers, and neither does for bytes above it. */
static uint8x16_t entries(uint8x16x4_t lower, uint8x16x4_t upper, uint8x16_t text) {
  return vorrq_u8(vqtbl4q_u8(lower, text), vqtbl4q_u8(upper, veorq_u8(text, vdupq_n_u8(0x40))));
}

/* Whether all 64 entries are of the alphabet. */
static bool all_valid(uint8x16x4_t in) {
  const uint8x16_t all = vandq_u8(vandq_u8(in.val[0], in.val[1]), vandq_u8(in.val[2], in.val[3]));
  return vminvq_u8(all) >= TRK_BASE64_VALID;
}

static uint8x16x4_t load_entries(uint8x16x4_t lower, uint8x16x4_t upper, const char *text) {
  const uint8x16x4_t in = vld4q_u8((const uint8_t *)text);
  return (uint8x16x4_t){{entries(lower, upper, in.val[0]), entries(lower, upper, in.val[1]),
                         entries(lower, upper, in.val[2]), entries(lower, upper, in.val[3])}};
}

static size_t decode(uint8_t *out, const char *text, size_t count) {
  const uint8x16x4_t lower = load_table(trk_base64_values);
  const uint8x16x4_t upper = load_table(trk_base64_values + 64);
  const uint8x16_t six = vdupq_n_u8(TRK_BASE64_BITS);
  size_t at = 0;
  for (; count - at >= 64; at += 64, out += 48) {
    const uint8x16x4_t in = load_entries(lower, upper, text + at);
    if (!all_valid(in)) break;
    /* Shifts to the left push the valid bit out; to the right it is masked first. */
    const uint8x16_t second = vandq_u8(in.val[1], six), third = vandq_u8(in.val[2], six);
    const uint8x16x3_t bytes = {{
        vorrq_u8(vshlq_n_u8(in.val[0], 2), vshrq_n_u8(second, 4)),
        vorrq_u8(vshlq_n_u8(second, 4), vshrq_n_u8(third, 2)),
        vorrq_u8(vshlq_n_u8(third, 6), vandq_u8(in.val[3], six)),
    }};
    vst3q_u8(out, bytes);
  }
  return at;
}

static size_t check(const char *text, size_t count) {
  const uint8x16x4_t lower = load_table(trk_base64_values);
  const uint8x16x4_t upper = load_table(trk_base64_values + 64);
  size_t at = 0;
  for (; count - at >= 64; at += 64)
    if (!all_valid(load_entries(lower, upper, text + at))) break;
  return at;
}

const trk_base64_blocks trk_base64_neon = {encode, decode, check};
#endif
