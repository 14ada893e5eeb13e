/* fuzz_ws.c - frames in both roles. The same bytes, cut in any way, must tell the same messages and
 * the same close code; frames that we write must be read back. */
#include "fuzz.h"

#include "trk_ws.h"

enum { PAYLOAD_MAX = 300 };

/* What a reader told, in order; messages are told when they are whole. */
typedef struct transcript {
  uint8_t *bytes;
  size_t count;
  size_t capacity;
  uint16_t error; /* 0: none. */
} transcript;

static void put(transcript *t, const uint8_t *bytes, size_t count) {
  FUZZ_CHECK(t->count + count <= t->capacity);
  if (count != 0) memcpy(t->bytes + t->count, bytes, count);
  t->count += count;
}

static void put_record(transcript *t, uint8_t tag, uint16_t code, trk_bytes bytes) {
  const uint8_t head[] = {tag,
                          (uint8_t)(code >> 8),
                          (uint8_t)code,
                          (uint8_t)(bytes.count >> 16),
                          (uint8_t)(bytes.count >> 8),
                          (uint8_t)bytes.count};
  put(t, head, sizeof head);
  put(t, bytes.data, bytes.count);
}

/* ---- Reading ---- */

/* A message stands as its bytes, then a record with the count: control frames between its parts
 * would otherwise part it differently with each split. */
typedef struct reading {
  trk_ws_reader reader;
  transcript told;
  uint8_t *message;
  size_t message_count;
  bool in_message;
} reading;

static void take(reading *r, const trk_ws_result *result) {
  switch (result->kind) {
    case TRK_WS_MORE: return;
    case TRK_WS_ERROR:
      FUZZ_CHECK(result->close_code == 1002 || result->close_code == 1007 ||
                 result->close_code == 1009);
      r->told.error = result->close_code;
      return;
    case TRK_WS_CONTROL:
      FUZZ_CHECK(result->bytes.count <= TRK_WS_CONTROL_MAX);
      if (result->opcode == TRK_WS_CLOSE)
        FUZZ_CHECK(result->close_code == 1005 || trk_ws_close_code_valid(result->close_code));
      put_record(&r->told, (uint8_t)result->opcode, result->close_code, result->bytes);
      return;
    case TRK_WS_CHUNK:
      FUZZ_CHECK(result->first == !r->in_message);
      r->in_message = !result->last;
      FUZZ_CHECK(r->message_count + result->bytes.count <= r->reader.limits.message_max);
      if (result->bytes.count != 0)
        memcpy(r->message + r->message_count, result->bytes.data, result->bytes.count);
      r->message_count += result->bytes.count;
      if (!result->last) return;
      put_record(&r->told, (uint8_t)result->opcode, 0, (trk_bytes){r->message, r->message_count});
      r->message_count = 0;
  }
}

static void read_all(reading *r, const uint8_t *bytes, size_t count, fuzz_splits splits) {
  for (size_t at = 0; at < count && r->told.error == 0;) {
    const size_t have = fuzz_split(&splits, count - at);
    uint8_t *const piece = fuzz_copy(bytes + at, have);
    for (size_t used = 0; used < have && r->told.error == 0;) {
      size_t step = 0;
      const trk_ws_result result = trk_ws_read(&r->reader, piece + used, have - used, &step);
      FUZZ_CHECK(step <= have - used);
      FUZZ_CHECK(result.kind != TRK_WS_MORE || step == have - used);
      FUZZ_CHECK(step > 0 || result.kind == TRK_WS_ERROR);
      if (result.kind == TRK_WS_CHUNK) FUZZ_CHECK(fuzz_inside(result.bytes, piece + used, step));
      take(r, &result);
      used += step;
    }
    free(piece);
    at += have;
  }
}

static transcript told_by(const uint8_t *bytes, size_t count, bool server, trk_ws_limits limits,
                          fuzz_splits splits) {
  reading r = {.told = {.capacity = 4 * count + 64}};
  r.told.bytes = fuzz_block(r.told.capacity);
  r.message = fuzz_block(count);
  trk_ws_reader_init(&r.reader, server, limits);
  read_all(&r, bytes, count, splits);
  free(r.message);
  return r.told;
}

/* Gives the transcript of the whole run; the caller frees its bytes. */
static transcript check_splits(const uint8_t *bytes, size_t count, bool server,
                               trk_ws_limits limits, uint32_t seed) {
  const transcript whole = told_by(bytes, count, server, limits, (fuzz_splits){0});
  const uint32_t states[] = {1, seed, seed * 2654435761u | 2};
  for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
    const transcript cut = told_by(bytes, count, server, limits, (fuzz_splits){states[i]});
    FUZZ_CHECK(cut.error == whole.error);
    FUZZ_CHECK(fuzz_same((trk_bytes){cut.bytes, cut.count}, whole.bytes, whole.count));
    free(cut.bytes);
  }
  return whole;
}

/* ---- Frames of our own ---- */

typedef struct frames {
  uint8_t *bytes;
  size_t count;
  size_t capacity;
} frames;

