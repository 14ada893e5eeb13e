/* leg_ws.c - WebSocket frames on a leg: messages in, frames out, the close handshake. */
#include "internal.h"

#include <sys/random.h>

/* ---- Out ---- */

/* Masks come from the system's generator, a page at a time (RFC 6455 section 10.3). */
static const uint8_t *next_mask(trk_loop *loop) {
  if (loop->masks_left < 4) {
    size_t filled = 0;
    while (filled < sizeof loop->masks) {
      const ssize_t count = getrandom(loop->masks + filled, sizeof loop->masks - filled, 0);
      if (count > 0) filled += (size_t)count;
    }
    loop->masks_left = sizeof loop->masks;
  }
  loop->masks_left -= 4;
  return loop->masks + loop->masks_left;
}

/* Copies a part to the end of the out chain, masking it there. */
static bool append_masked(trk_leg *leg, trk_bytes part, const uint8_t *mask, uint64_t phase) {
  while (part.count > 0) {
    uint8_t *to = trk_chain_reserve(leg->loop, &leg->out, 1);
    if (!to) return false;
    const size_t room = TRK_BLOCK_DATA - leg->out.tail->end;
    const size_t take = part.count < room ? part.count : room;
    memcpy(to, part.data, take);
    if (mask) trk_ws_mask(to, take, mask, phase);
    trk_chain_commit(&leg->out, take);
    phase += take;
    part.data += take;
    part.count -= take;
  }
  return true;
}

trk_status trk_leg_send_parts(trk_leg *leg, trk_ws_opcode opcode, const trk_bytes *parts,
                              size_t part_count) {
  trk_loop *loop = leg->loop;
  if (leg->state != TRK_LEG_OPEN) return TRK_ECLOSING;
  uint64_t payload = 0;
  for (size_t i = 0; i < part_count; i++) payload += parts[i].count;
  /* Blocks are asked for up front: half a frame in the chain would break the connection. */
  const size_t blocks = (size_t)(payload / TRK_BLOCK_DATA) + 2;
  if (trk_leg_pending_bytes(leg) + payload > loop->config.queue_bytes_max ||
      !trk_pool_reserve(loop, blocks)) {
    loop->stats.sends_refused++;
    return TRK_EFULL;
  }
  uint8_t mask[4];
  if (!leg->is_server) memcpy(mask, next_mask(loop), 4);
  const uint8_t *applied = leg->is_server ? NULL : mask;
  uint8_t *header = trk_chain_reserve(loop, &leg->out, TRK_WS_HEADER_MAX);
  trk_chain_commit(&leg->out, trk_ws_write_header(header, opcode, payload, applied));
  uint64_t phase = 0;
  for (size_t i = 0; i < part_count; i++) {
    append_masked(leg, parts[i], applied, phase);
    phase += parts[i].count;
  }
  trk_leg_mark_dirty(leg);
  return TRK_OK;
}

enum { SERVER_HEADER = 4 }; /* 2 + a 16-bit length: what media and mark messages mostly need. */

uint8_t *trk_leg_begin_frame(trk_leg *leg, size_t count) {
  TRK_ASSERT(leg->is_server && count + SERVER_HEADER <= TRK_BLOCK_DATA);
  if (leg->state != TRK_LEG_OPEN) return NULL;
  if (trk_leg_pending_bytes(leg) + count > leg->loop->config.queue_bytes_max) {
    leg->loop->stats.sends_refused++;
    return NULL;
  }
  uint8_t *at = trk_chain_reserve(leg->loop, &leg->out, count + SERVER_HEADER);
  return at ? at + SERVER_HEADER : NULL;
}

void trk_leg_end_frame(trk_leg *leg, trk_ws_opcode opcode, size_t count) {
  uint8_t *at = leg->out.tail->data + leg->out.tail->end;
  const size_t header = trk_ws_header_count(count, false);
  if (header < SERVER_HEADER) memmove(at + header, at + SERVER_HEADER, count);
  trk_ws_write_header(at, opcode, count, NULL);
  trk_chain_commit(&leg->out, header + count);
  trk_leg_mark_dirty(leg);
}

