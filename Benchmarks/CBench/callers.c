/* callers.c - N phones on one thread: 50 frames a second each, marks echoed when played. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "trk_base64.h"

enum {
  FRAME_MS = 20,
  MARKS_MAX = 64,
  SID_COUNT = 34,
  US_PER_MS = 1000,
  TALKING_MS = 400, /* A call that was spoken to within this time is talking. */
  TOLD_EVERY_MS = 100,
};

typedef struct caller {
  bench_connection *connection;
  uint32_t number;
  uint32_t sent; /* Frames. */
  uint32_t next; /* The agent's next counter. */
  uint32_t sequence;
  bool open;
  bool heard;  /* Something, ever. */
  bool resync; /* The next frame tells where to go on: at first, and after a clear. */
  int64_t dialled_us;
  int64_t heard_us; /* When it was last spoken to. */
  int64_t play_end_us;
  int64_t next_frame_us;
  char marks[MARKS_MAX][40];
  int64_t mark_due_us[MARKS_MAX];
  uint32_t mark_first;
  uint32_t mark_count;
} caller;

typedef struct callers {
  const bench_callers_config *config;
  bench_report *report;
  caller *all;
  uint32_t dialled;
  uint32_t open;
  uint32_t next_number; /* Of the next call; the streams' names come from it. */
  uint32_t oldest;      /* The next to be replaced. */
  uint64_t replaced;
  int64_t told_us;
  int64_t began_us;    /* Ramp. */
  int64_t measured_us; /* 0 until all are open. */
  uint32_t second;
  double cpu;
} callers;

static void stream_sid(const caller *phone, char *out) {
  snprintf(out, SID_COUNT + 1, "MZ%032u", phone->number);
}

static void on_opened(bench_loop *loop, bench_connection *connection) {
  caller *phone = connection->owner;
  char sid[SID_COUNT + 1];
  stream_sid(phone, sid);
  static const char connected[] =
      "{\"event\":\"connected\",\"protocol\":\"Call\",\"version\":\"1.0.0\"}";
  bench_send(loop, connection, connected, sizeof connected - 1);
  char text[768];
  const int count = snprintf(
      text, sizeof text,
      "{\"event\":\"start\",\"sequenceNumber\":\"1\",\"start\":{\"accountSid\":\"AC1\","
      "\"streamSid\":\"%s\",\"callSid\":\"CA%032u\",\"tracks\":[\"inbound\"],\"mediaFormat\":"
      "{\"encoding\":\"audio/x-mulaw\",\"sampleRate\":8000,\"channels\":1},"
      "\"customParameters\":{}},\"streamSid\":\"%s\"}",
      sid, phone->number, sid);
  bench_send(loop, connection, text, (size_t)count);
  phone->open = true;
  phone->sequence = 1;
  /* Each phone has its own phase within the 20 ms. */
  phone->next_frame_us = bench_now_ns() / 1000 + (int64_t)(phone->number % FRAME_MS) * US_PER_MS;
}

static void take_media(callers *state, caller *phone, const char *payload, size_t count) {
  uint8_t audio[8192];
  if (trk_base64_decoded_max(count) > sizeof audio) return;
  const ptrdiff_t bytes = trk_base64_decode(audio, payload, count);
  if (bytes <= 0) return;
  const int64_t now_us = bench_now_ns() / 1000;
  if (phone->play_end_us < now_us) phone->play_end_us = now_us;
  phone->play_end_us += bytes * US_PER_MS / 8;
  phone->heard_us = now_us;
  if (!phone->heard) {
    phone->heard = true;
    state->open++;
    state->report->opened++;
    bench_histogram_add(&state->report->setup, (uint64_t)(now_us - phone->dialled_us));
    phone->resync = true;
  }
  if (phone->resync) memcpy(&phone->next, audio + 4, 4);
  phone->resync = false;
  if (state->measured_us == 0 || state->config->follows_losses) {
    /* Before the measurement only the counter is followed. */
    bench_frames ignored = {0};
    bench_check(&ignored, audio, (size_t)bytes, &phone->next);
    return;
  }
  bench_check(&state->report->frames, audio, (size_t)bytes, &phone->next);
}

