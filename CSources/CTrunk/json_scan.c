/* json_scan.c - one walk over a JSON document with a stack of its own.
 *
 * Each value is read with two sets of fields in hand: `wanted`, the fields that it is the value
 * of, and `inner`, the fields that may be found inside of it. The sets are bit masks, so watching
 * costs nothing where nothing is watched: inside of arrays and of unwatched objects both are empty.
 */
#include "codec_internal.h"

#include <string.h>

_Static_assert(TRK_JSON_FIELDS_MAX <= 32, "a set of fields is a 32 bit mask");

typedef struct target {
  uint32_t wanted;
  uint32_t inner;
  size_t path; /* Keys that lead to the value. */
} target;

/* An array or object that is open. */
typedef struct frame {
  size_t begin; /* Where its bracket stands. */
  target self;
  uint32_t seen; /* Of self.inner: the fields whose key has stood in this object. */
  bool object;
} frame;

typedef struct scanner {
  const uint8_t *text;
  size_t count;
  size_t at;
  const trk_json_field *fields;
  trk_json_value *values;
  uint32_t members;
  uint32_t depth;
  frame frames[TRK_JSON_DEPTH_MAX];
} scanner;

typedef struct string {
  size_t begin; /* Behind the opening quote. */
  size_t count;
  bool escaped;
} string;

/* ---- Small pieces ---- */

/* The next byte, or 0 at the end: a NUL fits nowhere in the grammar outside of strings. */
static uint8_t peek(const scanner *s) {
  return s->at < s->count ? s->text[s->at] : 0;
}

static void skip_space(scanner *s) {
  while (s->at < s->count) {
    const uint8_t byte = s->text[s->at];
    if (byte > ' ' || (byte != ' ' && byte != '\t' && byte != '\n' && byte != '\r')) return;
    s->at++;
  }
}

static void report(scanner *s, uint32_t wanted, trk_json_kind kind, size_t begin, size_t end) {
  for (; wanted != 0; wanted &= wanted - 1) {
    trk_json_value *const value = &s->values[__builtin_ctz(wanted)];
    *value = (trk_json_value){kind, false, {s->text + begin, end - begin}};
  }
}

/* ---- Scalars ---- */

/* Reads a string whose opening quote is behind us. */
static bool read_string(scanner *s, string *out) {
  *out = (string){.begin = s->at};
  for (;;) {
    s->at += trk_json_text_run(s->text + s->at, s->count - s->at);
    while (peek(s) == '\\') {
      uint32_t scalar = 0;
      const size_t used = trk_json_text_escape(s->text + s->at, s->count - s->at, &scalar);
      if (used == 0) return false;
      out->escaped = true;
      s->at += used;
    }
    const uint8_t byte = peek(s);
    if (byte == '"') break;
    if (byte < 0x20) return false; /* A raw control character, or the end. */
  }
  out->count = s->at - out->begin;
  s->at++;
  return true;
}

static bool skip_digits(scanner *s) {
  const size_t begin = s->at;
  while (s->at < s->count && s->text[s->at] >= '0' && s->text[s->at] <= '9') s->at++;
  return s->at > begin;
}

/* RFC 8259 section 6. What follows a number is for the caller to judge. */
static bool skip_number(scanner *s) {
  if (peek(s) == '-') s->at++;
  if (peek(s) == '0')
    s->at++;
  else if (!skip_digits(s))
    return false;
  if (peek(s) == '.') {
    s->at++;
    if (!skip_digits(s)) return false;
  }
  if ((peek(s) | 0x20) == 'e') {
    s->at++;
    if (peek(s) == '+' || peek(s) == '-') s->at++;
    if (!skip_digits(s)) return false;
  }
  return true;
}

static bool skip_word(scanner *s, const char *word, size_t count) {
  if (s->count - s->at < count || memcmp(s->text + s->at, word, count) != 0) return false;
  s->at += count;
  return true;
}

/* Reads everything but arrays and objects. */
static bool read_scalar(scanner *s, uint32_t wanted) {
  const size_t begin = s->at;
  trk_json_kind kind = TRK_JSON_NUMBER;
  switch (peek(s)) {
    case '"': {
      string found;
      s->at++;
      if (!read_string(s, &found)) return false;
      report(s, wanted, TRK_JSON_STRING, found.begin, found.begin + found.count);
      for (; wanted != 0; wanted &= wanted - 1)
        s->values[__builtin_ctz(wanted)].escaped = found.escaped;
      return true;
    }
    case 'n':
      kind = TRK_JSON_NULL;
      if (!skip_word(s, "null", 4)) return false;
      break;
    case 't':
      kind = TRK_JSON_TRUE;
      if (!skip_word(s, "true", 4)) return false;
      break;
    case 'f':
      kind = TRK_JSON_FALSE;
      if (!skip_word(s, "false", 5)) return false;
      break;
    default:
      if (!skip_number(s)) return false;
  }
  report(s, wanted, kind, begin, s->at);
  return true;
}

/* ---- Keys ---- */