trk_status trk_leg_send_close(trk_leg *leg, uint16_t code, const char *reason) {
  if (leg->close_sent) return TRK_OK;
  uint8_t payload[TRK_WS_CONTROL_MAX] = {(uint8_t)(code >> 8), (uint8_t)code};
  size_t count = strlen(reason);
  if (count > sizeof payload - 2) count = sizeof payload - 2;
  while (reason[count] != 0 && ((uint8_t)reason[count] & 0xC0) == 0x80) count--; /* No half one. */
  memcpy(payload + 2, reason, count);
  const trk_bytes part = {payload, code == 0 || code == 1005 ? 0 : count + 2};
  const trk_status status = trk_leg_send_parts(leg, TRK_WS_CLOSE, &part, 1);
  leg->close_sent = true;
  return status;
}

/* ---- In ---- */

static void deliver(trk_leg *leg, trk_ws_opcode opcode, const uint8_t *bytes, size_t count) {
  if (leg->state != TRK_LEG_OPEN) return; /* After our close frame nothing is heard. */
  leg->told_round = leg->loop->round + 1;
  if (leg->call) {
    trk_call_on_message(leg, opcode, bytes, count);
    return;
  }
  trk_batch_push(leg->loop, (trk_event){.kind = opcode == TRK_WS_TEXT ? TRK_EVENT_LEG_TEXT
                                                                      : TRK_EVENT_LEG_BINARY,
                                        .leg = leg->id,
                                        .bytes = {bytes, count}});
}

static void take_chunk(trk_leg *leg, const trk_ws_result *result) {
  if (result->first && result->last) {
    deliver(leg, result->opcode, result->bytes.data, result->bytes.count);
    return;
  }
  /* The reader has checked the whole against message_max, so this is bounded. */
  if (!trk_buffer_append(leg->loop, &leg->message, result->bytes.data, result->bytes.count)) {
    trk_leg_break(leg, 1009, TRK_CLOSE_LIMIT, "message too big");
    return;
  }
  if (!result->last) return;
  trk_buffer message = leg->message;
  leg->message = (trk_buffer){0};
  deliver(leg, result->opcode, message.data, message.count);
  trk_buffer_release(leg->loop, &message);
}

/* Messages before this one in the same read are still untold: their answers go first, so the end of
 * the conversation waits for the batch. */
static bool postpone(trk_leg *leg, uint16_t code, bool is_close) {
  if (leg->told_round != leg->loop->round + 1) return false;
  leg->postponed = true;
  leg->postponed_close = is_close;
  leg->postponed_code = code;
  trk_leg_defer(leg);
  return true;
}

/* Section 5.5.1: the answer echoes the code; then the server ends the connection. */
static void answer_close(trk_leg *leg, uint16_t code) {
  if (leg->state == TRK_LEG_OPEN) trk_leg_send_close(leg, code, "");
  leg->close_sent = true;
  trk_leg_linger(leg);
}

static void take_close(trk_leg *leg, const trk_ws_result *result) {
  if (leg->state == TRK_LEG_OPEN)
    trk_leg_record_close(leg, result->close_code, TRK_CLOSE_PEER, 0,
                         (const char *)result->bytes.data, result->bytes.count);
  if (!postpone(leg, result->close_code, true)) answer_close(leg, result->close_code);
}

/* A peer that floods with control frames would make us answer each: there is a limit. */
static bool within_rate(trk_leg *leg) {
  const int64_t now_ms = leg->loop->now_us / TRK_US_PER_MS;
  if (now_ms - leg->pings_from_ms >= TRK_PING_WINDOW_MS) {
    leg->pings_from_ms = now_ms;
    leg->pings = 0;
  }
  if (++leg->pings <= leg->loop->config.pings_max) return true;
  trk_leg_break(leg, 1008, TRK_CLOSE_LIMIT, "too many control frames");
  return false;
}

