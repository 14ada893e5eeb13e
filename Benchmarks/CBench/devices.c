/* devices.c - N devices on one thread that speak Opus: one packet each frame, all the time.
 *
 * Opus keeps no stamps. What the devices hear is checked by the time stamps of the second version
 * of their protocol; what they say is counted, here and in the relay.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "speech.h"
#include "trk_opus.h"

enum { QUIET_MS = 1000, PACKETS = 100, HEAD = 16, US_PER_MS = 1000, RATE = 24000 };

typedef struct packet {
  uint8_t bytes[HEAD + TRK_OPUS_ENCODED_MAX];
  size_t count;
} packet;

typedef struct device {
  bench_connection *connection;
  bool open;
  bool heard;
  uint32_t next_stamp; /* Of the next packet, milliseconds. */
  size_t position;     /* In the packets that all say. */
  int64_t dialled_us;
  int64_t next_us;
} device;

typedef struct devices {
  const bench_callers_config *config;
  bench_report *report;
  device *all;
  packet packets[PACKETS];
  uint32_t dialled;
  uint32_t open;
  int64_t began_us;
  int64_t measured_us;
  uint32_t second;
  int64_t quiet_us; /* Since when nothing more is said: the relay hears what is under way; 0: not
                       yet. */
  double cpu;
} devices;

static bool encode_packets(devices *state) {
  const size_t size = trk_opus_size();
  if (size == 0) return false;
  trk_opus *opus = calloc(1, size);
  const trk_opus_config config = {.rate = RATE, .bitrate = 24000, .complexity = 5};
  if (!opus || trk_opus_init(opus, &config) != TRK_OK) abort();
  const size_t samples = (size_t)state->config->opus_frame_ms * RATE / 1000;
  int16_t *speech = malloc(samples * sizeof *speech);
  if (!speech) abort();
  for (size_t i = 0; i < PACKETS; i++) {
    packet *one = &state->packets[i];
    bench_speech(speech, samples, i * samples, RATE);
    const ptrdiff_t count =
        trk_opus_encode(opus, one->bytes + HEAD, TRK_OPUS_ENCODED_MAX, speech, samples);
    if (count <= 0) abort();
    one->bytes[1] = 2;
    one->bytes[14] = (uint8_t)(count >> 8);
    one->bytes[15] = (uint8_t)count;
    one->count = HEAD + (size_t)count;
  }
  free(speech);
  free(opus);
  return true;
}

static void on_opened(bench_loop *loop, bench_connection *connection) {
  const devices *state = loop->owner;
  char text[256];
  const int count = snprintf(text, sizeof text,
                             "{\"type\":\"hello\",\"version\":2,\"transport\":\"websocket\","
                             "\"audio_params\":{\"format\":\"opus\",\"sample_rate\":24000,"
                             "\"channels\":1,\"frame_duration\":%u}}",
                             state->config->opus_frame_ms);
  bench_send(loop, connection, text, (size_t)count);
}

static void hear(devices *state, device *one, const uint8_t *bytes, size_t count) {
  const uint32_t frame_ms = state->config->opus_frame_ms;
  const int64_t now_us = bench_now_ns() / 1000;
  if (count < HEAD) return;
  const uint32_t stamp =
      (uint32_t)bytes[8] << 24 | (uint32_t)bytes[9] << 16 | (uint32_t)bytes[10] << 8 | bytes[11];
  if (!one->heard) {
    one->heard = true;
    one->next_stamp = stamp;
    state->open++;
    state->report->opened++;
    bench_histogram_add(&state->report->setup, (uint64_t)(now_us - one->dialled_us));
  }
  bench_frames *frames = &state->report->frames;
  frames->received++;
  if (stamp > one->next_stamp)
    frames->lost += (stamp - one->next_stamp) / frame_ms;
  else if (stamp < one->next_stamp)
    frames->reordered++;
  one->next_stamp = stamp + frame_ms;
}

