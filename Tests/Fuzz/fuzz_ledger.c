/* fuzz_ledger.c - random steps of a call's audio: what is heard never passes what is sent, nor that
 * what was received, and never goes back. */
#include "fuzz.h"

#include "trk_ledger.h"

enum {
  STEPS_MAX = 400,
  KEPT_MARKS = 16, /* Marks that may still be echoed, also late and twice. */
};

typedef struct mark {
  char name[TRK_LEDGER_MARK_NAME_MAX];
  size_t count;
} mark;

typedef struct world {
  trk_ledger ledger;
  fuzz_input in;
  int64_t now_us;
  uint64_t heard; /* The highest answer in this generation. */
  bool lagging;   /* A new lag may hold the clock back: the position is then allowed to wait. */
  mark marks[KEPT_MARKS];
  size_t mark_next;
  uint32_t serial;  /* Names the ids. */
  int32_t opened;   /* Items begun so far. */
  int32_t finished; /* The next one that may end. */
} world;

/* ---- Invariants ---- */

static void check(world *w) {
  const trk_ledger *const ledger = &w->ledger;
  FUZZ_CHECK(ledger->item_count <= TRK_LEDGER_ITEMS_MAX);
  FUZZ_CHECK(ledger->mark_count <= TRK_LEDGER_MARKS_MAX);
  FUZZ_CHECK(ledger->echoed <= ledger->position && ledger->marked <= ledger->position);
  const uint64_t heard = trk_ledger_heard(ledger, w->now_us);
  FUZZ_CHECK(heard <= ledger->position && heard >= ledger->echoed);
  /* Without an echo between them, a later answer is never a lower one. */
  FUZZ_CHECK(w->lagging || heard >= w->heard);
  w->heard = heard;
  w->lagging = false;
  uint64_t end = 0;
  for (uint32_t i = 0; i < ledger->item_count; i++) {
    const trk_ledger_item *const item = &ledger->items[i];
    FUZZ_CHECK(item->sent <= item->received);
    FUZZ_CHECK(trk_ledger_item_heard(ledger, item, w->now_us) <= item->sent);
    FUZZ_CHECK(i + 1 == ledger->item_count || item->complete);
    if (item->sent == 0) continue;
    FUZZ_CHECK(item->start >= end);
    end = item->start + item->sent;
    FUZZ_CHECK(end <= ledger->position);
  }
  for (uint32_t i = 1; i < ledger->mark_count; i++)
    FUZZ_CHECK(ledger->marks[i - 1].position <= ledger->marks[i].position);
  FUZZ_CHECK(trk_ledger_ahead_us(ledger, w->now_us) >= 0);
  FUZZ_CHECK(trk_ledger_unproven(ledger) == (ledger->echoed < ledger->position));
}

/* ---- Steps ---- */

static size_t write_id(uint8_t *id, uint32_t serial) {
  return (size_t)snprintf((char *)id, 16, "i%u", serial);
}

static void receive(world *w) {
  const uint8_t choice = fuzz_byte(&w->in);
  const uint64_t count = fuzz_number(&w->in, 2) + 1;
  const bool anew = (choice & 3) == 0 || w->serial == 0;
  const uint32_t serial = anew ? w->serial + 1 : w->serial - (choice >> 2) % w->serial % 3;
  uint8_t id[16];
  const trk_bytes bytes = {id, write_id(id, serial)};
  const uint32_t known = w->ledger.item_count;
  const trk_status status = trk_ledger_receive(&w->ledger, bytes, w->opened, choice >> 6, count);
  FUZZ_CHECK(status == TRK_OK || status == TRK_EFULL || status == TRK_EINVALID);
  if (status == TRK_EFULL) FUZZ_CHECK(known == TRK_LEDGER_ITEMS_MAX);
  if (status == TRK_OK && anew) w->serial++;
  if (w->ledger.item_count != known) w->opened++;
  const trk_bytes empty = {id, 0}, long_id = {id, TRK_LEDGER_ID_MAX + 1};
  FUZZ_CHECK(trk_ledger_receive(&w->ledger, empty, 0, 0, 1) == TRK_EINVALID);
  FUZZ_CHECK(trk_ledger_receive(&w->ledger, long_id, 0, 0, 1) == TRK_EINVALID);
}

