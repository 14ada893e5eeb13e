/* tls_memory.c - the memory of OpenSSL: counted by thread, and none taken for a record.
 *
 * With SSL_MODE_RELEASE_BUFFERS a connection keeps no record buffers (21 KiB) between two records,
 * but takes and gives them for each, and each record that is written takes and gives a few packet
 * parts of 40 bytes. Each thread therefore keeps some blocks of both kinds: they serve all its
 * connections, and no record allocates. */
#include "internal.h"

#include <openssl/crypto.h>

enum {
  PART_BYTES = 40,          /* A packet part (WPACKET_SUB). */
  RECORD_BYTES_MIN = 4096,  /* Record buffers are at least so large. */
  RECORD_BYTES_MAX = 32768, /* And at most. */
  PARTS_KEPT_MAX = 16,      /* For each thread. */
  RECORDS_KEPT_MAX = 8,
};

/* Before each block: its size, and the link while it is kept. 16 bytes keep the alignment. */
typedef struct tls_block {
  size_t size;
  struct tls_block *next;
} tls_block;

typedef struct tls_cache {
  tls_block *first;
  uint32_t count;
} tls_cache;

static _Thread_local uint64_t allocations;
static _Thread_local tls_cache parts;
static _Thread_local tls_cache records;
static pthread_key_t cache_key; /* Its destructor empties a thread's caches. */

static void empty_cache(tls_cache *cache, uint32_t full) {
  while (cache->first) {
    tls_block *next = cache->first->next;
    free(cache->first);
    cache->first = next;
  }
  /* What this thread frees from here on is not kept any more. */
  cache->count = full;
}

static void empty_caches(void *unused) {
  (void)unused;
  empty_cache(&parts, PARTS_KEPT_MAX);
  empty_cache(&records, RECORDS_KEPT_MAX);
}

/* The cache that blocks of this size belong to; NULL: none. */
static tls_cache *cache_of(size_t size, uint32_t *full) {
  *full = size == PART_BYTES ? PARTS_KEPT_MAX : RECORDS_KEPT_MAX;
  if (size == PART_BYTES) return &parts;
  return size >= RECORD_BYTES_MIN && size <= RECORD_BYTES_MAX ? &records : NULL;
}

static void *take_kept(size_t size) {
  uint32_t full;
  tls_cache *cache = cache_of(size, &full);
  if (!cache) return NULL;
  for (tls_block **at = &cache->first; *at; at = &(*at)->next) {
    if ((*at)->size != size) continue;
    tls_block *block = *at;
    *at = block->next;
    cache->count--;
    return block + 1;
  }
  return NULL;
}

static void *tls_malloc(size_t size, const char *file, int line) {
  (void)file;
  (void)line;
  if (size > SIZE_MAX - sizeof(tls_block)) return NULL;
  void *kept = take_kept(size);
  if (kept) return kept;
  tls_block *block = malloc(sizeof *block + size);
  if (!block) return NULL;
  allocations++;
  block->size = size;
  return block + 1;
}

static void tls_free(void *pointer, const char *file, int line) {
  (void)file;
  (void)line;
  if (!pointer) return;
  tls_block *block = (tls_block *)pointer - 1;
  uint32_t full;
  tls_cache *cache = cache_of(block->size, &full);
  if (!cache || cache->count >= full) {
    free(block);
    return;
  }
  if (cache->count == 0) pthread_setspecific(cache_key, &cache_key);
  block->next = cache->first;
  cache->first = block;
  cache->count++;
}

static void *tls_realloc(void *pointer, size_t size, const char *file, int line) {
  if (!pointer) return tls_malloc(size, file, line);
  if (size == 0) {
    tls_free(pointer, file, line);
    return NULL;
  }
  if (size > SIZE_MAX - sizeof(tls_block)) return NULL;
  tls_block *block = realloc((tls_block *)pointer - 1, sizeof *block + size);
  if (!block) return NULL;
  allocations++;
  block->size = size;
  return block + 1;
}

uint64_t trk_tls_allocations(void) {
  return allocations;
}

/* OpenSSL takes other memory functions only before its first allocation, so this runs when the
 * program is loaded. Were it too late all the same, OpenSSL would allocate as usual, uncounted. */
__attribute__((constructor)) static void set_memory_functions(void) {
  if (pthread_key_create(&cache_key, empty_caches) == 0)
    CRYPTO_set_mem_functions(tls_malloc, tls_realloc, tls_free);
}
