/* base64_sse.c - base64 on 16 bytes at once (SSSE3 and SSE4.1).
 *
 * The arithmetic is Wojciech Mula's and Daniel Lemire's ("Faster Base64 Encoding and Decoding using
 * AVX2 Instructions", 2018); base64_avx2.c does the same on two lanes.
 */
#if defined(__x86_64__)
#include "codec_internal.h"

#include <immintrin.h>
#include <string.h>

#define SSE __attribute__((target("ssse3,sse4.1")))

/* Spreads 12 bytes into 16 groups of six bits, one in each byte. */
SSE static __m128i spread(__m128i bytes) {
  bytes = _mm_shuffle_epi8(bytes, _mm_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10));
  const __m128i odd =
      _mm_mulhi_epu16(_mm_and_si128(bytes, _mm_set1_epi32(0x0FC0FC00)), _mm_set1_epi32(0x04000040));
  const __m128i even =
      _mm_mullo_epi16(_mm_and_si128(bytes, _mm_set1_epi32(0x003F03F0)), _mm_set1_epi32(0x01000010));
  return _mm_or_si128(odd, even);
}

/* Six bits to their character: an offset per range of the alphabet. */
SSE static __m128i to_text(__m128i bits) {
  const __m128i offsets =
      _mm_setr_epi8(65, 71, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -19, -16, 0, 0);
  __m128i range = _mm_subs_epu8(bits, _mm_set1_epi8(51));
  range = _mm_sub_epi8(range, _mm_cmpgt_epi8(bits, _mm_set1_epi8(25)));
  return _mm_add_epi8(bits, _mm_shuffle_epi8(offsets, range));
}

/* Non-zero bytes where a character is outside of the alphabet: each half of the character picks a
 * set of classes, and a class in both sets is a refused combination. */
SSE static __m128i refused(__m128i text, __m128i high) {
  const __m128i by_low = _mm_setr_epi8(0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
                                       0x13, 0x1A, 0x1B, 0x1B, 0x1B, 0x1A);
  const __m128i by_high = _mm_setr_epi8(0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10,
                                        0x10, 0x10, 0x10, 0x10, 0x10, 0x10);
  const __m128i low = _mm_and_si128(text, _mm_set1_epi8(0x0F));
  return _mm_and_si128(_mm_shuffle_epi8(by_low, low), _mm_shuffle_epi8(by_high, high));
}

SSE static __m128i high_half(__m128i text) {
  return _mm_and_si128(_mm_srli_epi32(text, 4), _mm_set1_epi8(0x0F));
}

/* Characters of the alphabet to 12 bytes; the four bytes behind them are zero. */
SSE static __m128i to_bytes(__m128i text, __m128i high) {
  const __m128i offsets = _mm_setr_epi8(0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0);
  const __m128i slash = _mm_cmpeq_epi8(text, _mm_set1_epi8('/'));
  const __m128i bits = _mm_add_epi8(text, _mm_shuffle_epi8(offsets, _mm_add_epi8(slash, high)));
  const __m128i pairs = _mm_maddubs_epi16(bits, _mm_set1_epi32(0x01400140));
  const __m128i quads = _mm_madd_epi16(pairs, _mm_set1_epi32(0x00011000));
  return _mm_shuffle_epi8(quads,
                          _mm_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1));
}

/* Loads 16 bytes but uses 12: the loop ends while all 16 still lie within the run. */
SSE static size_t encode(char *out, const uint8_t *bytes, size_t count) {
  size_t at = 0;
  for (; count - at >= 16; at += 12, out += 16) {
    const __m128i block = _mm_loadu_si128((const __m128i *)(const void *)(bytes + at));
    _mm_storeu_si128((__m128i *)(void *)out, to_text(spread(block)));
  }
  return at;
}

SSE static size_t decode(uint8_t *out, const char *text, size_t count) {
  size_t at = 0;
  for (; count - at >= 16; at += 16, out += 12) {
    const __m128i block = _mm_loadu_si128((const __m128i *)(const void *)(text + at));
    const __m128i high = high_half(block), bad = refused(block, high);
    if (!_mm_testz_si128(bad, bad)) break;
    /* 8 and 4 bytes: a 16 byte store would reach behind the output of the last block. */
    const __m128i bytes = to_bytes(block, high);
    _mm_storel_epi64((__m128i *)(void *)out, bytes);
    const int32_t rest = _mm_extract_epi32(bytes, 2);
    memcpy(out + 8, &rest, 4);
  }
  return at;
}

SSE static size_t check(const char *text, size_t count) {
  size_t at = 0;
  for (; count - at >= 16; at += 16) {
    const __m128i block = _mm_loadu_si128((const __m128i *)(const void *)(text + at));
    const __m128i bad = refused(block, high_half(block));
    if (!_mm_testz_si128(bad, bad)) break;
  }
  return at;
}

const trk_base64_blocks trk_base64_sse = {encode, decode, check};
#endif
