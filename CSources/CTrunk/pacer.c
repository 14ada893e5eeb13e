/* pacer.c - sends model audio to the phone ahead of real time by a bounded lead, with marks.
 *
 * The first audio of an answer goes out in the turn in which it came. After that a call is due
 * when the phone has played a slice of its lead; due times come from the wheel on a coarse grid,
 * and each call has its own phase, so that a turn serves a few calls and never all of them.
 */
#include "tap.h"

enum {
  /* The largest slice: 60 ms of PCM, or 200 of mu-law. */
  SLICE_ROOM = TRK_LINE_FRAME_MS_MAX * TRK_PCM_BYTES_PER_MS,
};
_Static_assert((int)SLICE_ROOM >= (int)TRK_SLICE_BYTES_MAX, "all slices fit");

static int64_t frame_us(const trk_call *call) {
  return (int64_t)call->frame_bytes * TRK_US_PER_MS / call->bytes_per_ms;
}

static uint64_t bytes_of_us(const trk_call *call, int64_t us) {
  return (uint64_t)us * call->bytes_per_ms / TRK_US_PER_MS;
}

/* Copies the next `count` bytes of the queue; they may stand in several blocks. */
static void copy_out(trk_call *call, uint8_t *to, size_t count) {
  while (count > 0) {
    const trk_block *block = call->playback.head;
    const size_t have = block->end - block->start;
    const size_t take = count < have ? count : have;
    memcpy(to, block->data + block->start, take);
    trk_chain_consume(call->loop, &call->playback, take);
    to += take;
    count -= take;
  }
}

static void send_mark(trk_call *call) {
  if (!trk_dialect_send_mark(call)) return; /* The clock alone tells; the next mark comes soon. */
  call->unmarked = 0;
  if (!call->line || call->line->config.has_marks) call->loop->stats.marks_out++;
}

/* Whether a message with so much audio can be queued: what was taken from the queue of audio can
 * not be put back. */
static bool has_room(const trk_call *call, size_t count) {
  const size_t bytes = TRK_TWILIO_OVERHEAD_MAX + (count + 2) / 3 * 4;
  trk_loop *const loop = call->loop;
  if (trk_leg_pending_bytes(call->carrier) + 2 * bytes <= loop->config.queue_bytes_max)
    return trk_pool_reserve(loop, 2);
  loop->stats.sends_refused++;
  return false;
}

static int silence_of(const trk_call *call) {
  if (call->bytes_per_ms == TRK_PCM_BYTES_PER_MS) return 0;
  const bool is_alaw = call->line && call->line->config.coding == TRK_CODING_ALAW;
  return is_alaw ? TRK_ALAW_SILENCE : TRK_ULAW_SILENCE;
}

/* Sends `count` bytes of an item as one media message, padded to whole frames at its end. */
static bool send_slice(trk_call *call, trk_ledger_item *item, size_t count) {
  uint8_t slice[SLICE_ROOM];
  const size_t padding = (call->frame_bytes - count % call->frame_bytes) % call->frame_bytes;
  if (!has_room(call, count + padding)) return false;
  copy_out(call, slice, count);
  memset(slice + count, silence_of(call), padding);
  if (!trk_dialect_send_audio(call, slice, count + padding)) return false;
  const int64_t now_us = call->loop->now_us;
  if (call->taps) trk_tap_agent(call, slice, count);
  trk_ledger_sent(&call->ledger, item, count, padding, now_us);
  call->unmarked += count + padding;
  call->played = true;
  call->loop->stats.carrier_frames_out++;
  call->stats.frames_out++;
  const uint64_t ahead_ms = (uint64_t)trk_ledger_ahead_us(&call->ledger, now_us) / TRK_US_PER_MS;
  if (ahead_ms > call->stats.ahead_ms_high) call->stats.ahead_ms_high = ahead_ms;
  if (!item->started_reported) {
    item->started_reported = true;
    trk_call_push(call, TRK_EVENT_ITEM_STARTED, NULL, 0, (trk_bytes){item->id, item->id_count});
  }
  return true;
}

/* How much of the item's queued audio makes the next message; 0 when it has to wait for more. */
static size_t next_count(const trk_call *call, const trk_ledger_item *item, uint64_t allowed) {
  const uint64_t queued = item->received - item->sent;
  const uint64_t mark_bytes = (uint64_t)call->loop->config.mark_ms * call->bytes_per_ms;
  uint64_t limit = allowed < call->slice_bytes ? allowed : call->slice_bytes;
  if (call->unmarked < mark_bytes && mark_bytes - call->unmarked < limit)
    limit = mark_bytes - call->unmarked;
  if (limit < call->frame_bytes && allowed >= call->frame_bytes) limit = call->frame_bytes;
  limit -= limit % call->frame_bytes;
  if (queued >= limit) return (size_t)limit;
  if (item->complete) return (size_t)queued;
  return (size_t)(queued - queued % call->frame_bytes);
}

static int64_t lead_us(const trk_call *call) {
  const int64_t lead_ms = call->lead_ms;
  return lead_ms == 0 ? INT64_MAX / 2 : lead_ms * TRK_US_PER_MS;
}

