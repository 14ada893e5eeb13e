/* codec_internal.h - what the codec sources share among themselves.
 *
 * THREADS    Any. Pure functions and constant tables.
 * OWNERSHIP  All pointers are borrowed.
 * REENTRANCY Nothing calls back.
 * LIMITS     No function reads or writes outside of the counts that it is given.
 */
#ifndef TRK_CODEC_INTERNAL_H
#define TRK_CODEC_INTERNAL_H
#include "trk_base.h"
#include "trk_base64.h"
#include "trk_json.h"

TRK_ASSUME_NONNULL_BEGIN

/* ---- base64 ---- */

/* A vector kernel does whole blocks at the front of a run and leaves the rest to the scalar code.
 * Each function returns how much of its input is done: for encode a multiple of 3 bytes, for
 * decode and check a multiple of 4 characters. decode and check stop in front of a block that
 * holds a character outside of the alphabet, so the scalar code meets it and refuses. They are
 * never given the last four characters, the only place where padding may stand. */
typedef struct trk_base64_blocks {
  size_t (*encode)(char *out, const uint8_t *bytes, size_t count);
  size_t (*decode)(uint8_t *out, const char *text, size_t count);
  size_t (*check)(const char *text, size_t count);
} trk_base64_blocks;

#if defined(__x86_64__)
extern const trk_base64_blocks trk_base64_sse;
extern const trk_base64_blocks trk_base64_avx2;
#elif defined(__aarch64__)
extern const trk_base64_blocks trk_base64_neon;
#endif

enum {
  TRK_BASE64_VALID = 0x80, /* Set in a table entry of a character in the alphabet. */
  TRK_BASE64_BITS = 0x3F,  /* The six bits of such an entry. */
};

/* By character: TRK_BASE64_VALID and its six bits, or 0. */
extern const uint8_t trk_base64_values[256];
/* By six bits: the character. No NUL at the end. */
extern const char trk_base64_alphabet[64];

/* ---- JSON text ---- */

/* Bytes in front of the first quote, backslash or control character, `count` when there is none. */
size_t trk_json_text_run(const uint8_t *text, size_t count);

/* Reads one escape; text[0] is its backslash. Returns the bytes that it takes (2, 6, or 12 for a
 * surrogate pair) and the scalar value that it means, or 0 when it is broken, cut or a lone
 * surrogate. `count` is at least 1. */
size_t trk_json_text_escape(const uint8_t *text, size_t count, uint32_t *scalar);

/* What a message's text is unescaped into. Every string lies in its own piece of the message and
 * never grows, so a buffer as long as the message is always enough. */
typedef struct trk_json_scratch {
  uint8_t *next;
} trk_json_scratch;

/* The string's bytes: a piece of the message itself, or unescaped into the scratch. Anything but
 * a string gives no bytes. */
trk_bytes trk_json_text_bytes(const trk_json_value *value, trk_json_scratch *scratch);

/* The same for an identifier: true when it is absent, null, or a string of at most `max` printable
 * ASCII bytes. NULs and other controls are refused, so no reader of the id can cut it short. */
bool trk_json_text_id(trk_bytes *out, const trk_json_value *value, size_t max,
                      trk_json_scratch *scratch);

TRK_ASSUME_NONNULL_END
#endif
