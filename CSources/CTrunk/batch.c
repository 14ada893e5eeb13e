/* batch.c - events of one round, with copies of the messages that they speak of. */
#include "internal.h"

enum {
  CHUNK_BYTES = 32768, /* An ordinary piece of a batch's memory. */
  /* Reserved: one echo can finish every item of the ledger; timers and playback come on top. */
  EVENTS_PER_CALL = TRK_LEDGER_ITEMS_MAX + 8,
  EVENTS_PER_LEG = 2, /* Reserved: LEG_OPENED and LEG_CLOSED always fit. */
};

static size_t capacity_of(const trk_loop *loop) {
  const trk_loop_config *config = &loop->config;
  return (size_t)config->events_max + (size_t)EVENTS_PER_LEG * config->legs_max +
         (size_t)EVENTS_PER_CALL * config->calls_max;
}

static trk_arena_chunk *add_chunk(trk_loop *loop, trk_batch *batch, size_t needed) {
  const size_t capacity = needed > CHUNK_BYTES ? needed : CHUNK_BYTES;
  trk_arena_chunk *chunk = trk_alloc(loop, sizeof *chunk + capacity);
  if (!chunk) return NULL;
  chunk->capacity = capacity;
  chunk->next = batch->chunks;
  batch->chunks = chunk;
  return chunk;
}

bool trk_batch_init(trk_loop *loop, trk_batch *batch) {
  *batch = (trk_batch){0};
  batch->events = trk_alloc(loop, capacity_of(loop) * sizeof *batch->events);
  return batch->events && add_chunk(loop, batch, 0);
}

void trk_batch_release(trk_loop *loop, trk_batch *batch) {
  trk_batch_clear(loop, batch);
  trk_free(loop, batch->chunks);
  trk_free(loop, batch->events);
  *batch = (trk_batch){0};
}

void trk_batch_clear(trk_loop *loop, trk_batch *batch) {
  /* One ordinary chunk stays for the next round; the rest of a busy round goes back. */
  trk_arena_chunk *keep = NULL;
  while (batch->chunks) {
    trk_arena_chunk *next = batch->chunks->next;
    if (!keep && batch->chunks->capacity == CHUNK_BYTES)
      keep = batch->chunks;
    else
      trk_free(loop, batch->chunks);
    batch->chunks = next;
  }
  if (keep) {
    keep->count = 0;
    keep->next = NULL;
    batch->chunks = keep;
  }
  batch->count = 0;
  batch->bytes = 0;
}

bool trk_batch_has_room(const trk_loop *loop) {
  const trk_batch *batch = &loop->batches[loop->batch_filling];
  return batch->count < loop->config.events_max && batch->bytes < loop->config.batch_bytes_max;
}

static const uint8_t *copy_bytes(trk_loop *loop, trk_batch *batch, trk_bytes bytes) {
  trk_arena_chunk *chunk = batch->chunks;
  if (!chunk || chunk->capacity - chunk->count < bytes.count)
    chunk = add_chunk(loop, batch, bytes.count);
  if (!chunk) return NULL;
  uint8_t *to = chunk->data + chunk->count;
  memcpy(to, bytes.data, bytes.count);
  chunk->count += bytes.count;
  batch->bytes += bytes.count;
  return to;
}

void trk_batch_push(trk_loop *loop, trk_event event) {
  trk_batch *batch = &loop->batches[loop->batch_filling];
  TRK_ASSERT(batch->count < capacity_of(loop));
  if (batch->count == capacity_of(loop)) {
    loop->stats.events_lost++;
    return;
  }
  if (event.bytes.count > 0) {
    event.bytes.data = copy_bytes(loop, batch, event.bytes);
    if (!event.bytes.data) event.bytes.count = 0;
  }
  event.turn = loop->turn;
  event.time_us = loop->now_us;
  batch->events[batch->count++] = event;
}