static void on_message(bench_loop *loop, bench_connection *connection, const uint8_t *bytes,
                       size_t count) {
  devices *state = loop->owner;
  device *one = connection->owner;
  if (count == 0 || bytes[0] != '{') {
    hear(state, one, bytes, count);
    return;
  }
  if (one->open || !memmem(bytes, count, "\"hello\"", 7)) return;
  one->open = true;
  /* Each has its own phase within a frame. */
  one->next_us = bench_now_ns() / 1000 +
                 (int64_t)((size_t)(one - state->all) % state->config->opus_frame_ms) * US_PER_MS;
}

static void on_closed(bench_loop *loop, bench_connection *connection) {
  devices *state = loop->owner;
  device *one = connection->owner;
  if (one->open && !loop->done) state->report->failed++;
  one->open = false;
  one->connection = NULL;
}

static void speak(bench_loop *loop, devices *state, device *one, int64_t now_us) {
  while (one->open && one->next_us <= now_us) {
    const packet *next = &state->packets[one->position++ % PACKETS];
    bench_send_binary(loop, one->connection, next->bytes, next->count);
    state->report->sent++;
    one->next_us += (int64_t)state->config->opus_frame_ms * US_PER_MS;
  }
}

static void dial_more(bench_loop *loop, devices *state, int64_t now_us) {
  const bench_callers_config *config = state->config;
  const int64_t passed_ms = (now_us - state->began_us) / US_PER_MS;
  const uint64_t due = config->ramp_ms == 0
                           ? config->calls
                           : (uint64_t)passed_ms * config->calls / config->ramp_ms + 1;
  while (state->dialled < config->calls && state->dialled < due) {
    device *one = &state->all[state->dialled++];
    one->dialled_us = now_us;
    one->connection = bench_connect(loop, config->port, one);
    if (!one->connection) state->report->failed++;
  }
}

static void follow_time(bench_loop *loop, devices *state, int64_t now_us) {
  const bench_callers_config *config = state->config;
  const bool late = now_us - state->began_us > (int64_t)(config->ramp_ms + 15000) * 1000;
  if (state->measured_us == 0 && (state->open + state->report->failed >= config->calls || late)) {
    state->measured_us = now_us;
    state->cpu = bench_cpu_seconds();
    if (config->progress) config->progress(0, state->open);
  }
  if (state->measured_us == 0) return;
  const uint32_t second = (uint32_t)((now_us - state->measured_us) / 1000000);
  if (second != state->second && config->progress) config->progress(second, state->open);
  state->second = second;
  if (second < config->seconds) return;
  if (state->quiet_us == 0) {
    state->quiet_us = now_us;
    state->report->seconds = (double)(now_us - state->measured_us) / 1e6;
    state->report->cpu_seconds = bench_cpu_seconds() - state->cpu;
  }
  if (now_us - state->quiet_us < QUIET_MS * US_PER_MS) return;
  loop->done = true;
  for (uint32_t i = 0; i < state->dialled; i++)
    if (state->all[i].connection) bench_close(loop, state->all[i].connection);
}

static void on_tick(bench_loop *loop, int64_t now_us) {
  devices *state = loop->owner;
  dial_more(loop, state, now_us);
  for (uint32_t i = 0; i < state->dialled && state->quiet_us == 0; i++)
    speak(loop, state, &state->all[i], now_us);
  follow_time(loop, state, now_us);
}

int bench_run_devices(const bench_callers_config *config, bench_report *report) {
  static const bench_role role = {on_opened, on_message, on_closed, on_tick, NULL};
  if (config->calls == 0 || config->calls > BENCH_CALLS_MAX) return -1;
  devices *state = calloc(1, sizeof *state);
  if (!state) abort();
  state->config = config;
  state->report = report;
  bench_loop loop;
  if (!encode_packets(state) || !bench_loop_init(&loop, &role, state)) return -1;
  loop.client_path = config->path;
  state->all = calloc(config->calls, sizeof *state->all);
  state->began_us = bench_now_ns() / 1000;
  bench_loop_run(&loop);
  free(state->all);
  free(state);
  return report->opened > 0 ? 0 : -1;
}
