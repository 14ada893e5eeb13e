/* reference_json.c - RFC 8259 read straight from its grammar, one function a rule. */
#include "reference_json.h"

#include <stdlib.h>
#include <string.h>

enum { KEYS_DEEP = TRK_JSON_DEPTH_MAX + 1 };

typedef struct key {
  uint8_t *bytes;
  size_t count;
} key;

typedef struct reader {
  const uint8_t *at;
  const uint8_t *end;
  const trk_json_field *fields;
  size_t fields_count;
  trk_json_value *values;
  size_t members;
  size_t depth;
  size_t arrays; /* Arrays around this place: inside of one, nothing is watched. */
  key path[KEYS_DEEP];
  size_t path_count;
  bool full; /* A limit, rather than the grammar, ended it. */
} reader;

static bool value_of(reader *r);

/* ---- Strings ---- */

static int nibble(uint8_t c) {
  const char *const digits = "0123456789abcdef";
  const char *const upper = "0123456789ABCDEF";
  for (int i = 0; i < 16; i++)
    if (c == (uint8_t)digits[i] || c == (uint8_t)upper[i]) return i;
  return -1;
}

/* Four hexadecimal digits, or -1. */
static long unit_at(const uint8_t *at, const uint8_t *end) {
  if (end - at < 4) return -1;
  long unit = 0;
  for (int i = 0; i < 4; i++) {
    const int digit = nibble(at[i]);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

static size_t write_utf8(uint8_t *out, unsigned long point) {
  const size_t more = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  static const uint8_t leads[] = {0, 0xC0, 0xE0, 0xF0};
  out[0] = (uint8_t)(leads[more] | point >> (6 * more));
  for (size_t i = 1; i <= more; i++) out[i] = (uint8_t)(0x80 | (point >> (6 * (more - i)) & 0x3F));
  return more + 1;
}

/* Behind the `u` of an escape. Moves `at` on; false for what is no scalar value. */
static bool read_point(const uint8_t **at, const uint8_t *end, unsigned long *point) {
  const long first = unit_at(*at, end);
  if (first < 0) return false;
  *at += 4;
  *point = (unsigned long)first;
  if (first < 0xD800 || first >= 0xE000) return true;
  if (first >= 0xDC00 || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u') return false;
  const long second = unit_at(*at + 2, end);
  if (second < 0xDC00 || second >= 0xE000) return false;
  *at += 6;
  *point = 0x10000ul + (unsigned long)(first - 0xD800) * 0x400 + (unsigned long)(second - 0xDC00);
  return true;
}

ptrdiff_t reference_json_decode(uint8_t *out, const uint8_t *text, size_t count) {
  const uint8_t *at = text, *const end = text + count;
  size_t done = 0;
  while (at < end) {
    if (*at != '\\') {
      out[done++] = *at++;
      continue;
    }
    if (++at == end) return -1;
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const uint8_t letter = *at++;
    const char *const known = letter == 0 ? NULL : strchr(letters, letter);
    unsigned long point = 0;
    if (known != NULL)
      out[done++] = (uint8_t)meanings[known - letters];
    else if (letter == 'u' && read_point(&at, end, &point))
      done += write_utf8(out + done, point);
    else
      return -1;
  }
  return (ptrdiff_t)done;
}

/* A string from its opening quote; `out` is its inside. */
static bool string_of(reader *r, trk_bytes *out) {
  if (r->at == r->end || *r->at != '"') return false;
  const uint8_t *const begin = ++r->at;
  for (; r->at < r->end && *r->at != '"'; r->at++) {
    if (*r->at < 0x20) return false;
    if (*r->at == '\\' && ++r->at == r->end) return false;
  }
  if (r->at == r->end) return false;
  *out = (trk_bytes){begin, (size_t)(r->at - begin)};
  r->at++;
  uint8_t *const decoded = malloc(out->count + 1);
  const bool fine = reference_json_decode(decoded, out->data, out->count) >= 0;
  free(decoded);
  return fine;
}

/* ---- What is watched ---- */

static bool is_key(const key *k, const char *name) {
  return name != NULL && strlen(name) == k->count && memcmp(name, k->bytes, k->count) == 0;
}

/* Whether the first keys of the field are the path to this place. */
static bool begins_with_path(const reader *r, const trk_json_field *field) {
  if (r->arrays > 0 || r->path_count > TRK_JSON_PATH_MAX) return false;
  for (size_t i = 0; i < r->path_count; i++)
    if (!is_key(&r->path[i], field->keys[i])) return false;
  return true;
}

static void found(reader *r, trk_json_kind kind, trk_bytes text, bool escaped) {
  for (size_t i = 0; i < r->fields_count; i++) {
    const trk_json_field *const field = &r->fields[i];
    if (r->path_count == 0 || !begins_with_path(r, field)) continue;
    if (r->path_count < TRK_JSON_PATH_MAX && field->keys[r->path_count] != NULL) continue;
    r->values[i] = (trk_json_value){kind, escaped, text};
  }
}

/* ---- The grammar ---- */

static void space(reader *r) {
  while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
    r->at++;
}

static bool eat(reader *r, char c) {
  if (r->at == r->end || *r->at != (uint8_t)c) return false;
  r->at++;
  return true;
}

static bool digits(reader *r) {
  const uint8_t *const begin = r->at;
  while (r->at < r->end && *r->at >= '0' && *r->at <= '9') r->at++;
  return r->at > begin;
}

static bool number(reader *r) {
  eat(r, '-');
  if (!eat(r, '0') && !digits(r)) return false;
  if (eat(r, '.') && !digits(r)) return false;
  if (!eat(r, 'e') && !eat(r, 'E')) return true;
  if (!eat(r, '+')) eat(r, '-');
  return digits(r);
}

static bool word(reader *r, const char *text) {
  for (; *text != '\0'; text++)
    if (!eat(r, *text)) return false;
  return true;
}

static bool count_member(reader *r) {
  r->full = r->members == TRK_JSON_MEMBERS_MAX;
  r->members++;
  return !r->full;
}

/* One key with its colon: it is put on the path. `seen` holds the fields that it has met here. */
static bool enter_key(reader *r, bool *seen) {
  trk_bytes inside;
  if (!string_of(r, &inside)) return false;
  space(r);
  if (!eat(r, ':')) return false;
  key *const k = &r->path[r->path_count];
  k->bytes = malloc(inside.count + 1);
  k->count = (size_t)reference_json_decode(k->bytes, inside.data, inside.count);
  r->path_count++;
  bool twice = false;
  for (size_t i = 0; i < r->fields_count; i++) {
    if (!begins_with_path(r, &r->fields[i])) continue;
    twice = twice || seen[i];
    seen[i] = true;
  }
  if (twice) free(r->path[--r->path_count].bytes);
  return !twice;
}

static bool object(reader *r) {
  bool seen[TRK_JSON_FIELDS_MAX] = {false};
  space(r);
  if (eat(r, '}')) return true;
  do {
    if (!count_member(r)) return false;
    space(r);
    if (!enter_key(r, seen)) return false;
    const bool fine = value_of(r);
    free(r->path[--r->path_count].bytes);
    if (!fine) return false;
  } while (eat(r, ','));
  return eat(r, '}');
}

static bool array(reader *r) {
  space(r);
  if (eat(r, ']')) return true;
  r->arrays++;
  do
    if (!count_member(r) || !value_of(r)) return false;
  while (eat(r, ','));
  r->arrays--;
  return eat(r, ']');
}

static bool container(reader *r, bool is_object) {
  const uint8_t *const begin = r->at++;
  r->full = r->depth == TRK_JSON_DEPTH_MAX;
  if (r->full) return false;
  r->depth++;
  if (!(is_object ? object(r) : array(r))) return false;
  r->depth--;
  found(r, is_object ? TRK_JSON_OBJECT : TRK_JSON_ARRAY,
        (trk_bytes){begin, (size_t)(r->at - begin)}, false);
  return true;
}

/* A value with the space around it. */
static bool value_of(reader *r) {
  space(r);
  if (r->at == r->end) return false;
  const uint8_t *const begin = r->at;
  trk_bytes inside;
  trk_json_kind kind = TRK_JSON_NUMBER;
  bool fine = false;
  switch (*r->at) {
    case '{':
    case '[':
      fine = container(r, *r->at == '{');
      space(r);
      return fine;
    case '"':
      if (!string_of(r, &inside)) return false;
      found(r, TRK_JSON_STRING, inside,
            inside.count > 0 && memchr(inside.data, '\\', inside.count) != NULL);
      space(r);
      return true;
    case 'n':
      kind = TRK_JSON_NULL;
      fine = word(r, "null");
      break;
    case 't':
      kind = TRK_JSON_TRUE;
      fine = word(r, "true");
      break;
    case 'f':
      kind = TRK_JSON_FALSE;
      fine = word(r, "false");
      break;
    default: fine = number(r);
  }
  if (fine) found(r, kind, (trk_bytes){begin, (size_t)(r->at - begin)}, false);
  space(r);
  return fine;
}

trk_status reference_json_scan(const uint8_t *text, size_t count, const trk_json_field *fields,
                               size_t fields_count, trk_json_value *values) {
  reader r = {.at = text,
              .end = text + count,
              .fields = fields,
              .fields_count = fields_count,
              .values = values};
  memset(values, 0, fields_count * sizeof *values);
  const bool fine = value_of(&r) && r.at == r.end;
  if (fine) return TRK_OK;
  memset(values, 0, fields_count * sizeof *values);
  return r.full ? TRK_EFULL : TRK_EINVALID;
}
