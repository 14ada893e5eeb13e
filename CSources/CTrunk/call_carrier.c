/* call_carrier.c - what comes from the phone, and the way of caller audio to the model. */
#include "tap.h"

#include "trk_base64.h"

enum { GAP_TOLERANCE_MS = 5 }; /* Twilio's timestamps jump by 20; less than this is rounding. */

static uint64_t ms_of(const trk_call *call, uint64_t bytes) {
  return bytes / call->bytes_per_ms;
}

/* ---- To the model ---- */

/* `count` bytes of audio, as base64. */
static trk_status send_append(trk_call *call, trk_bytes base64, size_t count) {
  const trk_bytes parts[] = {
      {(const uint8_t *)trk_rt_append_head, TRK_RT_APPEND_HEAD_COUNT},
      base64,
      {(const uint8_t *)trk_rt_append_tail, TRK_RT_APPEND_TAIL_COUNT},
  };
  const trk_status status = trk_leg_send_parts(call->route, TRK_WS_TEXT, parts, 3);
  if (status != TRK_OK) return status;
  call->loop->stats.appends_out++;
  call->stats.appends_out++;
  call->route->audio_bytes += count;
  return TRK_OK;
}

/* Without a model what is said is kept for the next one. A model that is there and does not read
 * has heard of an older conversation when it reads again: then less is kept. A model that only
 * catches up with what has waited is not meant, so the write must have stood still. */
static uint32_t waiting_limit_ms(const trk_call *call) {
  const trk_loop_config *config = &call->loop->config;
  const trk_leg *route = call->route;
  const int64_t now_ms = call->loop->now_us / TRK_US_PER_MS;
  const bool blocked =
      route && route->writing && now_ms - route->stuck_ms >= (int64_t)config->blocked_ms_max;
  return blocked && config->blocked_ms_max < config->waiting_ms_max ? config->blocked_ms_max
                                                                    : config->waiting_ms_max;
}

/* The oldest audio goes first when there is too much: what is said now matters more. */
static void drop_oldest(trk_call *call) {
  const size_t limit = (size_t)waiting_limit_ms(call) * call->bytes_per_ms;
  if (call->waiting.bytes <= limit) return;
  const size_t excess = call->waiting.bytes - limit;
  trk_chain_consume(call->loop, &call->waiting, excess);
  call->loop->stats.caller_dropped_ms += ms_of(call, excess);
  call->stats.dropped_ms += ms_of(call, excess);
}

/* Decodes checked base64 to the end of a chain, in pieces that fit the blocks. False when the pool
 * is empty: then nothing or only a beginning was taken, and the rest is lost. */
bool trk_call_decode(trk_loop *loop, trk_chain *chain, trk_bytes base64) {
  while (base64.count > 0) {
    uint8_t *to = trk_chain_reserve(loop, chain, 3);
    if (!to) return false;
    const size_t room = (TRK_BLOCK_DATA - chain->tail->end) / 3 * 4;
    const size_t take = base64.count < room ? base64.count : room;
    const ptrdiff_t count = trk_base64_decode(to, (const char *)base64.data, take);
    TRK_ASSERT(count >= 0);
    if (count < 0) return false;
    trk_chain_commit(chain, (size_t)count);
    base64.data += take;
    base64.count -= take;
  }
  return true;
}

static void keep_waiting(trk_call *call, trk_bytes base64, size_t count) {
  if (trk_call_decode(call->loop, &call->waiting, base64)) {
    call->loop->stats.caller_waited_ms += ms_of(call, count);
  } else {
    call->loop->stats.caller_dropped_ms += ms_of(call, count);
    call->stats.dropped_ms += ms_of(call, count);
  }
  drop_oldest(call);
}

static bool model_takes(const trk_call *call) {
  return call->route && call->route->state == TRK_LEG_OPEN &&
         trk_leg_pending_bytes(call->route) < TRK_MODEL_PENDING_MAX;
}

/* One append of audio that is not base64 yet. */
static trk_status send_bytes(trk_call *call, const uint8_t *bytes, size_t count) {
  /* Not the loop's scratch: the message that is being read may have its payload there. */
  char text[(TRK_APPEND_BYTES_MAX + 2) / 3 * 4];
  const size_t encoded = trk_base64_encode(text, bytes, count);
  return send_append(call, (trk_bytes){(const uint8_t *)text, encoded}, count);
}

