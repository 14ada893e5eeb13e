/* fuzz_core_check.c - what must hold in the core at all times, whatever the script. */
#include "fuzz_core.h"

#include "listen.h"

#include "trk_json.h"

/* ---- Events ---- */

static known_leg *find(trk_leg_id id) {
  for (size_t i = 0; i < core.leg_count; i++)
    if (core.legs[i].id.slot == id.slot && core.legs[i].id.generation == id.generation)
      return &core.legs[i];
  return NULL;
}

void core_add_leg(trk_leg_id id, bool is_dialled) {
  FUZZ_CHECK(id.generation != 0 && find(id) == NULL);
  if (core.leg_count == CORE_LEGS) return;
  core.legs[core.leg_count++] = (known_leg){.id = id, .is_dialled = is_dialled};
}

static bool is_text(trk_bytes bytes) {
  trk_utf8 utf8 = {0};
  return trk_utf8_feed(&utf8, bytes.data, bytes.count) && trk_utf8_complete(&utf8);
}

/* OPENED before messages, CLOSED once and last. */
static void check_order(const trk_event *event, known_leg *leg) {
  FUZZ_CHECK(!leg->closed);
  switch (event->kind) {
    case TRK_EVENT_LEG_PLAIN:
    case TRK_EVENT_LEG_REQUEST: FUZZ_CHECK(!leg->opened && !leg->is_dialled); return;
    case TRK_EVENT_LEG_OPENED:
      FUZZ_CHECK(!leg->opened && event->is_dialled == leg->is_dialled);
      leg->opened = true;
      return;
    case TRK_EVENT_LEG_CLOSED:
      FUZZ_CHECK(event->is_dialled == leg->is_dialled);
      FUZZ_CHECK(event->b >= TRK_CLOSE_LOCAL && event->b <= TRK_CLOSE_LIMIT);
      leg->closed = true;
      return;
    case TRK_EVENT_LEG_TIMER: return;
    default: FUZZ_CHECK(leg->opened); return;
  }
}

void core_check_event(const trk_event *event) {
  FUZZ_CHECK(event->kind >= TRK_EVENT_LEG_REQUEST && event->kind <= TRK_EVENT_CARRIER_TEXT);
  FUZZ_CHECK(event->turn <= trk_loop_turn(core.loop));
  FUZZ_CHECK(event->time_us <= trk_loop_now_us(core.loop));
  free(fuzz_copy(event->bytes.data, event->bytes.count)); /* All of it can be read. */
  if (event->kind == TRK_EVENT_LEG_REQUEST || event->kind == TRK_EVENT_LEG_PLAIN)
    core_add_leg(event->leg, false);
  core.plain_requests += event->kind == TRK_EVENT_LEG_PLAIN;
  known_leg *const leg = event->leg.generation != 0 ? find(event->leg) : NULL;
  if (leg != NULL) check_order(event, leg);
  if (fake.refused) return; /* An event without its bytes is better than none. */
  switch (event->kind) {
    case TRK_EVENT_LEG_TEXT: FUZZ_CHECK(is_text(event->bytes)); return;
    case TRK_EVENT_CARRIER_START:
    case TRK_EVENT_MODEL_EVENT:
      FUZZ_CHECK(trk_json_scan(event->bytes.data, event->bytes.count, NULL, 0, NULL) == TRK_OK);
      return;
    case TRK_EVENT_CARRIER_DTMF: FUZZ_CHECK(event->bytes.count == 1); return;
    case TRK_EVENT_ITEM_STARTED:
    case TRK_EVENT_ITEM_FINISHED:
    case TRK_EVENT_FIRST_AUDIO: FUZZ_CHECK(event->bytes.count > 0); return;
    default: return;
  }
}

/* ---- Memory and counters ---- */

/* The blocks of a chain; its count of bytes is theirs. */
static uint64_t blocks_of(const trk_chain *chain) {
  uint64_t blocks = 0;
  size_t bytes = 0;
  const trk_block *last = NULL;
  for (const trk_block *block = chain->head; block != NULL; block = block->next) {
    FUZZ_CHECK(block->start <= block->end && block->end <= TRK_BLOCK_DATA);
    bytes += block->end - block->start;
    blocks++;
    last = block;
  }
  FUZZ_CHECK(bytes == chain->bytes && last == chain->tail);
  return blocks;
}