/* Whether the key, unescaped, is `name`. */
static bool key_equals(const uint8_t *key, size_t count, bool escaped, const char *name) {
  if (escaped) {
    const trk_json_value value = {TRK_JSON_STRING, true, {key, count}};
    return trk_json_equals(&value, name);
  }
  /* A key without escapes holds no NUL, so this never runs beyond the end of `name`. */
  for (size_t i = 0; i < count; i++)
    if (key[i] != (uint8_t)name[i]) return false;
  return name[count] == '\0';
}

/* Reads a key with its colon and tells what is watched in its value. False also when a watched
 * key, or one that leads to a watched key, stands in its object for the second time. */
static bool read_key(scanner *s, frame *parent, target *next) {
  string key;
  if (peek(s) != '"') return false;
  s->at++;
  if (!read_string(s, &key)) return false;
  skip_space(s);
  if (peek(s) != ':') return false;
  s->at++;
  *next = (target){0};
  uint32_t matched = 0;
  const size_t path = parent->self.path;
  for (uint32_t rest = parent->self.inner; rest != 0; rest &= rest - 1) {
    const uint32_t index = (uint32_t)__builtin_ctz(rest), bit = 1u << index;
    const char *const *const keys = s->fields[index].keys;
    if (!key_equals(s->text + key.begin, key.count, key.escaped, keys[path])) continue;
    matched |= bit;
    const bool ends = path + 1 == TRK_JSON_PATH_MAX || keys[path + 1] == NULL;
    if (ends)
      next->wanted |= bit;
    else
      next->inner |= bit;
  }
  next->path = path + 1;
  if ((matched & parent->seen) != 0) return false;
  parent->seen |= matched;
  return true;
}

/* ---- Structure ---- */

/* Moves to the next value inside of the innermost container: past its key when it is an object. */
static trk_status begin_member(scanner *s, target *next) {
  if (s->members == TRK_JSON_MEMBERS_MAX) return TRK_EFULL;
  s->members++;
  frame *const parent = &s->frames[s->depth - 1];
  skip_space(s);
  if (!parent->object) {
    *next = (target){0}; /* Paths lead through objects only. */
    return TRK_OK;
  }
  if (!read_key(s, parent, next)) return TRK_EINVALID;
  skip_space(s);
  return TRK_OK;
}

static trk_status open_container(scanner *s, target self) {
  if (s->depth == TRK_JSON_DEPTH_MAX) return TRK_EFULL;
  const bool object = s->text[s->at] == '{';
  s->frames[s->depth++] = (frame){.begin = s->at, .self = self, .object = object};
  s->at++;
  return TRK_OK;
}

/* Closes the innermost container; its bracket is the next byte. */
static void close_container(scanner *s) {
  const frame *const closed = &s->frames[--s->depth];
  s->at++;
  report(s, closed->self.wanted, closed->object ? TRK_JSON_OBJECT : TRK_JSON_ARRAY, closed->begin,
         s->at);
}

static uint8_t closer(const scanner *s) {
  return s->frames[s->depth - 1].object ? '}' : ']';
}

/* After a value: closes what ends here. At the end `depth` is 0, otherwise a comma was read. */
static bool finish_value(scanner *s) {
  for (;;) {
    skip_space(s);
    if (s->depth == 0) return s->at == s->count;
    const uint8_t byte = peek(s);
    if (byte == ',') {
      s->at++;
      return true;
    }
    if (byte != closer(s)) return false;
    close_container(s);
  }
}

static trk_status walk(scanner *s, uint32_t watched) {
  target next = {.inner = watched};
  skip_space(s);
  for (;;) {
    bool empty = false;
    const bool opens = peek(s) == '{' || peek(s) == '[';
    if (opens) {
      const trk_status status = open_container(s, next);
      if (status != TRK_OK) return status;
      skip_space(s);
      empty = peek(s) == closer(s);
      if (empty) close_container(s);
    } else if (!read_scalar(s, next.wanted)) {
      return TRK_EINVALID;
    }
    if (!opens || empty) {
      if (!finish_value(s)) return TRK_EINVALID;
      if (s->depth == 0) return TRK_OK;
    }
    const trk_status status = begin_member(s, &next);
    if (status != TRK_OK) return status;
  }
}

static void clear(trk_json_value *values, size_t count) {
  for (size_t i = 0; i < count; i++) values[i] = (trk_json_value){0};
}

trk_status trk_json_scan(const uint8_t *text, size_t count, const trk_json_field *fields,
                         size_t fields_count, trk_json_value *values) {
  if (fields_count != 0 && (fields == NULL || values == NULL)) return TRK_EINVALID;
  clear(values, fields_count);
  if (fields_count > TRK_JSON_FIELDS_MAX) return TRK_EINVALID;
  uint32_t watched = 0;
  for (size_t i = 0; i < fields_count; i++)
    if (fields[i].keys[0] != NULL) watched |= 1u << i;
  scanner s; /* The frames are filled as they are opened. */
  s.text = text;
  s.count = count;
  s.at = 0;
  s.fields = fields;
  s.values = values;
  s.members = 0;
  s.depth = 0;
  const trk_status status = walk(&s, watched);
  if (status != TRK_OK) clear(values, fields_count);
  return status;
}