/* One append from the head of the waiting audio. */
static bool send_piece(trk_call *call) {
  const trk_block *block = call->waiting.head;
  size_t count = block->end - block->start;
  if (count > TRK_APPEND_BYTES_MAX) count = TRK_APPEND_BYTES_MAX;
  if (send_bytes(call, block->data + block->start, count) != TRK_OK) return false;
  trk_chain_consume(call->loop, &call->waiting, count);
  return true;
}

void trk_call_send_waiting(trk_call *call) {
  while (call->waiting.bytes > 0 && model_takes(call))
    if (!send_piece(call)) return;
}

/* Density: frames are gathered and go out together. */
static void gather(trk_call *call, trk_bytes base64, size_t count) {
  if (!trk_call_decode(call->loop, &call->waiting, base64)) {
    call->loop->stats.caller_dropped_ms += ms_of(call, count);
    call->stats.dropped_ms += ms_of(call, count);
    return;
  }
  if (ms_of(call, call->waiting.bytes) >= call->loop->config.append_ms) trk_call_send_waiting(call);
}

/* ---- From the phone ---- */

static void measure_gap(trk_call *call, int64_t timestamp_ms, size_t count) {
  if (timestamp_ms < 0) return;
  trk_loop_stats *stats = &call->loop->stats;
  const int64_t gap = timestamp_ms - call->next_timestamp_ms;
  if (call->next_timestamp_ms >= 0 && gap > GAP_TOLERANCE_MS && gap < INT32_MAX) {
    stats->gaps++;
    stats->gap_ms += (uint64_t)gap;
    call->stats.gap_ms += (uint64_t)gap;
  } else if (call->next_timestamp_ms >= 0 && (gap < -GAP_TOLERANCE_MS || gap >= INT32_MAX)) {
    stats->timestamp_faults++;
  }
  call->next_timestamp_ms =
      timestamp_ms < INT64_MAX / 2 ? timestamp_ms + (int64_t)ms_of(call, count) : -1;
}

/* Numbers are looked at and trusted with nothing: audio is played in the order of arrival. */
static void measure_sequence(trk_call *call, int64_t sequence) {
  if (sequence < 0) return;
  if (call->sequence >= 0 && sequence <= call->sequence) call->loop->stats.sequence_repeats++;
  if (call->sequence >= 0 && sequence - 1 > call->sequence) call->loop->stats.sequence_gaps++;
  call->sequence = sequence;
}

/* A model is paid by the minute of audio, and audio faster than time is no telephone. A bucket
 * holds what the window allows and drains at the speed that is allowed. It counts eighths of
 * milliseconds, as long as a sample of mu-law. */
static bool within_speed(trk_call *call, size_t count) {
  const trk_loop_config *config = &call->loop->config;
  const int64_t now_ms = call->loop->now_us / TRK_US_PER_MS;
  const uint64_t passed_ms = (uint64_t)(now_ms - call->media_level_ms);
  const uint64_t capacity =
      (uint64_t)config->media_window_ms * TRK_ULAW_BYTES_PER_MS * config->media_speed_max / 100;
  const uint64_t drained = passed_ms < config->media_window_ms
                               ? passed_ms * TRK_ULAW_BYTES_PER_MS * config->media_speed_max / 100
                               : capacity;
  call->media_level_ms = now_ms;
  call->media_level -= drained < call->media_level ? drained : call->media_level;
  const size_t least = TRK_MEDIA_CHARGE_MIN_MS * TRK_ULAW_BYTES_PER_MS;
  call->media_level += count > least ? count : least;
  return call->media_level <= capacity;
}

static void break_flood(trk_call *call, const char *reason) {
  call->loop->stats.media_floods++;
  trk_leg_break(call->carrier, 1008, TRK_CLOSE_LIMIT, reason);
}

/* Looks when the time would be up if no media had come since it was set. */
void trk_call_on_media_timer(trk_call *call) {
  const int64_t due_ms = call->media_ms + call->loop->config.media_timeout_ms;
  if (call->loop->now_us / TRK_US_PER_MS < due_ms) {
    trk_wheel_arm(call->loop, &call->media, due_ms);
    return;
  }
  call->loop->stats.media_timeouts++;
  trk_call_push(call, TRK_EVENT_CARRIER_SILENT, call->carrier, 0, (trk_bytes){0});
}

