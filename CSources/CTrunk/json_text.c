/* json_text.c - what stands inside of JSON strings: escapes, comparisons, integers. */
#include "codec_internal.h"

#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

/* ---- Runs without anything to look at ---- */

static bool is_plain(uint8_t byte) {
  return byte >= 0x20 && byte != '"' && byte != '\\';
}

#if defined(__SSE2__)
/* All ones where a byte ends a run. */
static __m128i ends(const uint8_t *text) {
  const __m128i block = _mm_loadu_si128((const __m128i *)(const void *)text);
  const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1F)), block);
  return _mm_or_si128(control, _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('"')),
                                            _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'))));
}

/* Where in the 16 bytes the run ends; 16 when it does not. */
static size_t block_run(const uint8_t *text) {
  const uint32_t mask = (uint32_t)_mm_movemask_epi8(ends(text));
  return (size_t)__builtin_ctz(mask | 1u << 16);
}

/* Whether 64 bytes are all plain. */
static bool wide_plain(const uint8_t *text) {
  const __m128i any = _mm_or_si128(_mm_or_si128(ends(text), ends(text + 16)),
                                   _mm_or_si128(ends(text + 32), ends(text + 48)));
  return _mm_movemask_epi8(any) == 0;
}
#elif defined(__ARM_NEON)
static uint8x16_t ends(const uint8_t *text) {
  const uint8x16_t block = vld1q_u8(text);
  return vorrq_u8(vcltq_u8(block, vdupq_n_u8(0x20)),
                  vorrq_u8(vceqq_u8(block, vdupq_n_u8('"')), vceqq_u8(block, vdupq_n_u8('\\'))));
}

static size_t block_run(const uint8_t *text) {
  /* Four bits a byte: NEON has no move mask. */
  const uint8x8_t nibbles = vshrn_n_u16(vreinterpretq_u16_u8(ends(text)), 4);
  const uint64_t mask = vget_lane_u64(vreinterpret_u64_u8(nibbles), 0);
  return mask == 0 ? 16 : (size_t)__builtin_ctzll(mask) / 4;
}

static bool wide_plain(const uint8_t *text) {
  const uint8x16_t any =
      vorrq_u8(vorrq_u8(ends(text), ends(text + 16)), vorrq_u8(ends(text + 32), ends(text + 48)));
  return vmaxvq_u8(any) == 0;
}
#else
static size_t block_run(const uint8_t *text) {
  size_t at = 0;
  while (at < 16 && is_plain(text[at])) at++;
  return at;
}

static bool wide_plain(const uint8_t *text) {
  size_t at = 0;
  while (at < 64 && block_run(text + at) == 16) at += 16;
  return at == 64;
}
#endif

size_t trk_json_text_run(const uint8_t *text, size_t count) {
  size_t at = 0;
  /* Most strings end within the first blocks; only then is it worth to look at 64 bytes. */
  while (count - at >= 16) {
    const size_t run = block_run(text + at);
    if (run < 16) return at + run;
    at += 16;
    while (count - at >= 64 && wide_plain(text + at)) at += 64;
  }
  while (at < count && is_plain(text[at])) at++;
  return at;
}

/* ---- Escapes ---- */

/* 0...15, or a value with higher bits for anything else. */
static uint32_t hex_digit(uint8_t byte) {
  if (byte >= '0' && byte <= '9') return byte - (uint32_t)'0';
  const uint32_t letter = (byte | 0x20u) - 'a';
  return letter < 6 ? letter + 10 : UINT32_MAX;
}

/* The code unit of the six bytes at `text`, or UINT32_MAX when they are not \uXXXX. */
static uint32_t read_unit(const uint8_t *text, size_t count) {
  if (count < 6 || text[0] != '\\' || text[1] != 'u') return UINT32_MAX;
  uint32_t unit = 0, wrong = 0;
  for (size_t i = 2; i < 6; i++) {
    const uint32_t digit = hex_digit(text[i]);
    wrong |= digit > 15;
    unit = unit << 4 | (digit & 0x0F);
  }
  return wrong != 0 ? UINT32_MAX : unit;
}

/* What a backslash and this byte mean, 0 when nothing. */
static uint8_t short_escape(uint8_t byte) {
  switch (byte) {
    case '"': return '"';
    case '\\': return '\\';
    case '/': return '/';
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return 0;
  }
}

size_t trk_json_text_escape(const uint8_t *text, size_t count, uint32_t *scalar) {
  if (count < 2) return 0;
  if (text[1] != 'u') {
    *scalar = short_escape(text[1]);
    return *scalar == 0 ? 0 : 2;
  }
  const uint32_t first = read_unit(text, count);
  if (first == UINT32_MAX) return 0;
  *scalar = first;
  if (first < 0xD800 || first > 0xDFFF) return 6;
  if (first > 0xDBFF) return 0; /* A second half without a first. */
  const uint32_t second = read_unit(text + 6, count - 6);
  if (second < 0xDC00 || second > 0xDFFF) return 0;
  *scalar = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
  return 12;
}

/* Writes a scalar value as UTF-8: at most 4 bytes, and never more than its escape has. */
static size_t put_utf8(uint8_t *out, uint32_t scalar) {
  if (scalar < 0x80) {
    out[0] = (uint8_t)scalar;
    return 1;
  }
  if (scalar < 0x800) {
    out[0] = (uint8_t)(0xC0 | scalar >> 6);
    out[1] = (uint8_t)(0x80 | (scalar & 0x3F));
    return 2;
  }
  if (scalar < 0x10000) {
    out[0] = (uint8_t)(0xE0 | scalar >> 12);
    out[1] = (uint8_t)(0x80 | (scalar >> 6 & 0x3F));
    out[2] = (uint8_t)(0x80 | (scalar & 0x3F));
    return 3;
  }
  out[0] = (uint8_t)(0xF0 | scalar >> 18);
  out[1] = (uint8_t)(0x80 | (scalar >> 12 & 0x3F));
  out[2] = (uint8_t)(0x80 | (scalar >> 6 & 0x3F));
  out[3] = (uint8_t)(0x80 | (scalar & 0x3F));
  return 4;
}