static void send(world *w) {
  trk_ledger_item *const item = trk_ledger_next(&w->ledger);
  const uint64_t wanted = fuzz_number(&w->in, 2) + 1, padding = fuzz_byte(&w->in) % 160;
  if (item == NULL) return;
  const uint64_t left = item->received - item->sent;
  FUZZ_CHECK(left > 0);
  const uint64_t count = wanted < left ? wanted : left, before = w->ledger.position;
  trk_ledger_sent(&w->ledger, item, count, count == left ? padding : 0, w->now_us);
  FUZZ_CHECK(w->ledger.position == before + count + (count == left ? padding : 0));
}

static void send_mark(world *w) {
  mark *const m = &w->marks[w->mark_next++ % KEPT_MARKS];
  m->count = trk_ledger_mark_name(&w->ledger, m->name);
  FUZZ_CHECK(m->count >= 4 && m->count <= sizeof m->name && m->name[0] == 'g');
}

static void echo(world *w) {
  const uint8_t choice = fuzz_byte(&w->in);
  const mark *const m = &w->marks[choice % KEPT_MARKS];
  char name[TRK_LEDGER_MARK_NAME_MAX];
  memcpy(name, m->name, sizeof name);
  if ((choice & 0xC0) == 0xC0 && m->count > 0) name[choice % m->count] ^= fuzz_byte(&w->in) & 31;
  const uint64_t before = w->ledger.echoed;
  uint8_t *const exact = fuzz_copy((const uint8_t *)name, m->count);
  const bool taken = trk_ledger_echo(&w->ledger, (trk_bytes){exact, m->count}, w->now_us);
  FUZZ_CHECK(taken ? w->ledger.echoed > before : w->ledger.echoed == before);
  /* The same again is stale. */
  FUZZ_CHECK(!trk_ledger_echo(&w->ledger, (trk_bytes){exact, m->count}, w->now_us));
  w->lagging |= taken;
  free(exact);
}

static void finish(world *w) {
  trk_ledger_item item;
  const uint32_t before = w->ledger.item_count;
  const trk_ledger_item oldest = w->ledger.items[0];
  const int64_t grace_us = trk_ledger_grace_us(&w->ledger);
  if (!trk_ledger_finish(&w->ledger, &item, w->now_us)) {
    FUZZ_CHECK(w->ledger.item_count == before && (grace_us == INT64_MAX || w->now_us < grace_us));
    return;
  }
  FUZZ_CHECK(w->ledger.item_count == before - 1);
  FUZZ_CHECK(memcmp(&item, &oldest, sizeof item) == 0);
  FUZZ_CHECK(item.complete && item.sent == item.received);
  /* The content index counts the items as they began: they end in this order. */
  FUZZ_CHECK(item.content_index >= w->finished);
  w->finished = item.content_index + 1;
}

static void interrupt(world *w) {
  const uint32_t generation = w->ledger.generation;
  trk_ledger_interrupt(&w->ledger, w->now_us);
  FUZZ_CHECK(w->ledger.generation == generation + 1 && w->ledger.item_count == 0);
  FUZZ_CHECK(!trk_ledger_unproven(&w->ledger) && trk_ledger_next(&w->ledger) == NULL);
  for (size_t i = 0; i < KEPT_MARKS; i++) {
    const trk_bytes name = {(const uint8_t *)w->marks[i].name, w->marks[i].count};
    FUZZ_CHECK(!trk_ledger_echo(&w->ledger, name, w->now_us));
  }
}

static void complete(world *w) {
  uint8_t id[16];
  const uint8_t choice = fuzz_byte(&w->in);
  if (choice >= 0xF0) {
    trk_ledger_complete_epoch(&w->ledger, choice & 3);
    return;
  }
  const uint32_t back = choice % 4;
  const trk_bytes bytes = {id, write_id(id, w->serial > back ? w->serial - back : w->serial)};
  trk_ledger_complete(&w->ledger, bytes);
}

static void step(world *w) {
  switch (fuzz_byte(&w->in) % 8) {
    case 0: receive(w); return;
    case 1:
    case 2: send(w); return;
    case 3: send_mark(w); return;
    case 4: echo(w); return;
    case 5: complete(w); return;
    case 6: w->now_us += (int64_t)(fuzz_number(&w->in, 2) * 100); return;
    default:
      if ((fuzz_byte(&w->in) & 3) == 0)
        interrupt(w);
      else
        finish(w);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count) {
  world *const w = calloc(1, sizeof *w);
  w->in = (fuzz_input){data, count};
  w->now_us = 1000000;
  trk_ledger_init(&w->ledger);
  for (size_t i = 0; w->in.left > 0 && i < STEPS_MAX; i++) {
    step(w);
    check(w);
  }
  free(w);
  return 0;
}
