/* ws.c - RFC 6455 framing as a pure function of bytes. */
#include "trk_ws.h"

#include <string.h>

void trk_ws_reader_init(trk_ws_reader *reader, bool expect_mask, trk_ws_limits limits) {
  memset(reader, 0, sizeof *reader);
  reader->expect_mask = expect_mask;
  reader->limits = limits;
}

bool trk_ws_close_code_valid(uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

void trk_ws_mask(uint8_t *bytes, size_t count, const uint8_t *mask, uint64_t phase) {
  uint8_t turned[8];
  for (size_t i = 0; i < sizeof turned; i++) turned[i] = mask[(phase + i) & 3];
  uint64_t word;
  memcpy(&word, turned, sizeof word);
  size_t i = 0;
  /* Four words a round: the compiler turns this into vector code; memcpy allows any alignment. */
  for (; i + 32 <= count; i += 32) {
    uint64_t lanes[4];
    memcpy(lanes, bytes + i, sizeof lanes);
    for (size_t lane = 0; lane < 4; lane++) lanes[lane] ^= word;
    memcpy(bytes + i, lanes, sizeof lanes);
  }
  for (; i + 8 <= count; i += 8) {
    uint64_t lane;
    memcpy(&lane, bytes + i, sizeof lane);
    lane ^= word;
    memcpy(bytes + i, &lane, sizeof lane);
  }
  for (; i < count; i++) bytes[i] ^= turned[i & 7];
}

size_t trk_ws_header_count(uint64_t count, bool masked) {
  const size_t length_bytes = count < 126 ? 0 : count < 65536 ? 2 : 8;
  return 2 + length_bytes + (masked ? 4 : 0);
}

size_t trk_ws_write_header(uint8_t *out, trk_ws_opcode opcode, uint64_t count,
                           const uint8_t *mask) {
  const uint8_t mask_bit = mask ? 0x80 : 0;
  size_t n = 0;
  out[n++] = (uint8_t)(0x80 | (uint8_t)opcode);
  if (count < 126) {
    out[n++] = (uint8_t)(mask_bit | count);
  } else if (count < 65536) {
    out[n++] = mask_bit | 126;
    out[n++] = (uint8_t)(count >> 8);
    out[n++] = (uint8_t)count;
  } else {
    out[n++] = mask_bit | 127;
    for (int shift = 56; shift >= 0; shift -= 8) out[n++] = (uint8_t)(count >> shift);
  }
  if (mask) {
    memcpy(out + n, mask, 4);
    n += 4;
  }
  return n;
}

static trk_ws_result broken(uint16_t code) {
  return (trk_ws_result){.kind = TRK_WS_ERROR, .close_code = code};
}

static const trk_ws_result more = {.kind = TRK_WS_MORE};

/* Bytes that the header will have, from its first two bytes. */
static size_t header_target(const trk_ws_reader *reader) {
  if (reader->header_count < 2) return 2;
  const uint8_t short_length = reader->header[1] & 0x7F;
  return trk_ws_header_count(short_length < 126    ? 0
                             : short_length == 126 ? 126
                                                   : 65536,
                             (reader->header[1] & 0x80) != 0);
}

/* Checks what the first two bytes already tell (sections 5.1, 5.2, 5.5). 0 or a close code. */
static uint16_t check_start(const trk_ws_reader *reader) {
  const uint8_t flags = reader->header[0];
  const uint8_t opcode = flags & 0x0F;
  const bool masked = (reader->header[1] & 0x80) != 0;
  if ((flags & 0x70) != 0) return 1002;
  if (masked != reader->expect_mask) return 1002;
  if (opcode >= 8) {
    if (opcode > TRK_WS_PONG) return 1002;
    return (flags & 0x80) == 0 || (reader->header[1] & 0x7F) > TRK_WS_CONTROL_MAX ? 1002 : 0;
  }
  if (opcode > TRK_WS_BINARY) return 1002;
  return (opcode == TRK_WS_CONTINUATION) == reader->in_message ? 0 : 1002;
}

/* Reads the length and mask; the minimal form is required (section 5.2). 0 or a close code. */
static uint16_t finish_header(trk_ws_reader *reader) {
  const uint8_t *header = reader->header;
  const uint8_t short_length = header[1] & 0x7F;
  uint64_t length = short_length;
  size_t at = 2;
  if (short_length == 126) {
    length = (uint64_t)header[2] << 8 | header[3];
    at = 4;
    if (length < 126) return 1002;
  } else if (short_length == 127) {
    length = 0;
    for (size_t i = 0; i < 8; i++) length = length << 8 | header[2 + i];
    at = 10;
    if (length < 65536 || length >> 63 != 0) return 1002;
  }
  if (reader->expect_mask) memcpy(reader->mask, header + at, 4);
  reader->opcode = header[0] & 0x0F;
  reader->fin = (header[0] & 0x80) != 0;
  reader->frame_left = length;
  reader->frame_done = 0;
  reader->in_payload = true;
  reader->header_count = 0;
  reader->control_count = 0;
  return 0;
}

/* Counts the frame into its message before a byte of it is taken: limits hold at the header. */
static uint16_t begin_data(trk_ws_reader *reader, bool *first) {
  *first = reader->opcode != TRK_WS_CONTINUATION;
  if (*first) {
    reader->in_message = true;
    reader->message_opcode = reader->opcode;
    reader->message_count = 0;
    reader->fragments = 0;
    reader->utf8 = (trk_utf8){0};
  }
  if (++reader->fragments > reader->limits.fragments_max) return 1009;
  if (reader->frame_left > reader->limits.message_max ||
      reader->message_count > reader->limits.message_max - reader->frame_left)
    return 1009;
  reader->message_count += reader->frame_left;
  return 0;
}

/* A close frame's payload: nothing, or a valid code and a UTF-8 reason (section 5.5.1). */
static trk_ws_result read_close(const trk_ws_reader *reader) {
  trk_ws_result result = {.kind = TRK_WS_CONTROL, .opcode = TRK_WS_CLOSE, .close_code = 1005};
  if (reader->control_count == 0) return result;
  if (reader->control_count == 1) return broken(1002);
  const uint16_t code = (uint16_t)(reader->control[0] << 8 | reader->control[1]);
  if (!trk_ws_close_code_valid(code)) return broken(1002);
  trk_utf8 utf8 = {0};
  const size_t reason_count = reader->control_count - 2u;
  if (!trk_utf8_feed(&utf8, reader->control + 2, reason_count) || !trk_utf8_complete(&utf8))
    return broken(1007);
  result.close_code = code;
  result.bytes = (trk_bytes){reader->control + 2, reason_count};
  return result;
}

static trk_ws_result read_control(trk_ws_reader *reader, uint8_t *bytes, size_t take) {
  trk_ws_mask(bytes, reader->expect_mask ? take : 0, reader->mask, reader->frame_done);
  if (take > 0) memcpy(reader->control + reader->control_count, bytes, take);
  reader->control_count = (uint8_t)(reader->control_count + take);
  reader->frame_done += take;
  reader->frame_left -= take;
  if (reader->frame_left > 0) return more;
  reader->in_payload = false;
  if (reader->opcode == TRK_WS_CLOSE) return read_close(reader);
  return (trk_ws_result){.kind = TRK_WS_CONTROL,
                         .opcode = (trk_ws_opcode)reader->opcode,
                         .bytes = {reader->control, reader->control_count}};
}

static trk_ws_result read_data(trk_ws_reader *reader, uint8_t *bytes, size_t take) {
  trk_ws_mask(bytes, reader->expect_mask ? take : 0, reader->mask, reader->frame_done);
  const bool first = reader->frame_done == 0 && reader->opcode != TRK_WS_CONTINUATION;
  reader->frame_done += take;
  reader->frame_left -= take;
  const bool last = reader->frame_left == 0 && reader->fin;
  if (reader->message_opcode == TRK_WS_TEXT) {
    if (!trk_utf8_feed(&reader->utf8, bytes, take)) return broken(1007);
    if (last && !trk_utf8_complete(&reader->utf8)) return broken(1007);
  }
  if (reader->frame_left == 0) reader->in_payload = false;
  if (last) reader->in_message = false;
  return (trk_ws_result){.kind = TRK_WS_CHUNK,
                         .opcode = (trk_ws_opcode)reader->message_opcode,
                         .first = first,
                         .last = last,
                         .bytes = {bytes, take},
                         .message_left = reader->frame_left};
}

/* Gathers header bytes. Returns 0 to go on, 1 when more bytes are needed, else a close code. */
static uint16_t read_header(trk_ws_reader *reader, const uint8_t *bytes, size_t count,
                            size_t *used) {
  while (!reader->in_payload) {
    if (*used == count) return 1;
    reader->header[reader->header_count++] = bytes[(*used)++];
    if (reader->header_count == 2) {
      const uint16_t code = check_start(reader);
      if (code != 0) return code;
    }
    if (reader->header_count < 2 || reader->header_count < header_target(reader)) continue;
    uint16_t code = finish_header(reader);
    bool first = false;
    if (code == 0 && reader->opcode < 8) code = begin_data(reader, &first);
    if (code != 0) return code;
  }
  return 0;
}

trk_ws_result trk_ws_read(trk_ws_reader *reader, uint8_t *bytes, size_t count, size_t *used) {
  *used = 0;
  for (;;) {
    const uint16_t code = read_header(reader, bytes, count, used);
    if (code == 1) return more;
    if (code != 0) return broken(code);
    const size_t rest = count - *used;
    const size_t take = reader->frame_left < rest ? (size_t)reader->frame_left : rest;
    if (take == 0 && reader->frame_left > 0) return more;
    uint8_t *payload = bytes + *used;
    *used += take;
    const trk_ws_result result = reader->opcode >= 8 ? read_control(reader, payload, take)
                                                     : read_data(reader, payload, take);
    if (result.kind != TRK_WS_MORE) return result;
  }
}