static void on_message(bench_loop *loop, bench_connection *connection, const uint8_t *bytes,
                       size_t count) {
  callers *state = loop->owner;
  caller *phone = connection->owner;
  const char *value;
  size_t value_count;
  if (bench_find_value(bytes, count, "\"payload\"", &value, &value_count)) {
    take_media(state, phone, value, value_count);
  } else if (bench_find_value(bytes, count, "\"name\"", &value, &value_count)) {
    if (phone->mark_count == MARKS_MAX || value_count >= sizeof phone->marks[0]) return;
    const uint32_t slot = (phone->mark_first + phone->mark_count++) % MARKS_MAX;
    memcpy(phone->marks[slot], value, value_count);
    phone->marks[slot][value_count] = 0;
    phone->mark_due_us[slot] = phone->play_end_us;
  } else if (memmem(bytes, count, "\"clear\"", 7)) {
    state->report->clears++;
    phone->play_end_us = 0;
    phone->resync = true; /* The audio that was cut never comes. */
    for (uint32_t i = 0; i < phone->mark_count; i++)
      phone->mark_due_us[(phone->mark_first + i) % MARKS_MAX] = 0;
  }
}

static void on_closed(bench_loop *loop, bench_connection *connection) {
  callers *state = loop->owner;
  caller *phone = connection->owner;
  if (phone->open) state->report->failed++;
  if (phone->heard) state->open--;
  phone->open = false;
  phone->heard = false;
  phone->connection = NULL;
}

static void send_frame(bench_loop *loop, callers *state, caller *phone) {
  uint8_t frame[BENCH_FRAME_BYTES];
  memset(frame, 0xFF, sizeof frame);
  bench_stamp(frame, phone->number, phone->sent);
  char payload[216];
  trk_base64_encode(payload, frame, sizeof frame);
  char sid[SID_COUNT + 1];
  stream_sid(phone, sid);
  char text[512];
  const int count =
      snprintf(text, sizeof text,
               "{\"event\":\"media\",\"sequenceNumber\":\"%u\",\"media\":{\"track\":\"inbound\","
               "\"chunk\":\"%u\",\"timestamp\":\"%u\",\"payload\":\"%.216s\"},"
               "\"streamSid\":\"%s\"}",
               ++phone->sequence, phone->sent + 1, phone->sent * FRAME_MS, payload, sid);
  bench_send(loop, phone->connection, text, (size_t)count);
  phone->sent++;
  if (state->measured_us != 0) state->report->sent++;
}

static void send_marks(bench_loop *loop, caller *phone, int64_t now_us) {
  while (phone->mark_count > 0 && phone->mark_due_us[phone->mark_first] <= now_us) {
    char sid[SID_COUNT + 1];
    stream_sid(phone, sid);
    char text[256];
    const int count = snprintf(text, sizeof text,
                               "{\"event\":\"mark\",\"sequenceNumber\":\"%u\",\"streamSid\":"
                               "\"%s\",\"mark\":{\"name\":\"%s\"}}",
                               ++phone->sequence, sid, phone->marks[phone->mark_first]);
    bench_send(loop, phone->connection, text, (size_t)count);
    phone->mark_first = (phone->mark_first + 1) % MARKS_MAX;
    phone->mark_count--;
  }
}

static void dial(bench_loop *loop, callers *state, caller *phone, int64_t now_us) {
  *phone = (caller){.number = state->next_number++, .dialled_us = now_us};
  phone->connection = bench_connect(loop, state->config->port, phone);
  if (!phone->connection) state->report->failed++;
}

static void dial_more(bench_loop *loop, callers *state, int64_t now_us) {
  const bench_callers_config *config = state->config;
  const int64_t passed_ms = (now_us - state->began_us) / US_PER_MS;
  const uint64_t due = config->ramp_ms == 0
                           ? config->calls
                           : (uint64_t)passed_ms * config->calls / config->ramp_ms + 1;
  while (state->dialled < config->calls && state->dialled < due)
    dial(loop, state, &state->all[state->dialled++], now_us);
}

