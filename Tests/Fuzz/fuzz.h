/* fuzz.h - what the fuzz targets share.
 *
 * THREADS    One: libFuzzer calls a target again and again.
 * OWNERSHIP  fuzz_copy gives memory that the target frees.
 * REENTRANCY Nothing calls back.
 * LIMITS     The input's size is libFuzzer's (-max_len).
 * ERRORS     A broken invariant prints itself and aborts: that is the finding.
 */
#ifndef FUZZ_H
#define FUZZ_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trk_base.h"

#define FUZZ_CHECK(condition)                                                                      \
  do {                                                                                             \
    if (!(condition)) fuzz_fail(__FILE__, __LINE__, #condition);                                   \
  } while (0)

_Noreturn static inline void fuzz_fail(const char *file, int line, const char *condition) {
  fprintf(stderr, "%s:%d: broken: %s\n", file, line, condition);
  abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count);

/* ---- The input, read from its front ---- */

typedef struct fuzz_input {
  const uint8_t *at;
  size_t left;
} fuzz_input;

/* 0 behind the end: a script that is cut goes on with its quietest choice. */
static inline uint8_t fuzz_byte(fuzz_input *in) {
  if (in->left == 0) return 0;
  in->left--;
  return *in->at++;
}

static inline uint64_t fuzz_number(fuzz_input *in, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; i++) value = value << 8 | fuzz_byte(in);
  return value;
}

static inline trk_bytes fuzz_bytes(fuzz_input *in, size_t count) {
  const trk_bytes bytes = {in->at, count < in->left ? count : in->left};
  in->at += bytes.count;
  in->left -= bytes.count;
  return bytes;
}

/* ---- Memory ---- */

/* A heap block of exactly this size, so that one byte too far is a finding. */
static inline uint8_t *fuzz_block(size_t count) {
  uint8_t *const block = malloc(count);
  if (block == NULL && count != 0) fuzz_fail(__FILE__, __LINE__, "memory");
  return block;
}

static inline uint8_t *fuzz_zeros(size_t count) {
  return memset(fuzz_block(count), 0, count);
}

static inline uint8_t *fuzz_copy(const uint8_t *bytes, size_t count) {
  uint8_t *const block = fuzz_block(count);
  if (count != 0) memcpy(block, bytes, count);
  return block;
}

static inline bool fuzz_inside(trk_bytes part, const uint8_t *whole, size_t count) {
  if (part.count == 0) return true;
  const uintptr_t from = (uintptr_t)part.data, begin = (uintptr_t)whole;
  return from >= begin && part.count <= count && from - begin <= count - part.count;
}

static inline bool fuzz_same(trk_bytes a, const void *bytes, size_t count) {
  return a.count == count && (count == 0 || memcmp(a.data, bytes, count) == 0);
}

/* ---- Splits ---- */

/* How the same bytes are cut into reads: whole, one by one, or by chance (repeatable). */
typedef struct fuzz_splits {
  uint32_t state; /* 0: whole; 1: one by one. */
} fuzz_splits;

static inline uint32_t fuzz_random(uint32_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 17;
  *state ^= *state << 5;
  return *state;
}

static inline size_t fuzz_split(fuzz_splits *splits, size_t left) {
  if (splits->state == 0 || left == 0) return left;
  if (splits->state == 1) return 1;
  const uint32_t random = fuzz_random(&splits->state);
  const size_t take = (random >> 8 & 7) == 0 ? random % 200 + 1 : random % 9 + 1;
  return take < left ? take : left;
}

#endif
