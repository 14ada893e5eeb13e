/* tap.c - rings that take a copy of a call's audio to another thread; see trk_tap.h for the idea.
 *
 * `written` is the loop's, `taken` the reader's; each counts bytes and never goes back, so that the
 * difference is what waits. A store with release order publishes what was copied before it.
 */
#include "tap.h"

#include "trk_base64.h"

enum {
  TAP_BYTES_MIN = 4096,
  TAP_BYTES_MAX = 1 << 26,
  STEP_TOLERANCE_MS = 5, /* Carriers round their timestamps; less than this is no gap. */
  SILENT_GAP_MS = 1000,  /* A carrier without timestamps that falls so far behind has left a gap. */
  /* Base64 digits of one record. */
  DIGITS_PER_RECORD = TRK_TAP_RECORD_MAX / 3 * 4,
};

struct trk_tap {
  /* Set before the reader knows of it, never changed. */
  size_t mask; /* Capacity less one; the capacity is a power of two. */

  /* Shared. */
  atomic_size_t written;
  atomic_size_t taken;
  atomic_uint references;
  atomic_bool reader_gone;
  atomic_bool ended;
  atomic_uint_fast64_t dropped;

  /* Loop thread only. */
  trk_tap *next;
  int64_t caller_next; /* Samples: where the caller's next frame is expected; -1: unknown. */

  uint8_t data[];
};

/* What stands before the bytes of a record. */
typedef struct tap_header {
  int64_t at_ms;
  int32_t kind;
  uint32_t count;
} tap_header;

/* ---- The ring ---- */

static void copy_in(trk_tap *tap, size_t position, const void *bytes, size_t count) {
  const size_t at = position & tap->mask;
  const size_t room = tap->mask + 1 - at;
  const size_t first = count < room ? count : room;
  memcpy(tap->data + at, bytes, first);
  memcpy(tap->data, (const uint8_t *)bytes + first, count - first);
}

static void copy_out(const trk_tap *tap, size_t position, void *bytes, size_t count) {
  const size_t at = position & tap->mask;
  const size_t room = tap->mask + 1 - at;
  const size_t first = count < room ? count : room;
  memcpy(bytes, tap->data + at, first);
  memcpy((uint8_t *)bytes + first, tap->data, count - first);
}

static void let_go(trk_tap *tap) {
  if (atomic_fetch_sub_explicit(&tap->references, 1, memory_order_acq_rel) == 1) free(tap);
}

static void drop(trk_call *call, trk_tap *tap) {
  atomic_fetch_add_explicit(&tap->dropped, 1, memory_order_relaxed);
  call->loop->stats.tap_dropped++;
  call->stats.tap_dropped++;
}

static void push(trk_call *call, trk_tap *tap, trk_tap_kind kind, int64_t at_ms,
                 const uint8_t *bytes, size_t count) {
  TRK_ASSERT(count <= TRK_TAP_RECORD_MAX);
  const size_t written = atomic_load_explicit(&tap->written, memory_order_relaxed);
  const size_t waiting = written - atomic_load_explicit(&tap->taken, memory_order_acquire);
  const tap_header header = {.at_ms = at_ms, .kind = (int32_t)kind, .count = (uint32_t)count};
  /* A clear takes part of what audio leaves free: without it the reader would believe too much. */
  const size_t reserve = kind == TRK_TAP_CLEAR ? 0 : 8 * sizeof header;
  if (tap->mask + 1 - waiting < sizeof header + count + reserve) {
    drop(call, tap);
    return;
  }
  copy_in(tap, written, &header, sizeof header);
  if (count > 0) copy_in(tap, written + sizeof header, bytes, count);
  atomic_store_explicit(&tap->written, written + sizeof header + count, memory_order_release);
}

/* ---- The loop's side ---- */

/* Takes the taps off whose reader has let go. */
static void prune(trk_call *call) {
  trk_tap **link = &call->taps;
  while (*link) {
    trk_tap *tap = *link;
    if (!atomic_load_explicit(&tap->reader_gone, memory_order_acquire)) {
      link = &tap->next;
      continue;
    }
    *link = tap->next;
    let_go(tap);
  }
}

