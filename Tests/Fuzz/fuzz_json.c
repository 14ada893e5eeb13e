/* fuzz_json.c - the scanner against the reference reader: the same answer, the same values. */
#include "fuzz.h"

#include "reference_json.h"
#include "trk_json.h"

static const trk_json_field fields[] = {
    {{"a"}},           {{"b"}},      {{"a", "a"}},      {{"a", "b"}},           {{"b", "a", "b"}},
    {{"event"}},       {{"c", "d"}}, {{"c", "d", "e"}}, {{"a", "b", "c", "d"}}, {{"type"}},
    {{"a", "a", "a"}}, {{"c", "e"}},
};
enum { FIELDS = sizeof fields / sizeof *fields };

/* The number as the scanner's own rule says it, in wider arithmetic. */
static bool reference_integer(const uint8_t *text, size_t count, int64_t *out) {
  const bool negative = count > 0 && text[0] == '-';
  __int128 number = 0;
  if (count == (negative ? 1u : 0u)) return false;
  for (size_t i = negative; i < count; i++) {
    if (text[i] < '0' || text[i] > '9') return false;
    number = number * 10 + (text[i] - '0');
    if (number > (__int128)INT64_MAX + 1) return false;
  }
  if (negative) number = -number;
  if (number > INT64_MAX) return false;
  *out = (int64_t)number;
  return true;
}

static void check_string(const trk_json_value *value) {
  const size_t count = value->text.count;
  uint8_t *const expected = fuzz_block(count);
  uint8_t *const out = fuzz_block(count);
  const ptrdiff_t expected_count = reference_json_decode(expected, value->text.data, count);
  FUZZ_CHECK(expected_count >= 0 && trk_json_unescape(out, value) == expected_count);
  FUZZ_CHECK(expected_count == 0 || memcmp(out, expected, (size_t)expected_count) == 0);
  static const char *const literals[] = {"", "a", "media", "12"};
  for (size_t i = 0; i < sizeof literals / sizeof *literals; i++) {
    const bool same =
        fuzz_same((trk_bytes){out, (size_t)expected_count}, literals[i], strlen(literals[i]));
    FUZZ_CHECK(trk_json_equals(value, literals[i]) == same);
  }
  int64_t number = 0, reference = 0;
  const bool is_number = reference_integer(expected, (size_t)expected_count, &reference);
  FUZZ_CHECK(trk_json_integer(value, &number) == is_number && number == reference);
  free(expected);
  free(out);
}

static void check_number(const trk_json_value *value) {
  int64_t number = 0, reference = 0;
  const bool is_number = reference_integer(value->text.data, value->text.count, &reference);
  FUZZ_CHECK(trk_json_integer(value, &number) == is_number && number == reference);
}

static void check_values(const uint8_t *text, size_t count, const trk_json_value *values,
                         const trk_json_value *expected) {
  for (size_t i = 0; i < FIELDS; i++) {
    const trk_json_value *const value = &values[i];
    FUZZ_CHECK(value->kind == expected[i].kind && value->escaped == expected[i].escaped);
    FUZZ_CHECK(value->text.data == expected[i].text.data);
    FUZZ_CHECK(value->text.count == expected[i].text.count);
    FUZZ_CHECK(fuzz_inside(value->text, text, count));
    if (value->kind == TRK_JSON_STRING) check_string(value);
    if (value->kind == TRK_JSON_NUMBER) check_number(value);
  }
}

static void check_text(const uint8_t *bytes, size_t count) {
  uint8_t *const text = fuzz_copy(bytes, count);
  trk_json_value values[FIELDS], expected[FIELDS];
  const trk_status status = trk_json_scan(text, count, fields, FIELDS, values);
  FUZZ_CHECK(status == reference_json_scan(text, count, fields, FIELDS, expected));
  check_values(text, count, values, expected);
  /* Without fields it is a pure check: only what a watched key adds may differ. */
  const trk_status pure = trk_json_scan(text, count, NULL, 0, NULL);
  FUZZ_CHECK(pure == reference_json_scan(text, count, NULL, 0, expected));
  FUZZ_CHECK(status != TRK_OK || pure == TRK_OK);
  free(text);
}

/* Any bytes, escaped, are a string that means these bytes. */
static void check_escape(const uint8_t *bytes, size_t count, size_t spare) {
  const size_t room = 6 * count;
  uint8_t *const out = fuzz_block(room + 2);
  const size_t written = trk_json_escape(out + 1, room, bytes, count);
  FUZZ_CHECK(written >= count && written <= room);
  out[0] = out[written + 1] = '"';
  FUZZ_CHECK(trk_json_scan(out, written + 2, NULL, 0, NULL) == TRK_OK);
  const trk_json_value value = {TRK_JSON_STRING, true, {out + 1, written}};
  uint8_t *const again = fuzz_block(written);
  FUZZ_CHECK(trk_json_unescape(again, &value) == (ptrdiff_t)count);
  FUZZ_CHECK(count == 0 || memcmp(again, bytes, count) == 0);
  free(again);
  free(out);
  /* In less room than it needs, nothing is written beyond. */
  if (written == 0) return;
  const size_t less = spare % written;
  uint8_t *const small = fuzz_block(less);
  FUZZ_CHECK(trk_json_escape(small, less, bytes, count) == 0);
  free(small);
}

/* The same small text as the element of an array, around the limit of members. */
static void check_many(const uint8_t *bytes, size_t count, size_t members) {
  const size_t total = members * (count + 1) + 1;
  uint8_t *const text = fuzz_block(total);
  text[0] = '[';
  for (size_t i = 0; i < members; i++) {
    memcpy(text + 1 + i * (count + 1), bytes, count);
    text[(i + 1) * (count + 1)] = ',';
  }
  text[total - 1] = ']';
  check_text(text, total);
  free(text);
}

/* The text inside of as many brackets as the limit, one less, one more. */
static void check_deep(const uint8_t *bytes, size_t count, size_t depth) {
  uint8_t *const text = fuzz_block(count + 2 * depth);
  memset(text, '[', depth);
  if (count != 0) memcpy(text + depth, bytes, count);
  memset(text + depth + count, ']', depth);
  check_text(text, count + 2 * depth);
  free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count) {
  fuzz_input in = {data, count};
  const uint8_t mode = fuzz_byte(&in);
  check_text(in.at, in.left);
  check_escape(in.at, in.left, mode);
  if ((mode & 7) == 1) check_deep(in.at, in.left, TRK_JSON_DEPTH_MAX - 1 + (mode >> 3) % 3);
  if (mode == 255 && in.left > 0 && in.left < 6)
    check_many(in.at, in.left, TRK_JSON_MEMBERS_MAX - 1 + in.at[in.left - 1] % 3);
  return 0;
}