static void add_frame(frames *f, fuzz_input *in, trk_ws_opcode opcode, bool fin, trk_bytes payload,
                      bool masked) {
  uint8_t mask[4];
  for (size_t i = 0; i < 4; i++) mask[i] = fuzz_byte(in);
  FUZZ_CHECK(f->count + TRK_WS_HEADER_MAX + payload.count <= f->capacity);
  uint8_t *const at = f->bytes + f->count;
  const size_t head = trk_ws_write_header(at, opcode, payload.count, masked ? mask : NULL);
  FUZZ_CHECK(head == trk_ws_header_count(payload.count, masked));
  if (!fin) at[0] &= 0x7F;
  if (payload.count != 0) memcpy(at + head, payload.data, payload.count);
  /* Masked in two runs, so that the phase counts. */
  const size_t cut = payload.count == 0 ? 0 : mask[3] % payload.count;
  if (masked) trk_ws_mask(at + head, cut, mask, 0);
  if (masked) trk_ws_mask(at + head + cut, payload.count - cut, mask, cut);
  f->count += head + payload.count;
}

/* Builds only right frames (binary messages in fragments, pings between them) and so knows what
 * must be told. */
static void check_own_frames(fuzz_input *in, bool server, uint32_t seed) {
  uint8_t stretched[PAYLOAD_MAX];
  uint8_t message[PAYLOAD_MAX * 8];
  size_t message_count = 0, parts = 0;
  frames f = {.capacity = in->left * (TRK_WS_HEADER_MAX + PAYLOAD_MAX) + 1024};
  f.bytes = fuzz_block(f.capacity);
  transcript expected = {.capacity = in->left * (TRK_WS_HEADER_MAX + PAYLOAD_MAX) + 1024};
  expected.bytes = fuzz_block(expected.capacity);
  for (size_t frame = 0; in->left > 0 && frame < 32; frame++) {
    const uint8_t choice = fuzz_byte(in);
    trk_bytes payload = fuzz_bytes(in, choice >> 2 & 31);
    if (choice & 128 && payload.count > 0) {
      for (size_t i = 0; i < PAYLOAD_MAX; i++) stretched[i] = payload.data[i % payload.count];
      payload = (trk_bytes){stretched, PAYLOAD_MAX - payload.count};
    }
    if ((choice & 3) == 3 && payload.count <= TRK_WS_CONTROL_MAX) {
      add_frame(&f, in, TRK_WS_PING, true, payload, server);
      put_record(&expected, TRK_WS_PING, 0, payload);
      continue;
    }
    const bool fin = (choice & 1) != 0 || parts == 7;
    add_frame(&f, in, parts == 0 ? TRK_WS_BINARY : TRK_WS_CONTINUATION, fin, payload, server);
    if (payload.count != 0) memcpy(message + message_count, payload.data, payload.count);
    message_count += payload.count;
    parts = fin ? 0 : parts + 1;
    if (!fin) continue;
    put_record(&expected, TRK_WS_BINARY, 0, (trk_bytes){message, message_count});
    message_count = 0;
  }
  const trk_ws_limits limits = {.message_max = sizeof message, .fragments_max = 8};
  const transcript told = check_splits(f.bytes, f.count, server, limits, seed);
  FUZZ_CHECK(told.error == 0);
  FUZZ_CHECK(fuzz_same((trk_bytes){told.bytes, told.count}, expected.bytes, expected.count));
  free(told.bytes);
  free(expected.bytes);
  free(f.bytes);
}

/* Any length up to 2^63 - 1 stands in a header and comes back out of it. */
static void check_header(fuzz_input *in, bool server) {
  const uint8_t shift = fuzz_byte(in) & 63;
  const uint64_t length = fuzz_number(in, 8) >> 1 >> shift;
  const uint8_t mask[4] = {1, 2, 3, 4};
  uint8_t *const header = fuzz_block(trk_ws_header_count(length, server));
  const size_t count = trk_ws_write_header(header, TRK_WS_BINARY, length, server ? mask : NULL);
  FUZZ_CHECK(count == trk_ws_header_count(length, server));
  trk_ws_reader reader;
  trk_ws_reader_init(&reader, server, (trk_ws_limits){UINT64_MAX, 1});
  size_t used = 0;
  const trk_ws_result result = trk_ws_read(&reader, header, count, &used);
  FUZZ_CHECK(used == count && result.kind == (length == 0 ? TRK_WS_CHUNK : TRK_WS_MORE));
  FUZZ_CHECK(reader.frame_left == length);
  free(header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count) {
  fuzz_input in = {data, count};
  const uint8_t mode = fuzz_byte(&in);
  const bool server = (mode & 1) != 0;
  const uint32_t seed = fuzz_byte(&in) + 2u;
  check_header(&(fuzz_input){in.at, in.left}, server);
  if ((mode & 2) != 0) {
    check_own_frames(&in, server, seed);
    return 0;
  }
  const trk_ws_limits limits = {.message_max = (mode & 4) != 0 ? 20 : 65536,
                                .fragments_max = (mode & 8) != 0 ? 3 : 256};
  free(check_splits(in.at, in.left, server, limits, seed).bytes);
  return 0;
}
