/* memory.c - counted allocation, the block pool, chains of blocks, and growing buffers. */
#include "internal.h"

#ifdef DEBUG
#include <stdio.h>

void trk_assertion_failed(const char *file, int line, const char *condition) {
  fprintf(stderr, "trunkline: %s:%d: does not hold: %s\n", file, line, condition);
  abort();
}
#endif

void *trk_alloc(trk_loop *loop, size_t size) {
  void *pointer = calloc(1, size);
  if (pointer) loop->stats.allocations++;
  return pointer;
}

void trk_free(trk_loop *loop, void *pointer) {
  if (!pointer) return;
  loop->stats.frees++;
  free(pointer);
}

/* ---- Pool ---- */

static bool add_slab(trk_loop *loop) {
  trk_pool *pool = &loop->pool;
  const size_t slab_bytes = (size_t)TRK_SLAB_BLOCKS * sizeof(trk_block);
  if ((pool->slab_count + 1) * slab_bytes > loop->config.pool_bytes_max) return false;
  if (pool->slab_count == pool->slab_capacity) {
    const size_t capacity = pool->slab_capacity ? pool->slab_capacity * 2 : 16;
    void **slabs = trk_alloc(loop, capacity * sizeof *slabs);
    if (!slabs) return false;
    if (pool->slabs) memcpy(slabs, pool->slabs, pool->slab_count * sizeof *slabs);
    trk_free(loop, pool->slabs);
    pool->slabs = slabs;
    pool->slab_capacity = capacity;
  }
  trk_block *blocks = trk_alloc(loop, slab_bytes);
  if (!blocks) return false;
  pool->slabs[pool->slab_count++] = blocks;
  for (size_t i = 0; i < TRK_SLAB_BLOCKS; i++) {
    blocks[i].next = pool->free;
    pool->free = &blocks[i];
  }
  pool->free_count += TRK_SLAB_BLOCKS;
  loop->stats.pool_blocks_total += TRK_SLAB_BLOCKS;
  return true;
}

bool trk_pool_reserve(trk_loop *loop, size_t blocks) {
  while (loop->pool.free_count < blocks)
    if (!add_slab(loop)) return false;
  return true;
}

void trk_pool_reset(trk_loop *loop) {
  for (size_t i = 0; i < loop->pool.slab_count; i++) trk_free(loop, loop->pool.slabs[i]);
  trk_free(loop, loop->pool.slabs);
  loop->pool = (trk_pool){0};
}

static trk_block *take_block(trk_loop *loop) {
  if (!trk_pool_reserve(loop, 1)) {
    loop->stats.pool_refusals++;
    return NULL;
  }
  trk_block *block = loop->pool.free;
  loop->pool.free = block->next;
  loop->pool.free_count--;
  block->next = NULL;
  block->start = block->end = 0;
  const uint64_t used = ++loop->stats.pool_blocks_in_use;
  if (used > loop->stats.pool_blocks_high) loop->stats.pool_blocks_high = used;
  return block;
}

static void give_block(trk_loop *loop, trk_block *block) {
  block->next = loop->pool.free;
  loop->pool.free = block;
  loop->pool.free_count++;
  loop->stats.pool_blocks_in_use--;
}

/* ---- Chains ---- */

uint8_t *trk_chain_reserve(trk_loop *loop, trk_chain *chain, size_t count) {
  TRK_ASSERT(count <= TRK_BLOCK_DATA);
  trk_block *tail = chain->tail;
  if (!tail || TRK_BLOCK_DATA - tail->end < count) {
    tail = take_block(loop);
    if (!tail) return NULL;
    if (chain->tail)
      chain->tail->next = tail;
    else
      chain->head = tail;
    chain->tail = tail;
  }
  return tail->data + tail->end;
}

void trk_chain_commit(trk_chain *chain, size_t count) {
  TRK_ASSERT(chain->tail->end + count <= TRK_BLOCK_DATA);
  chain->tail->end += (uint32_t)count;
  chain->bytes += count;
}