static int64_t slice_us(const trk_call *call) {
  const int64_t frame = frame_us(call);
  /* One packet at a time, as its peer plays them. */
  if (call->slice_bytes == call->frame_bytes) return frame;
  const int64_t slice = (int64_t)call->loop->config.slice_ms * TRK_US_PER_MS;
  const int64_t lead = lead_us(call);
  return slice < lead / 2 ? slice : lead / 2 > frame ? lead / 2 : frame;
}

static bool carrier_takes(const trk_call *call) {
  return call->carrier && call->started && call->carrier->state == TRK_LEG_OPEN &&
         !(call->line && call->line->held) &&
         (call->lead_ms == 0 || trk_leg_pending_bytes(call->carrier) < TRK_CARRIER_PENDING_MAX);
}

/* Sends until the lead is full, the queue is empty, or the phone's socket takes no more. */
static void send_due(trk_call *call) {
  int64_t room_us = lead_us(call) - trk_ledger_ahead_us(&call->ledger, call->loop->now_us);
  const int64_t frame = frame_us(call);
  while (room_us >= frame && carrier_takes(call)) {
    trk_ledger_item *item = trk_ledger_next(&call->ledger);
    if (!item) return;
    const uint64_t allowed = room_us > INT32_MAX ? INT32_MAX : bytes_of_us(call, room_us);
    const size_t count = next_count(call, item, allowed);
    if (count == 0 || !send_slice(call, item, count)) return;
    const bool ended = item->complete && item->sent == item->received;
    const uint64_t mark_bytes = (uint64_t)call->loop->config.mark_ms * call->bytes_per_ms;
    if (ended || call->unmarked >= mark_bytes) send_mark(call);
    room_us = lead_us(call) - trk_ledger_ahead_us(&call->ledger, call->loop->now_us);
  }
}

static void resume_model(trk_call *call) {
  if (!call->route_paused) return;
  const size_t limit = (size_t)call->loop->config.playback_ms_max * call->bytes_per_ms;
  if (call->playback.bytes > limit / 4 * 3) return;
  call->route_paused = false;
  call->route->held = false;
  trk_leg_update_reading(call->route);
}

static void arm(trk_call *call) {
  const int64_t ahead_us = trk_ledger_ahead_us(&call->ledger, call->loop->now_us);
  const int64_t wait_us = ahead_us - (lead_us(call) - slice_us(call));
  int64_t due_ms = (call->loop->now_us + (wait_us > 0 ? wait_us : 0)) / TRK_US_PER_MS + 1;
  due_ms += TRK_PACER_GRID_MS - 1;
  trk_wheel_arm(call->loop, &call->pace, due_ms - due_ms % TRK_PACER_GRID_MS);
}

/* Something could be sent once the phone has played some of its lead. An unfinished item with less
 * than a frame left waits for the model instead, and a full socket for its peer. */
static bool has_sendable(trk_call *call) {
  const trk_ledger_item *item = trk_ledger_next(&call->ledger);
  return item && carrier_takes(call) && next_count(call, item, INT32_MAX) > 0;
}

void trk_pacer_run(trk_call *call) {
  if (!call->carrier || !call->started) return;
  const int64_t ahead_us = trk_ledger_ahead_us(&call->ledger, call->loop->now_us);
  if (ahead_us <= lead_us(call) - slice_us(call)) send_due(call);
  resume_model(call);
  /* An item can end after its last byte was sent: its mark is still owed. */
  if (!trk_ledger_next(&call->ledger) && call->unmarked > 0 && call->ledger.item_count > 0 &&
      call->ledger.items[call->ledger.item_count - 1].complete && carrier_takes(call))
    send_mark(call);
  if (has_sendable(call))
    arm(call);
  else
    trk_wheel_cancel(call->loop, &call->pace);
  trk_pacer_finish_items(call);
}

void trk_pacer_on_timer(trk_call *call) {
  trk_loop *loop = call->loop;
  /* A turn that encodes for many calls would hold up all others. */
  loop->paced_this_turn += trk_line_is_opus(call) ? TRK_PACER_OPUS_COST : 1;
  if (loop->paced_this_turn > TRK_PACER_CALLS_PER_TURN) {
    loop->stats.pacer_late++;
    trk_wheel_arm(loop, &call->pace, loop->wheel.now_ms + 1);
    return;
  }
  trk_pacer_run(call);
}

/* Tells of items that were heard to their end, and of silence after the last. */
void trk_pacer_finish_items(trk_call *call) {
  trk_loop *loop = call->loop;
  trk_ledger_item item;
  while (trk_ledger_finish(&call->ledger, &item, loop->now_us)) {
    const bool proven = call->ledger.echoed >= item.start + item.sent;
    trk_call_push(call, TRK_EVENT_ITEM_FINISHED, NULL, proven, (trk_bytes){item.id, item.id_count});
  }
  const int64_t grace_us = trk_ledger_grace_us(&call->ledger);
  if (grace_us != INT64_MAX)
    trk_wheel_arm(loop, &call->grace, grace_us / TRK_US_PER_MS + 1);
  else
    trk_wheel_cancel(loop, &call->grace);
  if (call->played && call->ledger.item_count == 0 && call->playback.bytes == 0) {
    call->played = false;
    trk_dialect_finish(call);
    trk_call_push(call, TRK_EVENT_DRAINED, NULL, 0, (trk_bytes){0});
  }
}
