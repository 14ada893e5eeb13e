/* base64_avx2.c - base64 on 32 bytes at once. What is left of a run goes to the SSE kernel. */
#if defined(__x86_64__)
#include "codec_internal.h"

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

AVX2 static __m256i both(__m128i lane) {
  return _mm256_broadcastsi128_si256(lane);
}

AVX2 static __m256i load(const void *from) {
  return _mm256_loadu_si256((const __m256i *)from);
}

/* Two times 12 bytes, one run in each lane, into 32 groups of six bits. */
AVX2 static __m256i spread(const uint8_t *bytes) {
  const __m128i first = _mm_loadu_si128((const __m128i *)(const void *)bytes);
  const __m128i second = _mm_loadu_si128((const __m128i *)(const void *)(bytes + 12));
  const __m256i order = both(_mm_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10));
  const __m256i block = _mm256_shuffle_epi8(_mm256_set_m128i(second, first), order);
  const __m256i odd = _mm256_mulhi_epu16(_mm256_and_si256(block, _mm256_set1_epi32(0x0FC0FC00)),
                                         _mm256_set1_epi32(0x04000040));
  const __m256i even = _mm256_mullo_epi16(_mm256_and_si256(block, _mm256_set1_epi32(0x003F03F0)),
                                          _mm256_set1_epi32(0x01000010));
  return _mm256_or_si256(odd, even);
}

AVX2 static __m256i to_text(__m256i bits) {
  const __m256i offsets =
      both(_mm_setr_epi8(65, 71, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -19, -16, 0, 0));
  __m256i range = _mm256_subs_epu8(bits, _mm256_set1_epi8(51));
  range = _mm256_sub_epi8(range, _mm256_cmpgt_epi8(bits, _mm256_set1_epi8(25)));
  return _mm256_add_epi8(bits, _mm256_shuffle_epi8(offsets, range));
}

/* See base64_sse.c for the two class tables. */
AVX2 static __m256i refused(__m256i text, __m256i high) {
  const __m256i by_low = both(_mm_setr_epi8(0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
                                            0x11, 0x13, 0x1A, 0x1B, 0x1B, 0x1B, 0x1A));
  const __m256i by_high = both(_mm_setr_epi8(0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10,
                                             0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10));
  const __m256i low = _mm256_and_si256(text, _mm256_set1_epi8(0x0F));
  return _mm256_and_si256(_mm256_shuffle_epi8(by_low, low), _mm256_shuffle_epi8(by_high, high));
}

AVX2 static __m256i high_half(__m256i text) {
  return _mm256_and_si256(_mm256_srli_epi32(text, 4), _mm256_set1_epi8(0x0F));
}

/* Characters of the alphabet to 24 bytes at the front. */
AVX2 static __m256i to_bytes(__m256i text, __m256i high) {
  const __m256i offsets =
      both(_mm_setr_epi8(0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0));
  const __m256i order = both(_mm_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1));
  const __m256i slash = _mm256_cmpeq_epi8(text, _mm256_set1_epi8('/'));
  const __m256i bits =
      _mm256_add_epi8(text, _mm256_shuffle_epi8(offsets, _mm256_add_epi8(slash, high)));
  const __m256i pairs = _mm256_maddubs_epi16(bits, _mm256_set1_epi32(0x01400140));
  const __m256i quads = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00011000));
  return _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(quads, order),
                                     _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7));
}

/* A block reads up to byte 28 of which it uses 24. */
AVX2 static size_t encode(char *out, const uint8_t *bytes, size_t count) {
  size_t at = 0;
  for (; count - at >= 28; at += 24, out += 32)
    _mm256_storeu_si256((__m256i *)(void *)out, to_text(spread(bytes + at)));
  return at + trk_base64_sse.encode(out, bytes + at, count - at);
}

AVX2 static size_t decode(uint8_t *out, const char *text, size_t count) {
  size_t at = 0;
  for (; count - at >= 32; at += 32, out += 24) {
    const __m256i block = load(text + at), high = high_half(block), bad = refused(block, high);
    if (!_mm256_testz_si256(bad, bad)) break;
    /* 16 and 8 bytes: a 32 byte store would reach behind the output of the last block. */
    const __m256i bytes = to_bytes(block, high);
    _mm_storeu_si128((__m128i *)(void *)out, _mm256_castsi256_si128(bytes));
    _mm_storel_epi64((__m128i *)(void *)(out + 16), _mm256_extracti128_si256(bytes, 1));
  }
  return at + trk_base64_sse.decode(out, text + at, count - at);
}

AVX2 static size_t check(const char *text, size_t count) {
  size_t at = 0;
  for (; count - at >= 64; at += 64) {
    const __m256i first = load(text + at), second = load(text + at + 32);
    const __m256i bad =
        _mm256_or_si256(refused(first, high_half(first)), refused(second, high_half(second)));
    if (!_mm256_testz_si256(bad, bad)) break;
  }
  return at + trk_base64_sse.check(text + at, count - at);
}

const trk_base64_blocks trk_base64_avx2 = {encode, decode, check};
#endif
