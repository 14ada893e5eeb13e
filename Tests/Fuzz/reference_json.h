/* reference_json.h - a second strict JSON reader, recursive and slow, to compare the scanner with.
 *
 * THREADS    Any. Pure functions.
 * OWNERSHIP  Values point into the text.
 * REENTRANCY Nothing calls back.
 * LIMITS     Those of trk_json.h, since the two must agree on them: depth, members, a watched key
 *            that stands twice, lone surrogates.
 */
#ifndef REFERENCE_JSON_H
#define REFERENCE_JSON_H
#include "trk_json.h"

trk_status reference_json_scan(const uint8_t *text, size_t count, const trk_json_field *fields,
                               size_t fields_count, trk_json_value *values);

/* Decodes the inside of a string. -1 when it is broken. `out` has room for `count` bytes. */
ptrdiff_t reference_json_decode(uint8_t *out, const uint8_t *text, size_t count);

#endif
