/* base64.c - the scalar kernel, the ends of every run, and the choice of a vector kernel. */
#include "codec_internal.h"

#include <stdatomic.h>

#define V(bits) (TRK_BASE64_VALID | (bits))
const uint8_t trk_base64_values[256] = {
    ['A'] = V(0),  ['B'] = V(1),  ['C'] = V(2),  ['D'] = V(3),  ['E'] = V(4),  ['F'] = V(5),
    ['G'] = V(6),  ['H'] = V(7),  ['I'] = V(8),  ['J'] = V(9),  ['K'] = V(10), ['L'] = V(11),
    ['M'] = V(12), ['N'] = V(13), ['O'] = V(14), ['P'] = V(15), ['Q'] = V(16), ['R'] = V(17),
    ['S'] = V(18), ['T'] = V(19), ['U'] = V(20), ['V'] = V(21), ['W'] = V(22), ['X'] = V(23),
    ['Y'] = V(24), ['Z'] = V(25), ['a'] = V(26), ['b'] = V(27), ['c'] = V(28), ['d'] = V(29),
    ['e'] = V(30), ['f'] = V(31), ['g'] = V(32), ['h'] = V(33), ['i'] = V(34), ['j'] = V(35),
    ['k'] = V(36), ['l'] = V(37), ['m'] = V(38), ['n'] = V(39), ['o'] = V(40), ['p'] = V(41),
    ['q'] = V(42), ['r'] = V(43), ['s'] = V(44), ['t'] = V(45), ['u'] = V(46), ['v'] = V(47),
    ['w'] = V(48), ['x'] = V(49), ['y'] = V(50), ['z'] = V(51), ['0'] = V(52), ['1'] = V(53),
    ['2'] = V(54), ['3'] = V(55), ['4'] = V(56), ['5'] = V(57), ['6'] = V(58), ['7'] = V(59),
    ['8'] = V(60), ['9'] = V(61), ['+'] = V(62), ['/'] = V(63),
};
#undef V

/* Spelled in rows: a string literal would need room for its NUL. */
const char trk_base64_alphabet[64] = {
    'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', 'P',
    'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'a', 'b', 'c', 'd', 'e', 'f',
    'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v',
    'w', 'x', 'y', 'z', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '+', '/',
};

/* ---- Scalar ---- */

/* The scalar kernel has no blocks of its own: the code for the ends of a run does everything. */
static size_t encode_nothing(char *out, const uint8_t *bytes, size_t count) {
  (void)out, (void)bytes, (void)count;
  return 0;
}

static size_t decode_nothing(uint8_t *out, const char *text, size_t count) {
  (void)out, (void)text, (void)count;
  return 0;
}

static size_t check_nothing(const char *text, size_t count) {
  (void)text, (void)count;
  return 0;
}

static const trk_base64_blocks scalar = {encode_nothing, decode_nothing, check_nothing};

/* The table entry of the character at `at`. */
static uint32_t entry(const char *text, size_t at) {
  return trk_base64_values[(uint8_t)text[at]];
}

/* The 24 bits of four characters, or UINT32_MAX when one of them is outside of the alphabet. */
static uint32_t read_quad(const char *text) {
  const uint32_t a = entry(text, 0), b = entry(text, 1), c = entry(text, 2), d = entry(text, 3);
  if ((a & b & c & d & TRK_BASE64_VALID) == 0) return UINT32_MAX;
  return (a & TRK_BASE64_BITS) << 18 | (b & TRK_BASE64_BITS) << 12 | (c & TRK_BASE64_BITS) << 6 |
         (d & TRK_BASE64_BITS);
}

/* Reads the last four characters, where padding may stand. Returns how many bytes they stand for
 * (1 to 3) with their bits at the top of the 24, or 0 when they are not strict base64. */
static size_t read_last(const char *text, uint32_t *bits) {
  if (text[3] != '=') {
    *bits = read_quad(text);
    return *bits == UINT32_MAX ? 0 : 3;
  }
  const bool one = text[2] == '=';
  const char filled[4] = {text[0], text[1], one ? 'A' : text[2], 'A'};
  *bits = read_quad(filled);
  if (*bits == UINT32_MAX) return 0;
  /* Bits below the last whole byte must be zero: 16 of the 24 behind one byte, 8 behind two. */
  if ((*bits & (one ? 0xFFFFu : 0xFFu)) != 0) return 0;
  return one ? 1 : 2;
}

static void encode_end(char *out, const uint8_t *bytes, size_t count) {
  for (; count >= 3; bytes += 3, count -= 3, out += 4) {
    const uint32_t bits = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2];
    out[0] = trk_base64_alphabet[bits >> 18];
    out[1] = trk_base64_alphabet[bits >> 12 & TRK_BASE64_BITS];
    out[2] = trk_base64_alphabet[bits >> 6 & TRK_BASE64_BITS];
    out[3] = trk_base64_alphabet[bits & TRK_BASE64_BITS];
  }
  if (count == 0) return;
  const uint32_t bits = (uint32_t)bytes[0] << 16 | (count == 2 ? (uint32_t)bytes[1] << 8 : 0);
  out[0] = trk_base64_alphabet[bits >> 18];
  out[1] = trk_base64_alphabet[bits >> 12 & TRK_BASE64_BITS];
  out[2] = count == 2 ? trk_base64_alphabet[bits >> 6 & TRK_BASE64_BITS] : '=';
  out[3] = '=';
}