static void note_media(trk_call *call) {
  call->media_ms = call->loop->now_us / TRK_US_PER_MS;
  if (call->media.armed || (call->line && call->line->config.may_rest)) return;
  trk_wheel_arm(call->loop, &call->media, call->media_ms + call->loop->config.media_timeout_ms);
}

void trk_call_note_frame(trk_call *call) {
  call->loop->stats.carrier_frames_in++;
  call->stats.frames_in++;
  note_media(call);
}

bool trk_call_may_take(trk_call *call, int64_t duration_us) {
  const int64_t eighths = duration_us * TRK_ULAW_BYTES_PER_MS / TRK_US_PER_MS;
  if (within_speed(call, eighths > 0 ? (size_t)eighths : 0)) return true;
  break_flood(call, "media faster than a telephone");
  return false;
}

void trk_call_take_audio(trk_call *call, const uint8_t *bytes, size_t count) {
  if (call->taps) trk_tap_caller_audio(call, bytes, count);
  const bool gathers = call->loop->config.append_ms > 20;
  if (call->waiting.bytes > 0 && !gathers) trk_call_send_waiting(call);
  while (count > 0) {
    const size_t take = count < TRK_APPEND_BYTES_MAX ? count : TRK_APPEND_BYTES_MAX;
    const bool goes = !gathers && call->waiting.bytes == 0 && model_takes(call);
    if (!goes || send_bytes(call, bytes, take) != TRK_OK) {
      if (trk_chain_append(call->loop, &call->waiting, bytes, take)) {
        if (!gathers) call->loop->stats.caller_waited_ms += ms_of(call, take);
      } else {
        call->loop->stats.caller_dropped_ms += ms_of(call, take);
        call->stats.dropped_ms += ms_of(call, take);
      }
    }
    bytes += take;
    count -= take;
  }
  if (gathers && ms_of(call, call->waiting.bytes) >= call->loop->config.append_ms)
    trk_call_send_waiting(call);
  drop_oldest(call);
}

/* The way of checked audio to the model, or to where it waits for one. */
static void pass_on(trk_call *call, trk_bytes base64, size_t count) {
  const bool gathers = call->loop->config.append_ms > 20;
  if (call->waiting.bytes > 0 && !gathers) trk_call_send_waiting(call);
  if (!model_takes(call))
    keep_waiting(call, base64, count);
  else if (gathers)
    gather(call, base64, count);
  else if (call->waiting.bytes > 0 || send_append(call, base64, count) != TRK_OK)
    keep_waiting(call, base64, count);
}

static void take_media(trk_call *call, const trk_twilio_message *message) {
  if (!message->inbound) {
    call->loop->stats.media_other_track++;
    return;
  }
  if (call->line && call->line->reorder) {
    trk_line_numbered(call, message->chunk, message->payload);
    return;
  }
  const ptrdiff_t count =
      trk_base64_check((const char *)message->payload.data, message->payload.count);
  if (count < 0) {
    trk_call_malformed(call->carrier, TRK_MALFORMED_BASE64);
    return;
  }
  if (!within_speed(call, (size_t)count)) {
    break_flood(call, "media faster than a telephone");
    return;
  }
  call->loop->stats.carrier_frames_in++;
  call->stats.frames_in++;
  note_media(call);
  measure_gap(call, message->timestamp_ms, (size_t)count);
  if (call->taps) trk_tap_caller(call, message->payload, (size_t)count, message->timestamp_ms);
  if (count > 0) pass_on(call, message->payload, (size_t)count);
}

static void take_digit(trk_call *call, trk_bytes digit) {
  trk_loop *loop = call->loop;
  if (digit.count != 1) {
    loop->stats.digits_invalid++;
    return;
  }
  const int64_t now_ms = loop->now_us / TRK_US_PER_MS;
  if (now_ms - call->digits_from_ms >= TRK_DIGITS_WINDOW_MS) {
    call->digits_from_ms = now_ms;
    call->digits = 0;
  }
  if (++call->digits > loop->config.digits_per_s_max)
    loop->stats.digits_over++;
  else
    trk_call_push(call, TRK_EVENT_CARRIER_DTMF, call->carrier, 0, digit);
}

static bool is_our_stream(const trk_call *call, const trk_twilio_message *message) {
  return message->stream_sid.count == call->sid_count &&
         memcmp(message->stream_sid.data, call->sid, call->sid_count) == 0;
}

