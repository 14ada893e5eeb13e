/* ledger.c - the playback ledger; see trk_ledger.h for the idea. */
#include "trk_ledger.h"

#include <string.h>

#include "trk_ulaw.h"

enum { US_PER_MS = 1000 };

static int64_t us_of(const trk_ledger *ledger, uint64_t bytes) {
  return (int64_t)(bytes * US_PER_MS / ledger->bytes_per_ms);
}

static uint64_t bytes_of(const trk_ledger *ledger, int64_t us) {
  return us <= 0 ? 0 : (uint64_t)us * ledger->bytes_per_ms / US_PER_MS;
}

void trk_ledger_init(trk_ledger *ledger) {
  memset(ledger, 0, sizeof *ledger);
  ledger->lag_usual_us = INT64_MAX;
  trk_ledger_set_line(ledger, TRK_ULAW_BYTES_PER_MS, true);
}

void trk_ledger_set_line(trk_ledger *ledger, uint32_t bytes_per_ms, bool has_marks) {
  ledger->bytes_per_ms = bytes_per_ms;
  ledger->grace_ms = has_marks ? TRK_LEDGER_ECHO_GRACE_MS : 0;
}

static trk_ledger_item *find(trk_ledger *ledger, trk_bytes id) {
  for (uint32_t i = 0; i < ledger->item_count; i++) {
    trk_ledger_item *item = &ledger->items[i];
    if (item->id_count == id.count && memcmp(item->id, id.data, id.count) == 0) return item;
  }
  return NULL;
}

trk_status trk_ledger_receive(trk_ledger *ledger, trk_bytes id, int32_t content_index,
                              uint32_t epoch, uint64_t count) {
  if (id.count == 0 || id.count > TRK_LEDGER_ID_MAX) return TRK_EINVALID;
  trk_ledger_item *item = find(ledger, id);
  if (item) {
    /* Audio is queued in order of arrival, so only the newest item may grow. */
    if (item->complete || item != &ledger->items[ledger->item_count - 1]) return TRK_EINVALID;
    item->received += count;
    return TRK_OK;
  }
  if (ledger->item_count == TRK_LEDGER_ITEMS_MAX) return TRK_EFULL;
  if (ledger->item_count > 0) ledger->items[ledger->item_count - 1].complete = true;
  item = &ledger->items[ledger->item_count++];
  memset(item, 0, sizeof *item);
  memcpy(item->id, id.data, id.count);
  item->id_count = (uint32_t)id.count;
  item->content_index = content_index;
  item->epoch = epoch;
  item->received = count;
  return TRK_OK;
}

void trk_ledger_complete(trk_ledger *ledger, trk_bytes id) {
  if (id.count == 0) return;
  trk_ledger_item *item = find(ledger, id);
  if (item) item->complete = true;
}

void trk_ledger_complete_epoch(trk_ledger *ledger, uint32_t epoch) {
  for (uint32_t i = 0; i < ledger->item_count; i++)
    if (ledger->items[i].epoch == epoch) ledger->items[i].complete = true;
}

trk_ledger_item *trk_ledger_next(trk_ledger *ledger) {
  for (uint32_t i = 0; i < ledger->item_count; i++)
    if (ledger->items[i].sent < ledger->items[i].received) return &ledger->items[i];
  return NULL;
}

void trk_ledger_sent(trk_ledger *ledger, trk_ledger_item *item, uint64_t count, uint64_t padding,
                     int64_t now_us) {
  if (item->sent == 0) item->start = ledger->position;
  item->sent += count;
  ledger->position += count + padding;
  if (ledger->play_end_us < now_us) {
    /* The phone was dry: it starts anew now, and old lags say nothing about this run. */
    ledger->play_end_us = now_us;
    ledger->lag_count = 0;
  }
  ledger->play_end_us += us_of(ledger, count + padding);
}

/* Writes `value` in decimal and returns the digits written. */
static size_t write_decimal(char *out, uint64_t value) {
  char digits[20];
  size_t count = 0;
  do digits[count++] = (char)('0' + value % 10);
  while ((value /= 10) != 0);
  for (size_t i = 0; i < count; i++) out[i] = digits[count - 1 - i];
  return count;
}

size_t trk_ledger_mark_name(trk_ledger *ledger, char *out) {
  if (ledger->mark_count < TRK_LEDGER_MARKS_MAX)
    ledger->marks[ledger->mark_count++] =
        (trk_ledger_mark){.position = ledger->position, .due_us = ledger->play_end_us};
  ledger->marked = ledger->position;
  size_t count = 0;
  out[count++] = 'g';
  count += write_decimal(out + count, ledger->generation);
  out[count++] = '.';
  return count + write_decimal(out + count, ledger->position);
}

