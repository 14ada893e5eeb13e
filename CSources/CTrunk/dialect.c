/* dialect.c - what goes to the caller, in the words of its carrier.
 *
 * Twilio and Telnyx hear JSON. A binary peer hears audio as binary messages and, between them, the
 * texts that its line was given.
 */
#include "internal.h"

enum { JSON_MARK_MAX = TRK_TWILIO_OVERHEAD_MAX + TRK_LEDGER_MARK_NAME_MAX };

static bool is_json(const trk_call *call) {
  return call->dialect != TRK_DIALECT_BINARY;
}

static bool send_text(trk_call *call, trk_bytes head, trk_bytes name, trk_bytes tail) {
  const size_t count = head.count + name.count + tail.count;
  uint8_t *at = trk_leg_begin_frame(call->carrier, count);
  if (!at) {
    call->loop->stats.line_texts_dropped++;
    return false;
  }
  memcpy(at, head.data, head.count);
  if (name.count > 0) memcpy(at + head.count, name.data, name.count);
  if (tail.count > 0) memcpy(at + head.count + name.count, tail.data, tail.count);
  trk_leg_end_frame(call->carrier, TRK_WS_TEXT, count);
  return true;
}

static void send_plain(trk_call *call, trk_bytes text) {
  if (text.count > 0) send_text(call, text, (trk_bytes){0}, (trk_bytes){0});
}

static void put16(uint8_t *at, size_t value) {
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, size_t value) {
  put16(at, value >> 16);
  put16(at + 2, value);
}

/* Writes what stands before a binary message's audio; returns its bytes. */
static size_t put_framing(const trk_call *call, uint8_t *at, size_t count) {
  switch (call->line->config.framing) {
    case TRK_FRAMING_NONE: return 0;
    case TRK_FRAMING_STAMP:
      put16(at, 2);
      put16(at + 2, 0);
      put32(at + 4, 0);
      put32(at + 8, (size_t)(call->ledger.position / call->bytes_per_ms));
      put32(at + 12, count);
      return 16;
    case TRK_FRAMING_SIZE:
      put16(at, 0);
      put16(at + 2, count);
      return 4;
  }
  return 0;
}

static bool send_binary(trk_call *call, const uint8_t *bytes, size_t count) {
  uint8_t *at = trk_leg_begin_frame(call->carrier, count + 16);
  if (!at) return false;
  const size_t head = put_framing(call, at, count);
  memcpy(at + head, bytes, count);
  trk_leg_end_frame(call->carrier, TRK_WS_BINARY, head + count);
  return true;
}

static bool send_json(trk_call *call, const uint8_t *bytes, size_t count) {
  const size_t room = TRK_TWILIO_OVERHEAD_MAX + (count + 2) / 3 * 4;
  uint8_t *at = trk_leg_begin_frame(call->carrier, room);
  if (!at) return false;
  const trk_bytes sid = {call->sid, call->sid_count};
  const size_t written = call->dialect == TRK_DIALECT_TELNYX
                             ? trk_telnyx_write_media(at, room, bytes, count)
                             : trk_twilio_write_media(at, room, sid, bytes, count);
  trk_leg_end_frame(call->carrier, TRK_WS_TEXT, written);
  return true;
}

/* One Opus packet of the slice. Returns its bytes, 0 when nothing needs to be sent. */
static size_t encode(trk_call *call, uint8_t *packet, const uint8_t *audio, size_t count) {
  int16_t samples[TRK_LINE_FRAME_MS_MAX * TRK_PCM_RATE / 1000];
  size_t sample_count = count / sizeof *samples;
  if (call->line->config.narrow) {
    sample_count = count;
    trk_ulaw_decode(samples, audio, count);
  } else {
    memcpy(samples, audio, count); /* PCM16 is little-endian on the wire, and so are we. */
  }
  const ptrdiff_t bytes =
      trk_opus_encode(call->line->opus, packet, TRK_OPUS_ENCODED_MAX, samples, sample_count);
  TRK_ASSERT(bytes >= 0);
  return bytes > 0 ? (size_t)bytes : 0;
}

static bool send_bytes(trk_call *call, const uint8_t *bytes, size_t count) {
  return is_json(call) ? send_json(call, bytes, count) : send_binary(call, bytes, count);
}

bool trk_dialect_send_audio(trk_call *call, const uint8_t *audio, size_t count) {
  trk_line *const line = call->line;
  if (!line) return send_json(call, audio, count);
  if (!line->talking) {
    send_plain(call, line->config.texts.begin);
    line->talking = true;
  }
  if (!line->opus) return send_bytes(call, audio, count);
  uint8_t packet[TRK_OPUS_ENCODED_MAX];
  const size_t bytes = encode(call, packet, audio, count);
  if (bytes == 0) return true;
  if (!send_bytes(call, packet, bytes)) return false;
  call->loop->stats.opus_packets_out++;
  return true;
}

bool trk_dialect_send_mark(trk_call *call) {
  char name[TRK_LEDGER_MARK_NAME_MAX];
  const trk_line *const line = call->line;
  if (line && !line->config.has_marks) return true; /* The clock tells. */
  const trk_bytes sid = {call->sid, call->sid_count};
  if (!is_json(call)) {
    const trk_bytes text = {(const uint8_t *)name, trk_ledger_mark_name(&call->ledger, name)};
    return send_text(call, line->config.texts.mark_head, text, line->config.texts.mark_tail);
  }
  uint8_t *at = trk_leg_begin_frame(call->carrier, JSON_MARK_MAX);
  if (!at) return false; /* Without a mark the clock alone tells; the next mark comes soon. */
  const trk_bytes text = {(const uint8_t *)name, trk_ledger_mark_name(&call->ledger, name)};
  const size_t written = call->dialect == TRK_DIALECT_TELNYX
                             ? trk_telnyx_write_mark(at, JSON_MARK_MAX, text)
                             : trk_twilio_write_mark(at, JSON_MARK_MAX, sid, text);
  trk_leg_end_frame(call->carrier, TRK_WS_TEXT, written);
  return true;
}

void trk_dialect_send_clear(trk_call *call) {
  if (is_json(call)) {
    uint8_t *at = trk_leg_begin_frame(call->carrier, TRK_TWILIO_OVERHEAD_MAX);
    if (!at) return;
    const trk_bytes sid = {call->sid, call->sid_count};
    const size_t written = call->dialect == TRK_DIALECT_TELNYX
                               ? trk_telnyx_write_clear(at, TRK_TWILIO_OVERHEAD_MAX)
                               : trk_twilio_write_clear(at, TRK_TWILIO_OVERHEAD_MAX, sid);
    trk_leg_end_frame(call->carrier, TRK_WS_TEXT, written);
  } else if (call->line) {
    send_plain(call, call->line->config.texts.clear);
    trk_dialect_finish(call);
  }
  call->loop->stats.clears_out++;
  call->clear_pending = true;
}

void trk_dialect_finish(trk_call *call) {
  trk_line *const line = call->line;
  if (!line || !line->talking || !call->carrier) return;
  line->talking = false;
  send_plain(call, line->config.texts.end);
}