static int64_t since_start_ms(const trk_call *call, int64_t at_us) {
  return (at_us - call->started_us) / TRK_US_PER_MS;
}

/* Where `count` samples of the caller that came now belong, in samples. */
static int64_t caller_position(const trk_tap *tap, int64_t timestamp_ms, int64_t now_ms,
                               size_t count) {
  const int64_t length_ms = (int64_t)(count / TRK_ULAW_BYTES_PER_MS);
  const int64_t latest_ms = now_ms > length_ms ? now_ms - length_ms : 0;
  const int64_t next = tap->caller_next;
  if (timestamp_ms < 0 || timestamp_ms > now_ms + TRK_TAP_AHEAD_MS) {
    const bool gap = next < latest_ms * TRK_ULAW_BYTES_PER_MS &&
                     latest_ms - next / TRK_ULAW_BYTES_PER_MS > SILENT_GAP_MS;
    return next < 0 || gap ? latest_ms * TRK_ULAW_BYTES_PER_MS : next;
  }
  const int64_t at = timestamp_ms * TRK_ULAW_BYTES_PER_MS;
  return next >= 0 && at < next + STEP_TOLERANCE_MS * TRK_ULAW_BYTES_PER_MS ? next : at;
}

/* Where what comes now belongs, for every tap. */
static void place_caller(trk_call *call, size_t count, int64_t timestamp_ms) {
  prune(call);
  const int64_t now_ms = since_start_ms(call, call->loop->now_us);
  for (trk_tap *tap = call->taps; tap; tap = tap->next)
    tap->caller_next = caller_position(tap, timestamp_ms, now_ms, count);
}

static void push_caller(trk_call *call, const uint8_t *ulaw, size_t count) {
  const int64_t now_ms = since_start_ms(call, call->loop->now_us);
  for (trk_tap *tap = call->taps; tap; tap = tap->next) {
    const int64_t at_ms = tap->caller_next / TRK_ULAW_BYTES_PER_MS;
    if (at_ms > now_ms + TRK_TAP_AHEAD_MS) {
      drop(call, tap);
      continue;
    }
    push(call, tap, TRK_TAP_CALLER, at_ms, ulaw, count);
    tap->caller_next += (int64_t)count;
  }
}

void trk_tap_caller(trk_call *call, trk_bytes base64, size_t count, int64_t timestamp_ms) {
  uint8_t audio[TRK_TAP_RECORD_MAX];
  place_caller(call, count, timestamp_ms);
  while (base64.count > 0 && call->taps) {
    const size_t take = base64.count < DIGITS_PER_RECORD ? base64.count : DIGITS_PER_RECORD;
    const ptrdiff_t decoded = trk_base64_decode(audio, (const char *)base64.data, take);
    TRK_ASSERT(decoded >= 0);
    if (decoded < 0) return;
    push_caller(call, audio, (size_t)decoded);
    base64.data += take;
    base64.count -= take;
  }
}

/* Audio of the call as mu-law, which is all that taps know; `count` bytes of it, up to
 * TRK_TAP_RECORD_MAX codes. Returns the codes. */
static size_t to_ulaw(trk_call *call, uint8_t *out, const uint8_t *audio, size_t count,
                      trk_pcm_memory *memory) {
  const trk_line *line = call->line;
  if (call->bytes_per_ms == TRK_PCM_BYTES_PER_MS) {
    int16_t samples[TRK_TAP_RECORD_MAX * TRK_PCM_PER_ULAW];
    const size_t codes = count / (sizeof *samples * TRK_PCM_PER_ULAW);
    memcpy(samples, audio, codes * sizeof *samples * TRK_PCM_PER_ULAW);
    trk_pcm_to_ulaw(out, samples, codes, memory);
    return codes;
  }
  if (line && line->config.coding == TRK_CODING_ALAW)
    trk_ulaw_from_alaw(out, audio, count);
  else
    memcpy(out, audio, count);
  return count;
}

/* Bytes of the call's audio in one record. */
static size_t record_bytes(const trk_call *call) {
  return (size_t)TRK_TAP_RECORD_MAX * call->bytes_per_ms / TRK_ULAW_BYTES_PER_MS;
}