/* ---- The choice ---- */

bool trk_base64_available(trk_base64_kernel kernel) {
  switch (kernel) {
    case TRK_BASE64_AUTO:
    case TRK_BASE64_SCALAR: return true;
#if defined(__x86_64__)
    case TRK_BASE64_SSE: return __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("sse4.1");
    case TRK_BASE64_AVX2:
      return __builtin_cpu_supports("avx2") && trk_base64_available(TRK_BASE64_SSE);
    case TRK_BASE64_NEON: return false;
#elif defined(__aarch64__)
    case TRK_BASE64_SSE:
    case TRK_BASE64_AVX2: return false;
    case TRK_BASE64_NEON: return true;
#else
    case TRK_BASE64_SSE:
    case TRK_BASE64_AVX2:
    case TRK_BASE64_NEON: return false;
#endif
  }
  return false;
}

/* The best kernel that this CPU has. Every thread that asks first finds the same answer, so a
 * relaxed store is enough. */
static trk_base64_kernel best(void) {
  static _Atomic int32_t chosen = TRK_BASE64_AUTO;
  const int32_t known = atomic_load_explicit(&chosen, memory_order_relaxed);
  if (known != TRK_BASE64_AUTO) return (trk_base64_kernel)known;
  static const trk_base64_kernel order[] = {TRK_BASE64_AVX2, TRK_BASE64_SSE, TRK_BASE64_NEON};
  trk_base64_kernel found = TRK_BASE64_SCALAR;
  for (size_t i = 0; i < sizeof order / sizeof *order && found == TRK_BASE64_SCALAR; i++)
    if (trk_base64_available(order[i])) found = order[i];
  atomic_store_explicit(&chosen, (int32_t)found, memory_order_relaxed);
  return found;
}

static const trk_base64_blocks *blocks_of(trk_base64_kernel kernel) {
  switch (kernel == TRK_BASE64_AUTO ? best() : kernel) {
#if defined(__x86_64__)
    case TRK_BASE64_SSE: return &trk_base64_sse;
    case TRK_BASE64_AVX2: return &trk_base64_avx2;
#elif defined(__aarch64__)
    case TRK_BASE64_NEON: return &trk_base64_neon;
#endif
    default: return &scalar;
  }
}

/* ---- Whole runs ---- */

size_t trk_base64_encode_on(trk_base64_kernel kernel, char *out, const uint8_t *bytes,
                            size_t count) {
  const size_t done = blocks_of(kernel)->encode(out, bytes, count);
  encode_end(out + done / 3 * 4, bytes + done, count - done);
  return trk_base64_encoded_count(count);
}

ptrdiff_t trk_base64_decode_on(trk_base64_kernel kernel, uint8_t *out, const char *text,
                               size_t count) {
  if (count == 0) return 0;
  if (count % 4 != 0) return -1;
  const size_t body = count - 4;
  size_t at = blocks_of(kernel)->decode(out, text, body);
  uint8_t *next = out + at / 4 * 3;
  for (; at < body; at += 4, next += 3) {
    const uint32_t bits = read_quad(text + at);
    if (bits == UINT32_MAX) return -1;
    next[0] = (uint8_t)(bits >> 16);
    next[1] = (uint8_t)(bits >> 8);
    next[2] = (uint8_t)bits;
  }
  uint32_t bits = 0;
  const size_t last = read_last(text + body, &bits);
  if (last == 0) return -1;
  for (size_t i = 0; i < last; i++) next[i] = (uint8_t)(bits >> (16 - 8 * i));
  return (ptrdiff_t)(body / 4 * 3 + last);
}

ptrdiff_t trk_base64_check_on(trk_base64_kernel kernel, const char *text, size_t count) {
  if (count == 0) return 0;
  if (count % 4 != 0) return -1;
  const size_t body = count - 4;
  for (size_t at = blocks_of(kernel)->check(text, body); at < body; at += 4)
    if (read_quad(text + at) == UINT32_MAX) return -1;
  uint32_t bits = 0;
  const size_t last = read_last(text + body, &bits);
  return last == 0 ? -1 : (ptrdiff_t)(body / 4 * 3 + last);
}

size_t trk_base64_encode(char *out, const uint8_t *bytes, size_t count) {
  return trk_base64_encode_on(TRK_BASE64_AUTO, out, bytes, count);
}

ptrdiff_t trk_base64_decode(uint8_t *out, const char *text, size_t count) {
  return trk_base64_decode_on(TRK_BASE64_AUTO, out, text, count);
}

ptrdiff_t trk_base64_check(const char *text, size_t count) {
  return trk_base64_check_on(TRK_BASE64_AUTO, text, count);
}
