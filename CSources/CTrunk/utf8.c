/* utf8.c - the streaming UTF-8 check. */
#include "trk_utf8.h"

#include <string.h>

/* The state is what may come next: how many continuation bytes are missing, and between which
 * bounds the next one lies. Only the second byte of a character has bounds of its own; they are
 * what refuses over-long forms, surrogates and everything above U+10FFFF at the earliest byte. */
#define STATE(missing, low, high) ((uint32_t)(missing) << 16 | (uint32_t)(low) << 8 | (high))

enum {
  BETWEEN = 0,
  BROKEN = 0xFFFFFF, /* 255 bytes missing: no lead byte asks for that. */
};

/* The state behind a first byte. */
static uint32_t after_lead(uint8_t byte) {
  if (byte < 0x80) return BETWEEN;
  if (byte < 0xC2) return BROKEN; /* A continuation, or an over-long form of two bytes. */
  if (byte < 0xE0) return STATE(1, 0x80, 0xBF);
  if (byte == 0xE0) return STATE(2, 0xA0, 0xBF); /* Below: over-long. */
  if (byte == 0xED) return STATE(2, 0x80, 0x9F); /* Above: surrogates. */
  if (byte < 0xF0) return STATE(2, 0x80, 0xBF);
  if (byte == 0xF0) return STATE(3, 0x90, 0xBF); /* Below: over-long. */
  if (byte < 0xF4) return STATE(3, 0x80, 0xBF);
  if (byte == 0xF4) return STATE(3, 0x80, 0x8F); /* Above: beyond U+10FFFF. */
  return BROKEN;
}

/* The state behind a continuation byte; `state` is neither BETWEEN nor BROKEN. */
static uint32_t after_continuation(uint32_t state, uint8_t byte) {
  const uint32_t missing = state >> 16, low = state >> 8 & 0xFF, high = state & 0xFF;
  if (byte < low || byte > high) return BROKEN;
  return missing == 1 ? BETWEEN : STATE(missing - 1, 0x80, 0xBF);
}

/* Bytes of whole 32 byte blocks that are all ASCII. */
static size_t ascii_run(const uint8_t *bytes, size_t count) {
  size_t at = 0;
  for (; count - at >= 32; at += 32) {
    uint64_t words[4];
    memcpy(words, bytes + at, sizeof words);
    if (((words[0] | words[1] | words[2] | words[3]) & 0x8080808080808080u) != 0) break;
  }
  return at;
}

bool trk_utf8_feed(trk_utf8 *utf8, const uint8_t *bytes, size_t count) {
  uint32_t state = utf8->state;
  size_t at = 0;
  while (at < count && state != BROKEN) {
    if (state == BETWEEN && bytes[at] < 0x80) {
      at += ascii_run(bytes + at, count - at);
      /* The rest of this block, byte by byte, so that mixed text does not look ahead each time. */
      while (at < count && bytes[at] < 0x80) at++;
      continue;
    }
    state = state == BETWEEN ? after_lead(bytes[at]) : after_continuation(state, bytes[at]);
    at++;
  }
  utf8->state = state;
  return state != BROKEN;
}
