/* table.c - slots with generations: how numbers stand for legs and calls outside the core. */
#include "internal.h"

bool trk_table_init(trk_loop *loop, trk_table *table, uint32_t capacity) {
  *table = (trk_table){.capacity = capacity};
  table->entries = trk_alloc(loop, capacity * sizeof *table->entries);
  table->generations = trk_alloc(loop, capacity * sizeof *table->generations);
  table->free_slots = trk_alloc(loop, capacity * sizeof *table->free_slots);
  if (!table->entries || !table->generations || !table->free_slots) return false;
  /* The lowest slot is on top, so that small systems touch little memory. */
  for (uint32_t i = 0; i < capacity; i++) table->free_slots[i] = capacity - 1 - i;
  table->free_count = capacity;
  return true;
}

void trk_table_release(trk_loop *loop, trk_table *table) {
  trk_free(loop, table->entries);
  trk_free(loop, table->generations);
  trk_free(loop, table->free_slots);
  *table = (trk_table){0};
}

bool trk_table_take(trk_table *table, void *entry, uint32_t *slot, uint32_t *generation) {
  if (table->free_count == 0) return false;
  *slot = table->free_slots[--table->free_count];
  /* Generation 0 is never given out, not even after 2^32 uses. */
  if (++table->generations[*slot] == 0) table->generations[*slot] = 1;
  *generation = table->generations[*slot];
  table->entries[*slot] = entry;
  return true;
}

void trk_table_hide(trk_table *table, uint32_t slot) {
  TRK_ASSERT(slot < table->capacity && table->entries[slot]);
  table->entries[slot] = NULL;
}

void trk_table_give(trk_table *table, uint32_t slot) {
  TRK_ASSERT(slot < table->capacity);
  table->entries[slot] = NULL;
  table->free_slots[table->free_count++] = slot;
}

void *trk_table_find(const trk_table *table, uint32_t slot, uint32_t generation) {
  if (slot >= table->capacity || table->generations[slot] != generation) return NULL;
  return table->entries[slot];
}