static uint64_t check_leg(const trk_leg *leg) {
  /* Heads, pongs and close frames come on top of what is limited. */
  FUZZ_CHECK(trk_leg_pending_bytes(leg) <= core.config.queue_bytes_max + 8192);
  FUZZ_CHECK(leg->writing || leg->flight.bytes == 0);
  FUZZ_CHECK(leg->message.count <= core.config.client_message_max);
  FUZZ_CHECK(leg->pong_bytes <= core.config.pong_bytes_max);
  return blocks_of(&leg->out) + blocks_of(&leg->cipher) + blocks_of(&leg->flight);
}

static uint64_t check_call(const trk_call *call) {
  const trk_ledger *const ledger = &call->ledger;
  uint64_t queued = 0;
  for (uint32_t i = 0; i < ledger->item_count; i++) {
    FUZZ_CHECK(ledger->items[i].sent <= ledger->items[i].received);
    queued += ledger->items[i].received - ledger->items[i].sent;
  }
  /* What is in the ledger is in the queue, byte for byte. */
  FUZZ_CHECK(queued == call->playback.bytes);
  FUZZ_CHECK(call->waiting.bytes <= (size_t)core.config.waiting_ms_max * call->bytes_per_ms);
  /* The phone never has more than the lead, padding included. */
  FUZZ_CHECK(core.config.lead_ms == 0 || call->stats.ahead_ms_high <= core.config.lead_ms);
  FUZZ_CHECK(call->carrier == NULL || call->carrier->call == call);
  FUZZ_CHECK(call->route == NULL || call->route->call == call);
  for (size_t i = 0; i < TRK_CALL_MODELS_MAX; i++)
    FUZZ_CHECK(call->models[i] == NULL || call->models[i]->call == call);
  return blocks_of(&call->playback) + blocks_of(&call->waiting);
}

/* The wheel's lists hold what it counts, and its bits tell every filled one. */
static void check_wheel(const trk_wheel *wheel) {
  size_t armed = 0;
  for (size_t word = 0; word < TRK_WHEEL_SLOTS / 64; word++) {
    for (uint64_t rest = wheel->filled[word]; rest != 0; rest &= rest - 1) {
      const trk_timer *const head = &wheel->slots[word * 64 + (size_t)__builtin_ctzll(rest)];
      for (const trk_timer *timer = head->next; timer != head; timer = timer->next) {
        FUZZ_CHECK(timer->armed && timer->next->previous == timer);
        armed++;
      }
    }
  }
  FUZZ_CHECK(armed == wheel->armed);
}

/* Every connection without a head is counted at its address, and nothing else is. */
static void check_addresses(const trk_loop *loop) {
  uint64_t heads = 0, legs = 0;
  for (size_t i = 0; i < TRK_ADDRESS_SLOTS; i++) {
    for (const trk_address *address = loop->addresses[i]; address; address = address->next) {
      FUZZ_CHECK(address->heads > 0 && address->heads <= core.config.heads_per_address_max);
      heads += address->heads;
    }
  }
  for (uint32_t slot = 0; slot < loop->legs.capacity; slot++) {
    const trk_leg *const leg = loop->legs.entries[slot];
    legs += leg != NULL && leg->address != NULL;
  }
  FUZZ_CHECK(heads == legs);
}