static void take_start(trk_call *call, const trk_twilio_message *message, trk_bytes text) {
  if (call->stopped) {
    trk_leg_break(call->carrier, 1008, TRK_CLOSE_PROTOCOL, "a second call on one connection");
    return;
  }
  if (call->started) {
    trk_call_malformed(call->carrier, TRK_MALFORMED_ORDER);
    return;
  }
  if (message->stream_sid.count == 0 || message->call_sid.count == 0) {
    trk_leg_break(call->carrier, 1008, TRK_CLOSE_PROTOCOL, "start without streamSid or callSid");
    return;
  }
  memcpy(call->sid, message->stream_sid.data, message->stream_sid.count);
  call->sid_count = (uint32_t)message->stream_sid.count;
  trk_call_started(call);
  call->sequence = message->sequence;
  call->loop->stats.starts_unannounced += !call->connected;
  trk_call_push(call, TRK_EVENT_CARRIER_START, call->carrier, 0, text);
  /* What is on the line is known when the start was understood. */
  if (call->dialect == TRK_DIALECT_TELNYX) call->carrier->barrier_round = call->loop->round + 1;
}

void trk_call_started(trk_call *call) {
  call->started = true;
  call->started_us = call->loop->now_us;
  note_media(call);
}

static void take_mark(trk_call *call, trk_bytes name) {
  if (!trk_ledger_echo(&call->ledger, name, call->loop->now_us)) {
    call->loop->stats.marks_stale++;
    return;
  }
  call->loop->stats.marks_in++;
  trk_pacer_finish_items(call);
}

/* Audio that comes before its stream is held for an accident of order, up to a number. */
static void take_early_media(trk_call *call) {
  trk_call_dropped(call->carrier, TRK_MALFORMED_ORDER);
  if (++call->early_media > call->loop->config.early_media_max)
    break_flood(call, "media before start");
}

/* Everything but start belongs to a stream that has begun, is ours and has not stopped. */
static void take_in_stream(trk_call *call, const trk_twilio_message *message) {
  if (call->stopped) {
    /* What was under way when the carrier stopped: counted, and no fault of the peer's. */
    call->loop->stats.malformed[TRK_MALFORMED_ORDER]++;
    return;
  }
  if (!call->started && message->kind == TRK_TWILIO_MEDIA) {
    take_early_media(call);
    return;
  }
  if (!call->started || !is_our_stream(call, message)) {
    trk_call_malformed(call->carrier, TRK_MALFORMED_ORDER);
    return;
  }
  measure_sequence(call, message->sequence);
  switch (message->kind) {
    case TRK_TWILIO_MEDIA: take_media(call, message); return;
    case TRK_TWILIO_MARK: take_mark(call, message->mark_name); return;
    case TRK_TWILIO_DTMF: take_digit(call, message->digit); return;
    case TRK_TWILIO_STOP:
      call->stopped = true;
      trk_wheel_cancel(call->loop, &call->media);
      trk_call_push(call, TRK_EVENT_CARRIER_STOP, call->carrier, 0, (trk_bytes){0});
      return;
    default: return;
  }
}

void trk_call_carrier_message(trk_call *call, const uint8_t *bytes, size_t count) {
  trk_twilio_message message;
  uint8_t *const scratch = call->loop->scratch.data;
  const trk_status status = call->dialect == TRK_DIALECT_TELNYX
                                ? trk_telnyx_parse(&message, bytes, count, scratch)
                                : trk_twilio_parse(&message, bytes, count, scratch);
  if (status != TRK_OK) {
    trk_call_malformed(call->carrier, TRK_MALFORMED_JSON);
    return;
  }
  switch (message.kind) {
    case TRK_TWILIO_CONNECTED: call->connected = true; return;
    case TRK_TWILIO_UNKNOWN:
      /* Telnyx tells what it did not like: somebody should hear of it. */
      if (call->dialect == TRK_DIALECT_TELNYX && trk_batch_has_room(call->loop))
        trk_call_push(call, TRK_EVENT_CARRIER_TEXT, call->carrier, 0, (trk_bytes){bytes, count});
      trk_call_malformed(call->carrier, TRK_MALFORMED_UNKNOWN);
      return;
    case TRK_TWILIO_START: take_start(call, &message, (trk_bytes){bytes, count}); return;
    default: take_in_stream(call, &message); return;
  }
}
