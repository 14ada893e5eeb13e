/* reorder.c - see trk_reorder.h. */
#include "trk_reorder.h"

#include <string.h>

static void forget_all(trk_reorder *window) {
  for (size_t i = 0; i < TRK_REORDER_PACKETS; i++) window->slots[i].number = -1;
  window->waiting = 0;
}

void trk_reorder_init(trk_reorder *window) {
  window->next = -1;
  window->late = 0;
  forget_all(window);
}

/* The waiting packet with the least number; NULL when none waits. */
static trk_reorder_slot *first(trk_reorder *window) {
  trk_reorder_slot *found = NULL;
  for (size_t i = 0; i < TRK_REORDER_PACKETS; i++) {
    trk_reorder_slot *slot = &window->slots[i];
    if (slot->number >= 0 && (!found || slot->number < found->number)) found = slot;
  }
  return found;
}

static bool is_waiting(const trk_reorder *window, int64_t number) {
  for (size_t i = 0; i < TRK_REORDER_PACKETS; i++)
    if (window->slots[i].number == number) return true;
  return false;
}

static void keep(trk_reorder *window, int64_t number, trk_bytes bytes) {
  for (size_t i = 0; i < TRK_REORDER_PACKETS; i++) {
    trk_reorder_slot *slot = &window->slots[i];
    if (slot->number >= 0) continue;
    slot->number = number;
    slot->count = (uint32_t)bytes.count;
    if (bytes.count > 0) memcpy(slot->bytes, bytes.data, bytes.count);
    window->waiting++;
    return;
  }
}

bool trk_reorder_put(trk_reorder *window, int64_t number, trk_bytes bytes, trk_reorder_out *out) {
  /* Without a number, or with one that cannot be counted on from: in the order of arrival. */
  if (number < 0 || number > INT64_MAX / 2) {
    *out = (trk_reorder_out){.bytes = bytes};
    return true;
  }
  const bool jumps = window->next >= 0 && (number - window->next > TRK_REORDER_JUMP ||
                                           window->next - number > TRK_REORDER_JUMP);
  if (window->next < 0 || jumps) {
    window->late += window->waiting;
    forget_all(window);
    window->next = number;
  }
  if (number < window->next || is_waiting(window, number)) {
    window->late++;
    return false;
  }
  if (number == window->next || bytes.count > TRK_REORDER_BYTES) {
    /* A packet that can not wait takes the turn of those before it, which wait no longer. */
    for (size_t i = 0; i < TRK_REORDER_PACKETS; i++) {
      trk_reorder_slot *slot = &window->slots[i];
      if (slot->number < 0 || slot->number > number) continue;
      slot->number = -1;
      window->waiting--;
      window->late++;
    }
    *out = (trk_reorder_out){.lost = (uint32_t)(number - window->next), .bytes = bytes};
    window->next = number + 1;
    return true;
  }
  keep(window, number, bytes);
  return false;
}

bool trk_reorder_next(trk_reorder *window, trk_reorder_out *out) {
  trk_reorder_slot *slot = first(window);
  if (!slot) return false;
  if (slot->number != window->next && window->waiting < TRK_REORDER_PACKETS) return false;
  *out = (trk_reorder_out){.lost = (uint32_t)(slot->number - window->next),
                           .bytes = {slot->bytes, slot->count}};
  window->next = slot->number + 1;
  slot->number = -1;
  window->waiting--;
  return true;
}
