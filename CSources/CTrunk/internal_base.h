/* internal_base.h - what every file of the core needs: limits, memory, timers, batches, ids. */
#ifndef TRK_INTERNAL_BASE_H
#define TRK_INTERNAL_BASE_H
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "trk.h"
#include "trk_http_head.h"
#include "trk_ledger.h"
#include "trk_opus.h"
#include "trk_pcm.h"
#include "trk_realtime.h"
#include "trk_reorder.h"
#include "trk_twilio.h"
#include "trk_ulaw.h"
#include "trk_ws.h"

/* Programmer errors: loud in debug, no code in release. assert() would stay on in both. */
#ifdef DEBUG
#define TRK_ASSERT(condition)                                                                      \
  do {                                                                                             \
    if (!(condition)) trk_assertion_failed(__FILE__, __LINE__, #condition);                        \
  } while (0)
_Noreturn void trk_assertion_failed(const char *file, int line, const char *condition);
#else
#define TRK_ASSERT(condition) ((void)0)
#endif

#define TRK_OWNER_OF(pointer, type, member)                                                        \
  ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

enum {
  TRK_US_PER_MS = 1000,
  TRK_RECEIVE_BYTES = 65536,      /* The loop's one receive buffer. */
  TRK_SLAB_BLOCKS = 64,           /* Blocks that the pool takes from the system at a time. */
  TRK_CALL_BLOCKS_RESERVED = 4,   /* Free blocks that must exist when a call opens. */
  TRK_WRITE_VECTORS_MAX = 16,     /* Blocks in one write. */
  TRK_CIPHER_BYTES_MAX = 65536,   /* Encrypted bytes of one leg not taken by the system yet. */
  TRK_ACCEPTS_PER_TURN = 64,      /* Connections that one listener takes in one turn. */
  TRK_ADDRESS_SLOTS = 1024,       /* Heads of lists of addresses. */
  TRK_DIGITS_WINDOW_MS = 1000,    /* For digits_per_s_max. */
  TRK_MEDIA_CHARGE_MIN_MS = 10,   /* Least audio that a media message counts for: it has a cost. */
  TRK_PACER_CALLS_PER_TURN = 64,  /* Timed pacer runs in one turn; the rest wait for the next. */
  TRK_PACER_OPUS_COST = 8,        /* Of those, what a call counts for that is encoded. */
  TRK_PACER_GRID_MS = 5,          /* Pacer wake-ups fall on this grid, so that they share turns. */
  TRK_LINGER_MS = 1000,           /* For the peer's end of the connection after ours. */
  TRK_MODEL_PENDING_MAX = 32768,  /* Outbound bytes of a model leg before caller audio waits. */
  TRK_CARRIER_PENDING_MAX = 8192, /* Outbound bytes of a carrier leg before model audio waits. */
  TRK_APPEND_BYTES_MAX =
      2880,                   /* In one append that is encoded here: 360 ms of mu-law, 60 of PCM. */
  TRK_SLICE_BYTES_MAX = 1600, /* Mu-law bytes in one media message to the caller: 200 ms. */
  TRK_OPUS_FREE_MAX = 64,     /* Opus states that a loop keeps for calls to come. */
  TRK_RESPONSES_MAX = 4,      /* Responses of a model whose audio may play. */
  TRK_PING_WINDOW_MS = 10000, /* For pings_max. */
  TRK_TLS_CONTEXTS_MAX = 4,   /* CA files in use by one loop. */
  TRK_SESSION_KEY_MAX = TRK_HOST_MAX + 40,
  TRK_TLS_SESSIONS_MAX = 8, /* Hosts whose TLS session is kept for resumption. */
};

/* ---- Memory (memory.c) ---- */

typedef struct trk_block {
  struct trk_block *next;
  uint32_t start; /* First used byte. */
  uint32_t end;   /* One past the last used byte. */
  uint8_t data[TRK_POOL_BLOCK_BYTES - sizeof(void *) - 2 * sizeof(uint32_t)];
} trk_block;

enum { TRK_BLOCK_DATA = TRK_POOL_BLOCK_BYTES - sizeof(void *) - 2 * sizeof(uint32_t) };

/* A queue of bytes in pool blocks. */
typedef struct trk_chain {
  trk_block *head;
  trk_block *tail;
  size_t bytes;
} trk_chain;

typedef struct trk_pool {
  trk_block *free;
  void **slabs;
  size_t slab_count;
  size_t slab_capacity;
  size_t free_count;
} trk_pool;

/* A growing contiguous buffer for what can not be read in place. Sizes are powers of two and are
 * cached by the loop, so that a busy loop reuses them. */
typedef struct trk_buffer {
  uint8_t *data;
  size_t count;
  size_t capacity;
} trk_buffer;

enum { TRK_BUFFER_CLASSES = 13, TRK_BUFFER_SMALLEST = 4096, TRK_BUFFER_CACHE_MAX = 4 << 20 };

void *trk_alloc(trk_loop *loop, size_t size); /* Zeroed. */
void trk_free(trk_loop *loop, void *pointer);

bool trk_pool_reserve(trk_loop *loop, size_t blocks);
void trk_pool_reset(trk_loop *loop);

/* `count` contiguous writable bytes at the end of the chain, or NULL when the pool is empty. */
uint8_t *trk_chain_reserve(trk_loop *loop, trk_chain *chain, size_t count);
void trk_chain_commit(trk_chain *chain, size_t count);
bool trk_chain_append(trk_loop *loop, trk_chain *chain, const void *bytes, size_t count);
void trk_chain_consume(trk_loop *loop, trk_chain *chain, size_t count);
void trk_chain_clear(trk_loop *loop, trk_chain *chain);

bool trk_buffer_append(trk_loop *loop, trk_buffer *buffer, const void *bytes, size_t count);
bool trk_buffer_ensure(trk_loop *loop, trk_buffer *buffer, size_t capacity);
void trk_buffer_release(trk_loop *loop, trk_buffer *buffer);
void trk_buffer_drop_cache(trk_loop *loop);

/* ---- Timers (wheel.c): one system timer for all legs and calls ---- */

enum { TRK_WHEEL_SLOTS = 4096 }; /* Of 1 ms; later timers go round again. */

typedef enum trk_timer_kind {
  TRK_TIMER_LEG_DEADLINE,
  TRK_TIMER_LEG_USER,
  TRK_TIMER_CALL_PACE,
  TRK_TIMER_CALL_USER,
  TRK_TIMER_CALL_GRACE,
  TRK_TIMER_CALL_MEDIA,
  TRK_TIMER_CALL_FILL,
  TRK_TIMER_DIAL,
  TRK_TIMER_LISTEN,
} trk_timer_kind;

typedef struct trk_timer {
  struct trk_timer *next;
  struct trk_timer *previous;
  int64_t due_ms;
  trk_timer_kind kind;
  bool armed;
} trk_timer;

typedef struct trk_wheel {
  trk_timer slots[TRK_WHEEL_SLOTS]; /* List heads. */
  uint64_t filled[TRK_WHEEL_SLOTS / 64];
  int64_t now_ms; /* All slots up to here have been visited. */
  size_t armed;
  uint32_t told;        /* Timers of the callee that fired in this advance. */
  int64_t scheduled_ms; /* What the system timer is set to; -1: not set. */
} trk_wheel;

void trk_wheel_init(trk_wheel *wheel, int64_t now_ms);
void trk_wheel_arm(trk_loop *loop, trk_timer *timer, int64_t due_ms);
void trk_wheel_cancel(trk_loop *loop, trk_timer *timer);
void trk_wheel_advance(trk_loop *loop);
void trk_wheel_schedule(trk_loop *loop);

/* ---- Batches of events (batch.c) ---- */

typedef struct trk_arena_chunk {
  struct trk_arena_chunk *next;
  size_t capacity;
  size_t count;
  _Alignas(16) uint8_t data[];
} trk_arena_chunk;

typedef struct trk_batch {
  trk_event *events;
  size_t count;
  size_t bytes;
  trk_arena_chunk *chunks; /* The newest first. */
} trk_batch;

bool trk_batch_init(trk_loop *loop, trk_batch *batch);
void trk_batch_release(trk_loop *loop, trk_batch *batch);
void trk_batch_clear(trk_loop *loop, trk_batch *batch);

/* Whether an ordinary event with a message still fits in this round. */
bool trk_batch_has_room(const trk_loop *loop);

/* Appends an event; `bytes` are copied into the batch. */
void trk_batch_push(trk_loop *loop, trk_event event);

/* ---- Ids (table.c) ---- */

typedef struct trk_table {
  void **entries;
  uint32_t *generations;
  uint32_t *free_slots;
  uint32_t capacity;
  uint32_t free_count;
} trk_table;

bool trk_table_init(trk_loop *loop, trk_table *table, uint32_t capacity);
void trk_table_release(trk_loop *loop, trk_table *table);
bool trk_table_take(trk_table *table, void *entry, uint32_t *slot, uint32_t *generation);
/* The id is stale from now on; the slot is not given out again before trk_table_give. */
void trk_table_hide(trk_table *table, uint32_t slot);
void trk_table_give(trk_table *table, uint32_t slot);
void *trk_table_find(const trk_table *table, uint32_t slot, uint32_t generation);

#endif