/* Reads digits up to `stop`, or to the end when `stop` is 0. False when they are no number. */
static bool read_decimal(trk_bytes *bytes, char stop, uint64_t *out) {
  uint64_t value = 0;
  size_t i = 0;
  for (; i < bytes->count && bytes->data[i] != (uint8_t)stop; i++) {
    const uint8_t c = bytes->data[i];
    if (c < '0' || c > '9' || value > UINT64_MAX / 16) return false;
    value = value * 10 + (uint64_t)(c - '0');
  }
  if (i == 0 || (stop != 0 && i == bytes->count)) return false;
  const size_t step = stop != 0 ? i + 1 : i;
  bytes->data += step;
  bytes->count -= step;
  *out = value;
  return true;
}

/* Takes the marks up to `position` off the list and learns from the one that came back. */
static void learn(trk_ledger *ledger, uint64_t position, int64_t now_us) {
  uint32_t passed = 0;
  while (passed < ledger->mark_count && ledger->marks[passed].position <= position) passed++;
  if (passed == 0) return;
  const trk_ledger_mark mark = ledger->marks[passed - 1];
  memmove(ledger->marks, ledger->marks + passed,
          (ledger->mark_count - passed) * sizeof ledger->marks[0]);
  ledger->mark_count -= passed;
  if (mark.position != position) return;
  const int64_t lag = now_us - mark.due_us;
  if (lag < ledger->lag_usual_us) ledger->lag_usual_us = lag;
  ledger->lag_recent_us[1] = ledger->lag_recent_us[0];
  ledger->lag_recent_us[0] = lag;
  if (ledger->lag_count < 2) ledger->lag_count++;
}

bool trk_ledger_echo(trk_ledger *ledger, trk_bytes name, int64_t now_us) {
  if (name.count < 4 || name.data[0] != 'g') return false;
  trk_bytes rest = {name.data + 1, name.count - 1};
  uint64_t generation = 0;
  uint64_t position = 0;
  if (!read_decimal(&rest, '.', &generation) || !read_decimal(&rest, 0, &position)) return false;
  if (generation != ledger->generation || position > ledger->marked) return false;
  if (position <= ledger->echoed) return false;
  learn(ledger, position, now_us);
  ledger->echoed = position;
  return true;
}

int64_t trk_ledger_ahead_us(const trk_ledger *ledger, int64_t now_us) {
  return ledger->play_end_us > now_us ? ledger->play_end_us - now_us : 0;
}

/* How far behind the sending clock the phone is: the lesser of the last two lags over the usual
 * one, so that one late echo does not move the clock. */
static int64_t behind_us(const trk_ledger *ledger) {
  if (ledger->lag_count < 2) return 0;
  const int64_t first = ledger->lag_recent_us[0];
  const int64_t second = ledger->lag_recent_us[1];
  const int64_t excess = (first < second ? first : second) - ledger->lag_usual_us;
  return excess > 0 ? excess : 0;
}

uint64_t trk_ledger_heard(const trk_ledger *ledger, int64_t now_us) {
  const int64_t moment = now_us - behind_us(ledger);
  const uint64_t left = bytes_of(ledger, ledger->play_end_us - moment);
  const uint64_t clock = left > ledger->position ? 0 : ledger->position - left;
  return clock > ledger->echoed ? clock : ledger->echoed;
}

uint64_t trk_ledger_item_heard(const trk_ledger *ledger, const trk_ledger_item *item,
                               int64_t now_us) {
  const uint64_t heard = trk_ledger_heard(ledger, now_us);
  if (item->sent == 0 || heard <= item->start) return 0;
  const uint64_t into = heard - item->start;
  return into < item->sent ? into : item->sent;
}

bool trk_ledger_unproven(const trk_ledger *ledger) {
  return ledger->echoed < ledger->position && ledger->position > 0;
}

void trk_ledger_interrupt(trk_ledger *ledger, int64_t now_us) {
  ledger->item_count = 0;
  ledger->mark_count = 0;
  ledger->lag_count = 0;
  ledger->generation++;
  ledger->echoed = ledger->position;
  ledger->marked = ledger->position;
  ledger->play_end_us = now_us;
}

bool trk_ledger_finish(trk_ledger *ledger, trk_ledger_item *out, int64_t now_us) {
  if (ledger->item_count == 0) return false;
  const trk_ledger_item *item = &ledger->items[0];
  if (!item->complete || item->sent < item->received) return false;
  const bool proven = ledger->echoed >= item->start + item->sent;
  if (!proven && now_us < trk_ledger_grace_us(ledger)) return false;
  *out = *item;
  memmove(ledger->items, ledger->items + 1, (ledger->item_count - 1) * sizeof ledger->items[0]);
  ledger->item_count--;
  return true;
}

int64_t trk_ledger_grace_us(const trk_ledger *ledger) {
  if (ledger->item_count == 0) return INT64_MAX;
  const trk_ledger_item *item = &ledger->items[0];
  if (!item->complete || item->sent < item->received) return INT64_MAX;
  const uint64_t behind = ledger->position - (item->start + item->sent);
  return ledger->play_end_us - us_of(ledger, behind) + (int64_t)ledger->grace_ms * US_PER_MS;
}
