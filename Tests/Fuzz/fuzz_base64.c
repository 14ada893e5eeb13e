/* fuzz_base64.c - every kernel against a plain reference, both ways. */
#include "fuzz.h"

#include "trk_base64.h"

static const trk_base64_kernel kernels[] = {TRK_BASE64_AUTO, TRK_BASE64_SCALAR, TRK_BASE64_SSE,
                                            TRK_BASE64_AVX2, TRK_BASE64_NEON};

/* ---- The reference ---- */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void reference_encode(char *out, const uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count; i += 3) {
    uint32_t bits = 0;
    for (size_t j = 0; j < 3; j++) bits = bits << 8 | (i + j < count ? bytes[i + j] : 0u);
    for (size_t j = 0; j < 4; j++)
      *out++ = i + j <= count ? alphabet[bits >> (18 - 6 * j) & 63] : '=';
  }
}

/* Decodes whatever letters stand there, and takes the answer only when it encodes to this text. */
static ptrdiff_t reference_decode(uint8_t *out, const char *text, size_t count) {
  size_t letters = count;
  while (letters > 0 && count - letters < 2 && text[letters - 1] == '=') letters--;
  uint32_t bits = 0;
  size_t done = 0;
  for (size_t i = 0; i < letters; i++) {
    const char *const at = memchr(alphabet, text[i], 64);
    if (at == NULL) return -1;
    bits = bits << 6 | (uint32_t)(at - alphabet);
    if (i % 4 != 0) out[done++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
  }
  if ((done + 2) / 3 * 4 != count) return -1;
  char *const again = malloc(count + 1);
  reference_encode(again, out, done);
  const bool same = count == 0 || memcmp(again, text, count) == 0;
  free(again);
  return same ? (ptrdiff_t)done : -1;
}

/* ---- The checks ---- */

static void check_decode(trk_base64_kernel kernel, const char *text, size_t count,
                         const uint8_t *expected, ptrdiff_t expected_count) {
  uint8_t *const out = fuzz_block(trk_base64_decoded_max(count));
  FUZZ_CHECK(trk_base64_check_on(kernel, text, count) == expected_count);
  FUZZ_CHECK(trk_base64_decode_on(kernel, out, text, count) == expected_count);
  if (expected_count > 0) FUZZ_CHECK(memcmp(out, expected, (size_t)expected_count) == 0);
  free(out);
}

static void check_encode(trk_base64_kernel kernel, const uint8_t *bytes, size_t count) {
  const size_t text_count = trk_base64_encoded_count(count);
  char *const text = (char *)fuzz_block(text_count);
  char *const expected = (char *)fuzz_block(text_count);
  reference_encode(expected, bytes, count);
  FUZZ_CHECK(trk_base64_encode_on(kernel, text, bytes, count) == text_count);
  FUZZ_CHECK(text_count == 0 || memcmp(text, expected, text_count) == 0);
  check_decode(kernel, text, text_count, bytes, (ptrdiff_t)count);
  free(text);
  free(expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count) {
  fuzz_input in = {data, count};
  /* The run begins at any alignment. */
  const size_t shift = fuzz_byte(&in) & 31;
  uint8_t *const block = fuzz_block(shift + in.left);
  memset(block, 0, shift);
  if (in.left != 0) memcpy(block + shift, in.at, in.left);
  const char *const text = (const char *)block + shift;
  uint8_t *const expected = fuzz_block(in.left);
  const ptrdiff_t expected_count = reference_decode(expected, text, in.left);
  for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) {
    if (!trk_base64_available(kernels[i])) continue;
    check_decode(kernels[i], text, in.left, expected, expected_count);
    check_encode(kernels[i], block + shift, in.left);
  }
  FUZZ_CHECK(trk_base64_check(text, in.left) == expected_count);
  free(expected);
  free(block);
  return 0;
}