void core_check_loop(void) {
  const trk_loop *const loop = core.loop;
  uint64_t blocks = 0, legs = 0, dead = 0, calls = 0;
  for (uint32_t slot = 0; slot < loop->legs.capacity; slot++) {
    if (loop->legs.entries[slot] == NULL) continue;
    legs++;
    blocks += check_leg(loop->legs.entries[slot]);
  }
  for (const trk_leg *leg = loop->dead; leg != NULL; leg = leg->next_dead) {
    blocks += check_leg(leg);
    dead++;
  }
  for (uint32_t slot = 0; slot < loop->calls.capacity; slot++) {
    if (loop->calls.entries[slot] == NULL) continue;
    calls++;
    blocks += check_call(loop->calls.entries[slot]);
  }
  const trk_loop_stats *const stats = &loop->stats;
  FUZZ_CHECK(stats->pool_blocks_in_use == blocks && stats->pool_blocks_high >= blocks);
  FUZZ_CHECK(loop->pool.free_count + blocks == stats->pool_blocks_total);
  FUZZ_CHECK(stats->pool_blocks_total * sizeof(trk_block) <= core.config.pool_bytes_max);
  FUZZ_CHECK(stats->legs_open == legs && loop->leg_count == legs);
  /* A dead leg keeps its slot until its last event has been heard. */
  FUZZ_CHECK(loop->legs.free_count + legs + dead == core.config.legs_max);
  FUZZ_CHECK(stats->calls_open == calls && stats->calls_opened >= calls);
  FUZZ_CHECK(loop->calls.free_count + calls == core.config.calls_max);
  FUZZ_CHECK(stats->allocations >= stats->frees);
  FUZZ_CHECK(stats->legs_accepted + stats->legs_dialled + stats->adopted >= legs);
  /* Nothing is given away that was not asked for, nor twice. */
  FUZZ_CHECK(stats->handed_over == core.handed_over && core.handed_over <= core.plain_requests);
  FUZZ_CHECK(stats->adopted == core.adopted);
  FUZZ_CHECK(stats->marks_in <= stats->marks_out);
  check_addresses(loop);
  check_wheel(&loop->wheel);
}

void core_check_end(void) {
  const trk_loop *const loop = core.loop;
  for (size_t i = 0; i < core.leg_count; i++) FUZZ_CHECK(core.legs[i].closed);
  FUZZ_CHECK(loop->stats.legs_open == 0 && loop->stats.calls_open == 0);
  FUZZ_CHECK(loop->stats.pool_blocks_in_use == 0 && loop->dial_count == 0);
  FUZZ_CHECK(loop->wheel.armed == 0);
  for (size_t i = 0; i < FAKE_SOCKETS; i++) FUZZ_CHECK(fake.sockets[i].tcp == NULL);
  core_forget_pending();
}

/* ---- What the core wrote ---- */

/* Frames of one connection as a strict peer reads them. */
static void check_frames(uint8_t *bytes, size_t count, bool masked) {
  trk_ws_reader reader;
  trk_ws_reader_init(&reader, masked, (trk_ws_limits){FAKE_INBOX, 1});
  bool closed = false;
  for (size_t at = 0; at < count;) {
    size_t used = 0;
    const trk_ws_result result = trk_ws_read(&reader, bytes + at, count - at, &used);
    at += used;
    FUZZ_CHECK(result.kind != TRK_WS_ERROR && !closed);
    closed = result.kind == TRK_WS_CONTROL && result.opcode == TRK_WS_CLOSE;
    if (result.kind == TRK_WS_CHUNK && result.first && result.last && result.opcode == TRK_WS_TEXT)
      FUZZ_CHECK(trk_json_scan(result.bytes.data, result.bytes.count, NULL, 0, NULL) == TRK_OK);
  }
}

void fake_forget(const fake_socket *socket) {
  uint8_t *const bytes = socket->inbox;
  size_t from = 0;
  if (bytes == NULL || socket->inbox_count < 12) return;
  const trk_http_limits limits = {.head_max = FAKE_INBOX, .line_max = FAKE_INBOX};
  const int32_t end = trk_http_head_end(bytes, socket->inbox_count, &from, limits);
  FUZZ_CHECK(end >= 0);
  if (end == 0) return;
  static trk_http_head head;
  const bool is_client = memcmp(bytes, "GET ", 4) == 0;
  if (is_client)
    FUZZ_CHECK(trk_http_parse_request(&head, bytes, (size_t)end, limits) == 0);
  else
    FUZZ_CHECK(trk_http_parse_response(&head, bytes, (size_t)end, limits) == 0);
  if (is_client || head.status == 101)
    check_frames(bytes + end, socket->inbox_count - (size_t)end, is_client);
}
