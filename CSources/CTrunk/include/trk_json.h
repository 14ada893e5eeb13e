/* trk_json.h - a strict JSON (RFC 8259) scanner without a tree and without allocation.
 *
 * It walks a whole document once, checks its structure completely, and reports the values found at
 * a caller's list of paths. A document that is not valid JSON yields nothing.
 *
 * THREADS    Any. Pure functions.
 * OWNERSHIP  All pointers are borrowed; values point into the text.
 * REENTRANCY Nothing calls back.
 * LIMITS     TRK_JSON_DEPTH_MAX levels, TRK_JSON_MEMBERS_MAX members and elements in all,
 *            TRK_JSON_FIELDS_MAX paths of up to TRK_JSON_PATH_MAX keys. Linear time.
 *
 * A key that is watched (or leads to a watched key) may stand once in its object; a second one
 * makes the document invalid, so that no two readers can disagree about it. Keys are compared
 * after unescaping. A lone surrogate in any string makes the document invalid as well. UTF-8 is not
 * checked here (the WebSocket layer has done so).
 */
#ifndef TRK_JSON_H
#define TRK_JSON_H
#include "trk_base.h"

TRK_ASSUME_NONNULL_BEGIN

enum {
  TRK_JSON_DEPTH_MAX = 32,     /* Nested arrays and objects. */
  TRK_JSON_MEMBERS_MAX = 4096, /* Members and elements in one document. */
  TRK_JSON_FIELDS_MAX = 24,    /* Paths in one scan. */
  TRK_JSON_PATH_MAX = 4,       /* Keys in one path. */
};

typedef TRK_ENUM(trk_json_kind){
    TRK_JSON_ABSENT = 0, TRK_JSON_NULL = 1,   TRK_JSON_FALSE = 2, TRK_JSON_TRUE = 3,
    TRK_JSON_NUMBER = 4, TRK_JSON_STRING = 5, /* `text` is between the quotes, still escaped when
                                                 `escaped`. */
    TRK_JSON_ARRAY = 6,                       /* `text` is the whole element with its brackets. */
    TRK_JSON_OBJECT = 7,
} trk_json_kind;

/* A path such as {"media", "payload"}: plain ASCII keys, NULL after the last one. */
typedef struct trk_json_field {
  const char *TRK_NULLABLE keys[TRK_JSON_PATH_MAX];
} trk_json_field;

typedef struct trk_json_value {
  trk_json_kind kind;
  bool escaped; /* A string that holds at least one backslash. */
  trk_bytes text;
} trk_json_value;

/* Scans `text`. On TRK_OK, values[i] is what stands at fields[i] (ABSENT when nothing does).
 * TRK_EINVALID: not valid JSON, or a duplicate of a watched key. TRK_EFULL: depth or members
 * beyond the limit. On an error all values are ABSENT. `fields_count` may be 0: a pure check; above
 * TRK_JSON_FIELDS_MAX it is TRK_EINVALID. [any] */
trk_status trk_json_scan(const uint8_t *text, size_t count,
                         const trk_json_field *TRK_NULLABLE fields, size_t fields_count,
                         trk_json_value *TRK_NULLABLE values);

/* Unescapes a string value into `out` (at least value->text.count bytes; the result is never
 * longer). Returns the byte count, or -1 when it is not a string or holds a broken escape or a lone
 * surrogate (a value that trk_json_scan found never does). \u0000 gives a NUL byte: results are
 * counted, never C strings. [any] */
ptrdiff_t trk_json_unescape(uint8_t *out, const trk_json_value *value);

/* True when the string value, unescaped, equals the plain ASCII `literal`. [any] */
bool trk_json_equals(const trk_json_value *value, const char *literal);

/* Reads an integer from a number or from a string of digits (Twilio sends strings, some clones
 * numbers). Accepts an optional minus and digits only, no fraction or exponent, within int64.
 * False when it is anything else; `out` is then untouched. [any] */
bool trk_json_integer(const trk_json_value *value, int64_t *out);

/* Writes `bytes` as the inside of a JSON string (escapes quote, backslash, controls). Returns the
 * bytes written, or 0 when `capacity` is too small (and for no bytes at all). At most 6 bytes a
 * byte. [any] */
size_t trk_json_escape(uint8_t *out, size_t capacity, const uint8_t *bytes, size_t count);

TRK_ASSUME_NONNULL_END
#endif
