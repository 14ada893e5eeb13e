/* call.c - a call: who belongs to it, where its audio flows, and the public functions. */
#include "tap.h"

static uint32_t ms_of(const trk_call *call, uint64_t bytes) {
  return (uint32_t)(bytes / call->bytes_per_ms);
}

trk_call *trk_call_find(const trk_loop *loop, trk_call_id id) {
  return trk_table_find(&loop->calls, id.slot, id.generation);
}

void trk_call_push(trk_call *call, trk_event_kind kind, trk_leg *leg, int32_t a, trk_bytes bytes) {
  trk_batch_push(call->loop, (trk_event){.kind = kind,
                                         .call = call->id,
                                         .leg = leg ? leg->id : (trk_leg_id){0},
                                         .a = a,
                                         .bytes = bytes});
}

/* Counts and tells a dropped message. */
void trk_call_dropped(trk_leg *leg, trk_malformed reason) {
  leg->loop->stats.malformed[reason]++;
  leg->call->stats.malformed++;
  trk_call_push(leg->call, TRK_EVENT_MALFORMED, leg, (int32_t)reason, (trk_bytes){0});
}

/* The same; a peer that goes on like that is closed. */
void trk_call_malformed(trk_leg *leg, trk_malformed reason) {
  trk_call_dropped(leg, reason);
  /* Unknown events and late audio are no fault of the peer's. */
  if (reason == TRK_MALFORMED_UNKNOWN || reason == TRK_MALFORMED_AUDIO) return;
  if (++leg->malformed <= leg->loop->config.malformed_max) return;
  if (reason == TRK_MALFORMED_BINARY)
    trk_leg_break(leg, 1003, TRK_CLOSE_LIMIT, "too many packets that are not what is on this line");
  else
    trk_leg_break(leg, 1008, TRK_CLOSE_LIMIT, "too many malformed messages");
}

/* What is on the line is known once its first text was understood: audio behind that waits. */
static void take_text(trk_call *call, trk_leg *leg, trk_bytes text) {
  trk_call_push(call, TRK_EVENT_CARRIER_TEXT, leg, 0, text);
  if (!call->line) leg->barrier_round = call->loop->round + 1;
}

void trk_call_on_message(trk_leg *leg, trk_ws_opcode opcode, const uint8_t *bytes, size_t count) {
  trk_call *call = leg->call;
  const bool is_carrier = leg == call->carrier;
  if (is_carrier && call->dialect == TRK_DIALECT_BINARY) {
    if (opcode == TRK_WS_BINARY)
      trk_line_binary(call, bytes, count);
    else
      take_text(call, leg, (trk_bytes){bytes, count});
    return;
  }
  if (opcode == TRK_WS_BINARY) {
    call->loop->stats.malformed[TRK_MALFORMED_BINARY]++;
    call->stats.malformed++;
    trk_leg_break(leg, 1003, TRK_CLOSE_PROTOCOL, "binary where text is spoken");
    return;
  }
  if (!trk_buffer_ensure(call->loop, &call->loop->scratch, count)) return;
  if (is_carrier)
    trk_call_carrier_message(call, bytes, count);
  else
    trk_call_model_message(call, leg, bytes, count);
}

static void close_gate(trk_call *call) {
  if (!call->route) return;
  if (call->route_paused) {
    call->route_paused = false;
    call->route->held = false;
    trk_leg_update_reading(call->route);
  }
  trk_ledger_complete_epoch(&call->ledger, call->epoch);
  trk_call_forget_responses(call);
  call->route = NULL;
}

void trk_call_on_leg_closed(trk_leg *leg) {
  trk_call *call = leg->call;
  leg->call = NULL;
  if (leg == call->carrier) {
    call->carrier = NULL;
    if (call->taps) trk_tap_clear(call, call->loop->now_us);
    trk_wheel_cancel(call->loop, &call->pace);
    trk_wheel_cancel(call->loop, &call->grace);
    trk_wheel_cancel(call->loop, &call->media);
    if (call->line) trk_wheel_cancel(call->loop, &call->line->fill);
    return;
  }
  if (leg == call->route) {
    close_gate(call);
    trk_pacer_run(call); /* What is left of the last item no longer waits for more. */
  }
  for (size_t i = 0; i < TRK_CALL_MODELS_MAX; i++)
    if (call->models[i] == leg) call->models[i] = NULL;
}