void trk_tap_caller_audio(trk_call *call, const uint8_t *audio, size_t count) {
  uint8_t codes[TRK_TAP_RECORD_MAX];
  place_caller(call, count * TRK_ULAW_BYTES_PER_MS / call->bytes_per_ms, -1);
  while (count > 0 && call->taps) {
    const size_t take = count < record_bytes(call) ? count : record_bytes(call);
    push_caller(call, codes, to_ulaw(call, codes, audio, take, &call->line->caller_memory));
    audio += take;
    count -= take;
  }
}

void trk_tap_agent(trk_call *call, const uint8_t *bytes, size_t count) {
  prune(call);
  const trk_ledger *ledger = &call->ledger;
  const int64_t now_us = call->loop->now_us;
  const int64_t at_us = ledger->play_end_us > now_us ? ledger->play_end_us : now_us;
  uint8_t codes[TRK_TAP_RECORD_MAX];
  if (call->line) {
    count = to_ulaw(call, codes, bytes, count, &call->line->agent_memory);
    bytes = codes;
  }
  for (trk_tap *tap = call->taps; tap; tap = tap->next)
    push(call, tap, TRK_TAP_AGENT, since_start_ms(call, at_us), bytes, count);
}

void trk_tap_clear(trk_call *call, int64_t now_us) {
  prune(call);
  const trk_ledger *ledger = &call->ledger;
  const uint64_t unheard = ledger->position - trk_ledger_heard(ledger, now_us);
  if (unheard == 0) return;
  const int64_t cut_us =
      ledger->play_end_us - (int64_t)(unheard * TRK_US_PER_MS / call->bytes_per_ms);
  for (trk_tap *tap = call->taps; tap; tap = tap->next)
    push(call, tap, TRK_TAP_CLEAR, since_start_ms(call, cut_us), NULL, 0);
}

void trk_tap_end_all(trk_call *call) {
  while (call->taps) {
    trk_tap *tap = call->taps;
    call->taps = tap->next;
    atomic_store_explicit(&tap->ended, true, memory_order_release);
    let_go(tap);
  }
}

trk_status trk_call_tap(trk_loop *loop, trk_call_id id, trk_tap **out) {
  trk_call *call = trk_call_find(loop, id);
  if (!call) return TRK_ESTALE;
  prune(call);
  size_t count = 0;
  for (const trk_tap *tap = call->taps; tap; tap = tap->next) count++;
  if (count >= TRK_CALL_TAPS_MAX) return TRK_EFULL;
  size_t capacity = TAP_BYTES_MIN;
  while (capacity < loop->config.tap_bytes && capacity < TAP_BYTES_MAX) capacity *= 2;
  /* Not trk_alloc: the last reference may go on another thread, or after the loop. */
  trk_tap *tap = calloc(1, sizeof *tap + capacity);
  if (!tap) return TRK_ENOMEM;
  tap->mask = capacity - 1;
  tap->caller_next = -1;
  atomic_init(&tap->references, 2);
  tap->next = call->taps;
  call->taps = tap;
  loop->stats.taps_opened++;
  *out = tap;
  return TRK_OK;
}

/* ---- The reader's side ---- */

bool trk_tap_read(trk_tap *tap, trk_tap_record *out, uint8_t *bytes) {
  const size_t taken = atomic_load_explicit(&tap->taken, memory_order_relaxed);
  if (taken == atomic_load_explicit(&tap->written, memory_order_acquire)) return false;
  tap_header header;
  copy_out(tap, taken, &header, sizeof header);
  copy_out(tap, taken + sizeof header, bytes, header.count);
  *out = (trk_tap_record){
      .kind = (trk_tap_kind)header.kind, .at_ms = header.at_ms, .count = header.count};
  atomic_store_explicit(&tap->taken, taken + sizeof header + header.count, memory_order_release);
  return true;
}

bool trk_tap_ended(const trk_tap *tap) {
  return atomic_load_explicit(&tap->ended, memory_order_acquire);
}

uint64_t trk_tap_dropped(const trk_tap *tap) {
  return atomic_load_explicit(&tap->dropped, memory_order_relaxed);
}

void trk_tap_release(trk_tap *tap) {
  atomic_store_explicit(&tap->reader_gone, true, memory_order_release);
  let_go(tap);
}