bool trk_chain_append(trk_loop *loop, trk_chain *chain, const void *bytes, size_t count) {
  const uint8_t *from = bytes;
  while (count > 0) {
    uint8_t *to = trk_chain_reserve(loop, chain, 1);
    if (!to) return false;
    const size_t room = TRK_BLOCK_DATA - chain->tail->end;
    const size_t take = count < room ? count : room;
    memcpy(to, from, take);
    trk_chain_commit(chain, take);
    from += take;
    count -= take;
  }
  return true;
}

void trk_chain_consume(trk_loop *loop, trk_chain *chain, size_t count) {
  TRK_ASSERT(count <= chain->bytes);
  chain->bytes -= count;
  while (chain->head) {
    trk_block *block = chain->head;
    const size_t used = block->end - block->start;
    const size_t take = count < used ? count : used;
    block->start += (uint32_t)take;
    count -= take;
    if (block->start < block->end) return;
    chain->head = block->next;
    if (!chain->head) chain->tail = NULL;
    give_block(loop, block);
  }
}

void trk_chain_clear(trk_loop *loop, trk_chain *chain) {
  while (chain->head) {
    trk_block *next = chain->head->next;
    give_block(loop, chain->head);
    chain->head = next;
  }
  *chain = (trk_chain){0};
}

/* ---- Buffers ---- */

static size_t class_of(size_t capacity) {
  size_t index = 0;
  while (((size_t)TRK_BUFFER_SMALLEST << index) < capacity) index++;
  return index;
}

static void *take_buffer(trk_loop *loop, size_t index) {
  void *cached = loop->buffer_cache[index];
  if (!cached) return trk_alloc(loop, (size_t)TRK_BUFFER_SMALLEST << index);
  memcpy(&loop->buffer_cache[index], cached, sizeof(void *));
  loop->buffer_cached -= (size_t)TRK_BUFFER_SMALLEST << index;
  return cached;
}

static void give_buffer(trk_loop *loop, void *data, size_t capacity) {
  const size_t index = class_of(capacity);
  if (loop->buffer_cached + capacity > TRK_BUFFER_CACHE_MAX) {
    trk_free(loop, data);
    return;
  }
  memcpy(data, &loop->buffer_cache[index], sizeof(void *));
  loop->buffer_cache[index] = data;
  loop->buffer_cached += capacity;
}

bool trk_buffer_ensure(trk_loop *loop, trk_buffer *buffer, size_t capacity) {
  if (capacity <= buffer->capacity) return true;
  const size_t index = class_of(capacity);
  if (index >= TRK_BUFFER_CLASSES) return false;
  uint8_t *data = take_buffer(loop, index);
  if (!data) return false;
  if (buffer->count > 0) memcpy(data, buffer->data, buffer->count);
  if (buffer->data) give_buffer(loop, buffer->data, buffer->capacity);
  buffer->data = data;
  buffer->capacity = (size_t)TRK_BUFFER_SMALLEST << index;
  return true;
}

bool trk_buffer_append(trk_loop *loop, trk_buffer *buffer, const void *bytes, size_t count) {
  if (count == 0) return true;
  if (!trk_buffer_ensure(loop, buffer, buffer->count + count)) return false;
  memcpy(buffer->data + buffer->count, bytes, count);
  buffer->count += count;
  return true;
}

void trk_buffer_release(trk_loop *loop, trk_buffer *buffer) {
  if (buffer->data) give_buffer(loop, buffer->data, buffer->capacity);
  *buffer = (trk_buffer){0};
}

void trk_buffer_drop_cache(trk_loop *loop) {
  for (size_t i = 0; i < TRK_BUFFER_CLASSES; i++) {
    while (loop->buffer_cache[i]) {
      void *data = loop->buffer_cache[i];
      memcpy(&loop->buffer_cache[i], data, sizeof(void *));
      trk_free(loop, data);
    }
  }
  loop->buffer_cached = 0;
}