void trk_call_on_leg_drained(trk_leg *leg) {
  trk_call *call = leg->call;
  if (leg == call->route)
    trk_call_send_waiting(call);
  else if (leg == call->carrier)
    trk_pacer_run(call);
}

/* Everything queued on this leg was given to the system: audio that stopped at a full queue goes on
 * at once, since no other event may come to move it. */
void trk_call_on_flushed(trk_leg *leg) {
  trk_call *call = leg->call;
  if (leg == call->route) {
    if (ms_of(call, call->waiting.bytes) >= call->loop->config.append_ms)
      trk_call_send_waiting(call);
    return;
  }
  if (leg != call->carrier) return;
  if (call->clear_pending) call->stats.clear_turn = call->loop->turn;
  call->clear_pending = false;
  if (call->playback.bytes > 0 && !call->pace.armed) trk_pacer_run(call);
}

/* ---- Public functions ---- */

trk_status trk_call_open(trk_loop *loop, trk_leg_id carrier, trk_dialect dialect,
                         trk_call_id *out) {
  trk_leg *leg = trk_leg_find(loop, carrier);
  if (!leg) return TRK_ESTALE;
  if (leg->state != TRK_LEG_OPEN || !leg->is_server || leg->call) return TRK_EUNSUPPORTED;
  /* The blocks that audio will need are there before the first frame. */
  if (!trk_pool_reserve(loop, TRK_CALL_BLOCKS_RESERVED)) return TRK_EFULL;
  trk_call *call = trk_alloc(loop, sizeof *call);
  if (!call) return TRK_ENOMEM;
  if (!trk_table_take(&loop->calls, call, &call->id.slot, &call->id.generation)) {
    trk_free(loop, call);
    return TRK_EFULL;
  }
  call->loop = loop;
  call->carrier = leg;
  call->dialect = dialect;
  call->bytes_per_ms = TRK_ULAW_BYTES_PER_MS;
  call->frame_bytes = TRK_ULAW_FRAME_BYTES;
  call->slice_bytes = TRK_SLICE_BYTES_MAX;
  call->lead_ms = loop->config.lead_ms;
  call->next_timestamp_ms = -1;
  call->sequence = -1;
  call->pace.kind = TRK_TIMER_CALL_PACE;
  call->user_timer.kind = TRK_TIMER_CALL_USER;
  call->grace.kind = TRK_TIMER_CALL_GRACE;
  call->media.kind = TRK_TIMER_CALL_MEDIA;
  trk_ledger_init(&call->ledger);
  leg->call = call;
  loop->stats.calls_open++;
  loop->stats.calls_opened++;
  *out = call->id;
  return TRK_OK;
}

trk_status trk_call_add_model(trk_loop *loop, trk_call_id id, trk_leg_id leg_id, uint32_t epoch) {
  trk_call *call = trk_call_find(loop, id);
  trk_leg *leg = trk_leg_find(loop, leg_id);
  if (!call || !leg) return TRK_ESTALE;
  if (leg->call || leg->is_server) return TRK_EUNSUPPORTED;
  for (size_t i = 0; i < TRK_CALL_MODELS_MAX; i++) {
    if (call->models[i]) continue;
    call->models[i] = leg;
    leg->call = call;
    leg->model_epoch = epoch;
    return TRK_OK;
  }
  return TRK_EFULL;
}

trk_status trk_call_route(trk_loop *loop, trk_call_id id, trk_leg_id leg_id) {
  trk_call *call = trk_call_find(loop, id);
  if (!call) return TRK_ESTALE;
  trk_leg *leg = leg_id.generation ? trk_leg_find(loop, leg_id) : NULL;
  if (leg_id.generation && !leg) return TRK_ESTALE;
  if (leg && (leg->call != call || leg == call->carrier)) return TRK_EINVALID;
  if (leg && leg->state != TRK_LEG_OPEN) return TRK_ECLOSING;
  if (leg == call->route) return TRK_OK;
  close_gate(call);
  trk_pacer_run(call); /* What is left of the last item no longer waits for more. */
  call->route = leg;
  if (!leg) return TRK_OK;
  call->epoch = leg->model_epoch;
  trk_call_send_waiting(call);
  return TRK_OK;
}

