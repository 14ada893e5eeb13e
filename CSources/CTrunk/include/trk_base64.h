/* trk_base64.h - RFC 4648 section 4 base64, strict, vectorised.
 *
 * THREADS    Any. Pure functions; the kernel is chosen once per process by what the CPU has.
 * OWNERSHIP  All pointers are borrowed. Output may not overlap input.
 * REENTRANCY Nothing calls back.
 * LIMITS     Reads and writes stay within the given counts: no over-read, no over-write.
 *
 * Strict: the length is a multiple of four, padding stands at the end only, and the unused bits
 * before padding are zero (so every byte string has exactly one text).
 */
#ifndef TRK_BASE64_H
#define TRK_BASE64_H
#include "trk_base.h"

TRK_ASSUME_NONNULL_BEGIN

/* The kernels. AUTO is the best one that this CPU has. */
typedef TRK_ENUM(trk_base64_kernel){
    TRK_BASE64_AUTO = 0, TRK_BASE64_SCALAR = 1, TRK_BASE64_SSE = 2,
    TRK_BASE64_AVX2 = 3, TRK_BASE64_NEON = 4,
} trk_base64_kernel;

/* Whether this build and CPU can run `kernel`. AUTO and SCALAR always can. [any] */
bool trk_base64_available(trk_base64_kernel kernel);

/* Characters that `count` bytes encode to, padding included. [any] */
static inline size_t trk_base64_encoded_count(size_t count) {
  return (count + 2) / 3 * 4;
}

/* Upper bound of the bytes that `count` characters decode to. [any] */
static inline size_t trk_base64_decoded_max(size_t count) {
  return count / 4 * 3;
}

/* Writes exactly trk_base64_encoded_count(count) characters and returns that number. No NUL. [any]
 */
size_t trk_base64_encode(char *out, const uint8_t *bytes, size_t count);

/* Decodes `count` characters into `out` (at least trk_base64_decoded_max(count) bytes).
 * Returns the bytes written, or -1 when the text is not strict base64; `out` is then undefined
 * within its granted size. Empty text gives 0. [any] */
ptrdiff_t trk_base64_decode(uint8_t *out, const char *text, size_t count);

/* Checks without decoding: the bytes that the text stands for, or -1. [any] */
ptrdiff_t trk_base64_check(const char *text, size_t count);

/* The same three on a chosen kernel, for tests and benchmarks. `kernel` must be available. [any] */
size_t trk_base64_encode_on(trk_base64_kernel kernel, char *out, const uint8_t *bytes,
                            size_t count);
ptrdiff_t trk_base64_decode_on(trk_base64_kernel kernel, uint8_t *out, const char *text,
                               size_t count);
ptrdiff_t trk_base64_check_on(trk_base64_kernel kernel, const char *text, size_t count);

TRK_ASSUME_NONNULL_END
#endif