/* Pongs that nobody reads must not pile up; later pings are answered once these are gone. */
static void send_pong(trk_leg *leg, trk_bytes payload) {
  if (trk_leg_pending_bytes(leg) == 0) leg->pong_bytes = 0;
  const uint32_t count = (uint32_t)(payload.count + trk_ws_header_count(payload.count, true));
  if (leg->pong_bytes + count > leg->loop->config.pong_bytes_max) {
    leg->loop->stats.pongs_dropped++;
    return;
  }
  leg->pong_bytes += count;
  trk_leg_send_parts(leg, TRK_WS_PONG, &payload, 1);
}

static void take_control(trk_leg *leg, const trk_ws_result *result) {
  switch (result->opcode) {
    case TRK_WS_CLOSE: take_close(leg, result); return;
    case TRK_WS_PING:
      if (within_rate(leg) && leg->state == TRK_LEG_OPEN) send_pong(leg, result->bytes);
      return;
    default: within_rate(leg); return;
  }
}

static void break_protocol(trk_leg *leg, uint16_t code) {
  const char *reason = code == 1009   ? "message too big"
                       : code == 1007 ? "text is not UTF-8"
                                      : "protocol error";
  trk_leg_break(leg, code, code == 1009 ? TRK_CLOSE_LIMIT : TRK_CLOSE_PROTOCOL, reason);
}

static void take_error(trk_leg *leg, uint16_t code) {
  if (!postpone(leg, code, false)) break_protocol(leg, code);
}

void trk_leg_run_postponed(trk_leg *leg) {
  if (!leg->postponed) return;
  leg->postponed = false;
  if (leg->postponed_close)
    answer_close(leg, leg->postponed_code);
  else
    break_protocol(leg, leg->postponed_code);
}

size_t trk_leg_read_frames(trk_leg *leg, uint8_t *bytes, size_t count) {
  size_t total = 0;
  while (total < count && trk_leg_may_read(leg)) {
    size_t used = 0;
    const trk_ws_result result = trk_ws_read(&leg->ws, bytes + total, count - total, &used);
    total += used;
    switch (result.kind) {
      case TRK_WS_MORE: return total;
      case TRK_WS_CHUNK: take_chunk(leg, &result); break;
      case TRK_WS_CONTROL: take_control(leg, &result); break;
      case TRK_WS_ERROR: take_error(leg, result.close_code); break;
    }
    if (leg->postponed) return count; /* Nothing behind it counts. */
    if (leg->state != TRK_LEG_OPEN && leg->state != TRK_LEG_CLOSING) return total;
  }
  return total;
}

/* ---- Public functions ---- */

static trk_status send_message(trk_loop *loop, trk_leg_id id, trk_ws_opcode opcode,
                               const void *bytes, size_t count) {
  trk_leg *leg = trk_leg_find(loop, id);
  if (!leg) return TRK_ESTALE;
  const trk_bytes part = {bytes, count};
  return trk_leg_send_parts(leg, opcode, &part, 1);
}

trk_status trk_leg_send_text(trk_loop *loop, trk_leg_id id, const void *bytes, size_t count) {
  return send_message(loop, id, TRK_WS_TEXT, bytes, count);
}

trk_status trk_leg_send_binary(trk_loop *loop, trk_leg_id id, const void *bytes, size_t count) {
  return send_message(loop, id, TRK_WS_BINARY, bytes, count);
}

trk_status trk_leg_ping(trk_loop *loop, trk_leg_id id, const void *bytes, size_t count) {
  if (count > TRK_WS_CONTROL_MAX) return TRK_EINVALID;
  return send_message(loop, id, TRK_WS_PING, bytes, count);
}