trk_status trk_call_playback(trk_loop *loop, trk_call_id id, trk_playback_item *items,
                             size_t capacity, size_t *count, uint32_t *queued_ms) {
  const trk_call *call = trk_call_find(loop, id);
  if (!call) return TRK_ESTALE;
  const trk_ledger *ledger = &call->ledger;
  *count = ledger->item_count < capacity ? ledger->item_count : capacity;
  *queued_ms = ms_of(call, call->playback.bytes);
  /* The clock is read anew: a turn may have begun a while ago, and truncation counts the ms. */
  const int64_t now_us = (int64_t)(uv_hrtime() / 1000);
  for (size_t i = 0; i < *count; i++) {
    const trk_ledger_item *from = &ledger->items[i];
    trk_playback_item *to = &items[i];
    memcpy(to->id, from->id, sizeof to->id);
    to->id_count = from->id_count;
    to->content_index = from->content_index;
    to->epoch = from->epoch;
    to->received_ms = ms_of(call, from->received);
    to->sent_ms = ms_of(call, from->sent);
    to->heard_ms = ms_of(call, trk_ledger_item_heard(ledger, from, now_us));
    to->complete = from->complete;
  }
  return TRK_OK;
}

/* Audio of our own comes as mu-law, whatever the line speaks. */
static void append_ulaw(trk_call *call, const uint8_t *codes, size_t count) {
  enum { PIECE = 160 };
  int16_t samples[PIECE * TRK_PCM_PER_ULAW];
  uint8_t alaw[PIECE];
  int16_t last = 0;
  const bool is_alaw = call->line && call->line->config.coding == TRK_CODING_ALAW;
  while (count > 0) {
    const size_t take = count < PIECE ? count : PIECE;
    if (call->bytes_per_ms == TRK_PCM_BYTES_PER_MS) {
      trk_pcm_from_ulaw(samples, codes, take, &last);
      trk_chain_append(call->loop, &call->playback, samples,
                       take * TRK_PCM_PER_ULAW * sizeof *samples);
    } else if (is_alaw) {
      trk_alaw_from_ulaw(alaw, codes, take);
      trk_chain_append(call->loop, &call->playback, alaw, take);
    } else {
      trk_chain_append(call->loop, &call->playback, codes, take);
    }
    codes += take;
    count -= take;
  }
}

trk_status trk_call_play(trk_loop *loop, trk_call_id id, const void *ulaw, size_t count) {
  static const trk_bytes name = {(const uint8_t *)"trunkline", 9};
  trk_call *call = trk_call_find(loop, id);
  if (!call) return TRK_ESTALE;
  if (count == 0 || count > (size_t)TRK_PLAY_MS_MAX * TRK_ULAW_BYTES_PER_MS) return TRK_EINVALID;
  if (call->ledger.item_count > 0 || !call->carrier) return TRK_EFULL;
  const size_t bytes = count * call->bytes_per_ms / TRK_ULAW_BYTES_PER_MS;
  if (!trk_pool_reserve(loop, bytes / TRK_BLOCK_DATA + 2)) return TRK_EFULL;
  const trk_status status = trk_ledger_receive(&call->ledger, name, 0, 0, bytes);
  if (status != TRK_OK) return status;
  append_ulaw(call, ulaw, count);
  trk_ledger_complete(&call->ledger, name);
  trk_pacer_run(call);
  return TRK_OK;
}

/* Whether the caller may still hear of what was sent. Without marks the clock says. */
static bool may_play(const trk_call *call, int64_t now_us) {
  if (call->line && !call->line->config.has_marks)
    return trk_ledger_ahead_us(&call->ledger, now_us) > 0;
  return trk_ledger_unproven(&call->ledger);
}

trk_status trk_call_interrupt(trk_loop *loop, trk_call_id id) {
  trk_call *call = trk_call_find(loop, id);
  if (!call) return TRK_ESTALE;
  trk_call_forget_responses(call);
  const int64_t now_us = (int64_t)(uv_hrtime() / 1000);
  const bool playing = may_play(call, now_us);
  if (playing && call->carrier)
    trk_dialect_send_clear(call);
  else
    trk_dialect_finish(call); /* Who has run dry in mid-answer still waits for its end. */
  const bool anything = playing || call->ledger.item_count > 0;
  if (playing && call->taps) trk_tap_clear(call, now_us);
  trk_chain_clear(loop, &call->playback);
  call->unmarked = 0;
  call->played = false;
  trk_wheel_cancel(loop, &call->pace);
  trk_wheel_cancel(loop, &call->grace);
  if (anything) trk_ledger_interrupt(&call->ledger, now_us);
  if (call->route_paused) trk_pacer_run(call); /* There is room again: the model is read. */
  return TRK_OK;
}