ptrdiff_t trk_json_unescape(uint8_t *out, const trk_json_value *value) {
  if (value->kind != TRK_JSON_STRING) return -1;
  const uint8_t *const text = value->text.data;
  const size_t count = value->text.count;
  if (text == NULL || count == 0) return 0;
  if (!value->escaped) {
    memcpy(out, text, count);
    return (ptrdiff_t)count;
  }
  size_t at = 0, done = 0;
  while (at < count) {
    if (text[at] == '\\') {
      uint32_t scalar = 0;
      const size_t used = trk_json_text_escape(text + at, count - at, &scalar);
      if (used == 0) return -1;
      at += used;
      done += put_utf8(out + done, scalar);
      continue;
    }
    /* At least the one byte: a value that did not come from the scanner may hold anything. */
    size_t run = trk_json_text_run(text + at, count - at);
    if (run == 0) run = 1;
    memcpy(out + done, text + at, run);
    at += run;
    done += run;
  }
  return (ptrdiff_t)done;
}

/* Reads one character of a string: an ASCII one as itself, an escape as its scalar value, a byte
 * of anything else as that byte. False at the end and in front of a broken escape. */
static bool next_character(const trk_bytes *text, size_t *at, uint32_t *character) {
  if (*at >= text->count || text->data == NULL) return false;
  const uint8_t *const from = text->data + *at;
  *character = *from;
  const size_t used = *from == '\\' ? trk_json_text_escape(from, text->count - *at, character) : 1;
  *at += used;
  return used != 0;
}

bool trk_json_equals(const trk_json_value *value, const char *literal) {
  if (value->kind != TRK_JSON_STRING) return false;
  size_t at = 0;
  uint32_t character = 0;
  for (; *literal != '\0'; literal++) {
    if (!next_character(&value->text, &at, &character)) return false;
    if (character != (uint8_t)*literal) return false;
  }
  return at == value->text.count;
}

/* ---- Integers ---- */

bool trk_json_integer(const trk_json_value *value, int64_t *out) {
  if (value->kind != TRK_JSON_NUMBER && value->kind != TRK_JSON_STRING) return false;
  size_t at = 0;
  uint32_t character = 0;
  if (!next_character(&value->text, &at, &character)) return false;
  const bool negative = character == '-';
  if (negative && !next_character(&value->text, &at, &character)) return false;
  /* Counted downwards: the negative range is the larger one by one. */
  int64_t number = 0;
  for (;;) {
    if (character < '0' || character > '9') return false;
    if (__builtin_mul_overflow(number, 10, &number)) return false;
    if (__builtin_sub_overflow(number, (int64_t)(character - '0'), &number)) return false;
    if (at == value->text.count) break;
    if (!next_character(&value->text, &at, &character)) return false;
  }
  if (!negative && number == INT64_MIN) return false;
  *out = negative ? number : -number;
  return true;
}

/* ---- Writing ---- */

/* The short escape's letter for a byte that has one, 0 otherwise. */
static char escape_letter(uint8_t byte) {
  switch (byte) {
    case '"': return '"';
    case '\\': return '\\';
    case '\b': return 'b';
    case '\f': return 'f';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    default: return 0;
  }
}

size_t trk_json_escape(uint8_t *out, size_t capacity, const uint8_t *bytes, size_t count) {
  static const char digits[16] = {'0', '1', '2', '3', '4', '5', '6', '7',
                                  '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'};
  size_t at = 0, done = 0;
  while (at < count) {
    const size_t run = trk_json_text_run(bytes + at, count - at);
    if (run > capacity - done) return 0;
    if (run != 0) memcpy(out + done, bytes + at, run);
    at += run;
    done += run;
    if (at == count) break;
    const uint8_t byte = bytes[at++];
    const char letter = escape_letter(byte);
    const size_t need = letter != 0 ? 2 : 6;
    if (need > capacity - done) return 0;
    out[done] = '\\';
    if (letter != 0) {
      out[done + 1] = (uint8_t)letter;
    } else {
      memcpy(out + done + 1, "u00", 3);
      out[done + 4] = (uint8_t)digits[byte >> 4];
      out[done + 5] = (uint8_t)digits[byte & 0x0F];
    }
    done += need;
  }
  return done;
}

/* ---- Fields of a message ---- */

trk_bytes trk_json_text_bytes(const trk_json_value *value, trk_json_scratch *scratch) {
  if (value->kind != TRK_JSON_STRING) return (trk_bytes){0};
  if (!value->escaped) return value->text;
  const ptrdiff_t count = trk_json_unescape(scratch->next, value);
  if (count < 0) return (trk_bytes){0};
  const trk_bytes bytes = {scratch->next, (size_t)count};
  scratch->next += count;
  return bytes;
}

bool trk_json_text_id(trk_bytes *out, const trk_json_value *value, size_t max,
                      trk_json_scratch *scratch) {
  *out = (trk_bytes){0};
  if (value->kind == TRK_JSON_ABSENT || value->kind == TRK_JSON_NULL) return true;
  if (value->kind != TRK_JSON_STRING) return false;
  const trk_bytes id = trk_json_text_bytes(value, scratch);
  if (id.count > max) return false;
  for (size_t i = 0; i < id.count; i++)
    if (id.data[i] < 0x20 || id.data[i] > 0x7E) return false;
  *out = id;
  return true;
}