static void hang_up(bench_loop *loop, caller *phone) {
  if (!phone->connection) return;
  char sid[SID_COUNT + 1];
  stream_sid(phone, sid);
  char text[256];
  const int count = snprintf(text, sizeof text,
                             "{\"event\":\"stop\",\"sequenceNumber\":\"%u\",\"stop\":"
                             "{\"accountSid\":\"AC1\",\"callSid\":\"CA%032u\"},"
                             "\"streamSid\":\"%s\"}",
                             ++phone->sequence, phone->number, sid);
  if (phone->open) bench_send(loop, phone->connection, text, (size_t)count);
  phone->open = false; /* Its end is no failure. */
  bench_close(loop, phone->connection);
}

/* Hangs up the oldest calls and dials new ones in their places. */
static void replace(bench_loop *loop, callers *state, int64_t now_us) {
  const bench_callers_config *config = state->config;
  if (state->measured_us == 0 || config->churn_per_s == 0) return;
  const uint64_t due = (uint64_t)(now_us - state->measured_us) * config->churn_per_s / 1000000;
  while (state->replaced < due) {
    caller *phone = &state->all[state->oldest];
    state->oldest = (state->oldest + 1) % config->calls;
    state->replaced++;
    hang_up(loop, phone);
    dial(loop, state, phone, now_us);
    state->report->replaced++;
  }
}

static void tell_talking(callers *state, int64_t now_us) {
  if (!state->config->talking || now_us - state->told_us < TOLD_EVERY_MS * US_PER_MS) return;
  state->told_us = now_us;
  uint32_t talking = 0;
  for (uint32_t i = 0; i < state->dialled; i++)
    if (state->all[i].heard && now_us - state->all[i].heard_us < TALKING_MS * US_PER_MS) talking++;
  state->config->talking((uint64_t)(now_us - state->measured_us) / US_PER_MS, talking);
}

static void follow_time(bench_loop *loop, callers *state, int64_t now_us) {
  const bool all_open = state->open + state->report->failed >= state->config->calls;
  const bool late = now_us - state->began_us > (int64_t)(state->config->ramp_ms + 15000) * 1000;
  if (state->measured_us == 0 && (all_open || late)) {
    state->measured_us = now_us;
    state->cpu = bench_cpu_seconds();
    if (state->config->progress) state->config->progress(0, state->open);
  }
  if (state->measured_us == 0) return;
  tell_talking(state, now_us);
  const uint32_t second = (uint32_t)((now_us - state->measured_us) / 1000000);
  if (second != state->second && state->config->progress)
    state->config->progress(second, state->open);
  state->second = second;
  if (second < state->config->seconds) return;
  state->report->seconds = (double)(now_us - state->measured_us) / 1e6;
  state->report->cpu_seconds = bench_cpu_seconds() - state->cpu;
  loop->done = true;
  for (uint32_t i = 0; i < state->dialled; i++) hang_up(loop, &state->all[i]);
}

static void on_tick(bench_loop *loop, int64_t now_us) {
  callers *state = loop->owner;
  dial_more(loop, state, now_us);
  replace(loop, state, now_us);
  for (uint32_t i = 0; i < state->dialled; i++) {
    caller *phone = &state->all[i];
    if (!phone->open) continue;
    while (phone->open && phone->next_frame_us <= now_us) {
      send_frame(loop, state, phone);
      phone->next_frame_us += FRAME_MS * US_PER_MS;
    }
    if (phone->open) send_marks(loop, phone, now_us);
  }
  follow_time(loop, state, now_us);
}

int bench_run_callers(const bench_callers_config *config, bench_report *report) {
  static const bench_role role = {on_opened, on_message, on_closed, on_tick, NULL};
  if (config->calls == 0 || config->calls > BENCH_CALLS_MAX) return -1;
  callers state = {.config = config, .report = report};
  bench_loop loop;
  if (!bench_loop_init(&loop, &role, &state)) return -1;
  loop.client_path = config->path;
  state.all = calloc(config->calls, sizeof *state.all);
  state.began_us = bench_now_ns() / 1000;
  bench_loop_run(&loop);
  free(state.all);
  return report->opened > 0 ? 0 : -1;
}