trk_status trk_call_mute_response(trk_loop *loop, trk_call_id id, const void *bytes, size_t count) {
  trk_call *call = trk_call_find(loop, id);
  if (!call) return TRK_ESTALE;
  for (size_t i = 0; i < TRK_RESPONSES_MAX; i++) {
    trk_response_id *response = &call->responses[i];
    if (response->count == count && memcmp(response->bytes, bytes, count) == 0) response->count = 0;
  }
  return TRK_OK;
}

trk_status trk_call_mute_agent(trk_loop *loop, trk_call_id id, bool muted) {
  trk_call *call = trk_call_find(loop, id);
  if (!call) return TRK_ESTALE;
  call->agent_muted = muted;
  return TRK_OK;
}

trk_status trk_call_set_timer(trk_loop *loop, trk_call_id id, int64_t at_us) {
  trk_call *call = trk_call_find(loop, id);
  if (!call) return TRK_ESTALE;
  if (at_us == INT64_MAX)
    trk_wheel_cancel(loop, &call->user_timer);
  else
    trk_wheel_arm(loop, &call->user_timer, (at_us + TRK_US_PER_MS - 1) / TRK_US_PER_MS);
  return TRK_OK;
}

static uint64_t blocks_of(const trk_chain *chain) {
  uint64_t count = 0;
  for (const trk_block *block = chain->head; block; block = block->next) count++;
  return count;
}

uint64_t trk_call_given_ms(trk_loop *loop, trk_call_id id, trk_leg_id leg_id) {
  const trk_call *call = trk_call_find(loop, id);
  const trk_leg *leg = trk_leg_find(loop, leg_id);
  return call && leg && leg->call == call ? ms_of(call, leg->audio_bytes) : 0;
}

trk_status trk_call_get_stats(trk_loop *loop, trk_call_id id, trk_call_stats *out) {
  const trk_call *call = trk_call_find(loop, id);
  if (!call) return TRK_ESTALE;
  *out = call->stats;
  out->waiting_ms = ms_of(call, call->waiting.bytes);
  out->queued_ms = ms_of(call, call->playback.bytes);
  out->blocks = blocks_of(&call->playback) + blocks_of(&call->waiting);
  return TRK_OK;
}

trk_status trk_call_end(trk_loop *loop, trk_call_id id, uint16_t code, const char *reason) {
  trk_call *call = trk_call_find(loop, id);
  if (!call) return TRK_ESTALE;
  if (code != 0 && !trk_ws_close_code_valid(code)) return TRK_EINVALID;
  close_gate(call);
  trk_wheel_cancel(loop, &call->pace);
  trk_wheel_cancel(loop, &call->user_timer);
  trk_wheel_cancel(loop, &call->grace);
  trk_wheel_cancel(loop, &call->media);
  for (size_t i = 0; i < TRK_CALL_MODELS_MAX; i++) {
    trk_leg *leg = call->models[i];
    if (!leg) continue;
    leg->call = NULL;
    trk_leg_close(loop, leg->id, 1000, "");
  }
  if (call->carrier) {
    call->carrier->call = NULL;
    if (code != 0) trk_leg_close(loop, call->carrier->id, code, reason);
  }
  if (call->taps && call->carrier) trk_tap_clear(call, (int64_t)(uv_hrtime() / 1000));
  trk_tap_end_all(call);
  trk_line_close(call);
  trk_chain_clear(loop, &call->playback);
  trk_chain_clear(loop, &call->waiting);
  trk_table_give(&loop->calls, call->id.slot);
  loop->stats.calls_open--;
  trk_free(loop, call);
  return TRK_OK;
}

/* Calls that nobody has ended: their legs are closed by now, their memory is still held. */
void trk_call_end_all(trk_loop *loop) {
  for (uint32_t slot = 0; loop->stats.calls_open > 0 && slot < loop->calls.capacity; slot++) {
    const trk_call *call = loop->calls.entries[slot];
    if (call) trk_call_end(loop, call->id, 0, "");
  }
}
