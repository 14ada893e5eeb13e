/* call_model.c - what comes from the model: audio stays here, the rest becomes events. */
#include "internal.h"

#include "trk_base64.h"

static trk_response_id *find_response(trk_call *call, trk_bytes id) {
  for (size_t i = 0; i < TRK_RESPONSES_MAX; i++) {
    trk_response_id *response = &call->responses[i];
    if (response->count == id.count && id.count > 0 &&
        memcmp(response->bytes, id.data, id.count) == 0)
      return response;
  }
  return NULL;
}

/* A response may play from `response.created` to `response.done`; the oldest gives way. */
static void add_response(trk_call *call, trk_bytes id) {
  if (id.count == 0 || find_response(call, id)) return;
  trk_response_id *response = &call->responses[call->response_next++ % TRK_RESPONSES_MAX];
  memcpy(response->bytes, id.data, id.count);
  response->count = (uint32_t)id.count;
}

void trk_call_forget_responses(trk_call *call) {
  memset(call->responses, 0, sizeof call->responses);
}

static void late(trk_call *call) {
  call->loop->stats.deltas_late++;
  call->loop->stats.malformed[TRK_MALFORMED_AUDIO]++;
  call->stats.deltas_late++;
}

static void pause_when_full(trk_call *call) {
  const size_t limit = (size_t)call->loop->config.playback_ms_max * call->bytes_per_ms;
  if (call->playback.bytes < limit || call->route_paused) return;
  call->route_paused = true;
  call->route->held = true;
  call->loop->stats.model_pauses++;
  trk_leg_update_reading(call->route);
}

/* Audio plays only when its response lives and its leg has the call. */
static void take_delta(trk_call *call, trk_leg *leg, const trk_rt_event *event) {
  if (leg != call->route || call->agent_muted || !call->carrier ||
      !find_response(call, event->response_id)) {
    late(call);
    return;
  }
  const ptrdiff_t count = trk_base64_check((const char *)event->delta.data, event->delta.count);
  const bool is_half = count > 0 && call->bytes_per_ms == TRK_PCM_BYTES_PER_MS && count % 2 != 0;
  if (count < 0 || is_half) { /* Half a sample would turn all that follow into noise. */
    trk_call_malformed(leg, TRK_MALFORMED_BASE64);
    return;
  }
  if (count == 0) return;
  const uint32_t known = call->ledger.item_count;
  const int32_t index = event->content_index < 0 ? 0 : (int32_t)event->content_index;
  /* Room first: what is in the ledger must be in the queue as well, byte for byte. */
  const size_t blocks = (size_t)count / (TRK_BLOCK_DATA - 2) + 2;
  if (!trk_pool_reserve(call->loop, blocks)) {
    call->loop->stats.playback_refused++;
    return;
  }
  const trk_status status =
      trk_ledger_receive(&call->ledger, event->item_id, index, leg->model_epoch, (uint64_t)count);
  if (status == TRK_EFULL) call->loop->stats.playback_refused++;
  if (status == TRK_EINVALID) late(call);
  if (status != TRK_OK) return;
  trk_call_decode(call->loop, &call->playback, event->delta);
  call->loop->stats.deltas_in++;
  call->stats.deltas_in++;
  if (call->ledger.item_count != known)
    trk_call_push(call, TRK_EVENT_FIRST_AUDIO, leg, 0, event->item_id);
  pause_when_full(call);
  trk_pacer_run(call);
}

void trk_loop_tell_audio(trk_loop *loop, bool tells) {
  loop->tells_audio = tells;
}

/* What the core itself has to know about the events that it hands on. */
static void follow(trk_call *call, trk_leg *leg, const trk_rt_event *event) {
  if (leg != call->route) return;
  switch (event->kind) {
    case TRK_RT_RESPONSE_CREATED: add_response(call, event->response_id); return;
    case TRK_RT_SPEECH_STARTED:
      /* The policy's answer to this (an interruption) must not meet the next response, which may
       * stand in the same read: what follows is read after the batch. */
      leg->barrier_round = call->loop->round + 1;
      return;
    case TRK_RT_AUDIO_DONE:
      trk_ledger_complete(&call->ledger, event->item_id);
      trk_pacer_run(call);
      return;
    case TRK_RT_RESPONSE_DONE: {
      trk_response_id *response = find_response(call, event->response_id);
      if (response) response->count = 0;
      trk_ledger_complete_epoch(&call->ledger, leg->model_epoch);
      trk_pacer_run(call);
      return;
    }
    default: return;
  }
}

void trk_call_model_message(trk_call *call, trk_leg *leg, const uint8_t *bytes, size_t count) {
  trk_rt_event event;
  if (trk_rt_scan(&event, bytes, count, call->loop->scratch.data) != TRK_OK) {
    trk_call_malformed(leg, TRK_MALFORMED_JSON);
    return;
  }
  if (event.kind == TRK_RT_AUDIO_DELTA) {
    if (call->loop->tells_audio && trk_batch_has_room(call->loop))
      trk_call_push(call, TRK_EVENT_MODEL_AUDIO, leg, 0, (trk_bytes){bytes, count});
    take_delta(call, leg, &event);
    return;
  }
  /* First the event, then what follows from it (an item that finishes). */
  trk_call_push(call, TRK_EVENT_MODEL_EVENT, leg, (int32_t)event.kind, (trk_bytes){bytes, count});
  follow(call, leg, &event);
}
