/* fuzz_utf8.c - the streaming check against a decoder without tables, in every kind of split. */
#include "fuzz.h"

#include "trk_utf8.h"

/* Bytes that a character with this first byte has, 0 when none begins so. */
static size_t length_of(uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >> 5 == 6) return 2;
  if (lead >> 4 == 14) return 3;
  return lead >> 3 == 30 ? 4 : 0;
}

/* Whether `have` bytes can begin a character of `length` bytes: the code points that they leave
 * open, all bits 0 to all bits 1, meet those that may be written with this length. */
static bool can_begin(const uint8_t *bytes, size_t have, size_t length) {
  uint32_t low = length == 1 ? bytes[0] : bytes[0] & (0x7Fu >> length);
  for (size_t i = 1; i < have; i++) {
    if (bytes[i] >> 6 != 2) return false;
    low = low << 6 | (bytes[i] & 0x3F);
  }
  const uint32_t open = 6 * (uint32_t)(length - have);
  low <<= open;
  const uint32_t high = low | ((1u << open) - 1);
  switch (length) {
    case 1: return true;
    case 2: return high >= 0x80;
    case 3: return high >= 0x800 && !(low >= 0xD800 && high <= 0xDFFF);
    default: return high >= 0x10000 && low <= 0x10FFFF;
  }
}

/* Bytes up to and with the first one that can not stand, or SIZE_MAX; `complete` is true when the
 * text ends between two characters. */
static size_t first_wrong(const uint8_t *bytes, size_t count, bool *complete) {
  size_t at = 0;
  *complete = false;
  while (at < count) {
    const size_t length = length_of(bytes[at]);
    if (length == 0) return at + 1;
    for (size_t have = 1; have <= length; have++) {
      if (at + have > count) return SIZE_MAX;
      if (!can_begin(bytes + at, have, length)) return at + have;
    }
    at += length;
  }
  *complete = true;
  return SIZE_MAX;
}

static void feed(const uint8_t *bytes, size_t count, size_t wrong, bool complete,
                 fuzz_splits splits) {
  trk_utf8 utf8 = {0};
  for (size_t at = 0; at < count;) {
    const size_t take = fuzz_split(&splits, count - at);
    uint8_t *const piece = fuzz_copy(bytes + at, take);
    const bool fine = trk_utf8_feed(&utf8, piece, take);
    free(piece);
    at += take;
    FUZZ_CHECK(fine == (at < wrong));
    if (!fine) {
      /* The answer is final. */
      FUZZ_CHECK(!trk_utf8_feed(&utf8, (const uint8_t *)"a", 1));
      FUZZ_CHECK(!trk_utf8_complete(&utf8));
      return;
    }
  }
  FUZZ_CHECK(trk_utf8_complete(&utf8) == complete);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count) {
  fuzz_input in = {data, count};
  const uint32_t seed = fuzz_byte(&in) + 2u;
  bool complete = false;
  const size_t wrong = first_wrong(in.at, in.left, &complete);
  feed(in.at, in.left, wrong, complete, (fuzz_splits){0});
  feed(in.at, in.left, wrong, complete, (fuzz_splits){1});
  feed(in.at, in.left, wrong, complete, (fuzz_splits){seed});
  return 0;
}
