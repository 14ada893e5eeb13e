/* model.c - a model on one thread: hears appends, speaks a 200 ms delta five times a second. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "speech.h"
#include "trk_base64.h"

enum { DELTA_MS = 200, DELTA_BYTES = 1600, PCM_RATE = 24000, US_PER_MS = 1000 };
enum { PCM_SAMPLES = DELTA_MS * PCM_RATE / 1000, PCM_DELTAS = 15 };

typedef struct session {
  bench_connection *connection;
  struct session *next;
  uint32_t number;
  uint32_t heard;    /* The caller's next counter. */
  uint32_t said;     /* Frames. */
  uint32_t response; /* Number of the present response; 0: none yet. */
  bool began;
  bool synced;                     /* `heard` is known. */
  int64_t next_us;                 /* The next delta. */
  int64_t barge_us;                /* The next interruption; 0: none. */
  uint8_t part[BENCH_FRAME_BYTES]; /* Of a frame that goes on in the next append. */
  size_t part_count;
} session;

typedef struct model {
  const bench_model_config *config;
  bench_report *report;
  session *sessions;
  uint32_t count;
  double cpu;
  int64_t began_us;
  char *pcm[PCM_DELTAS]; /* What it says, in base64. */
} model;

static void say(bench_loop *loop, session *one, const char *text) {
  bench_send(loop, one->connection, text, strlen(text));
}

static void on_opened(bench_loop *loop, bench_connection *connection) {
  model *state = loop->owner;
  session *one = calloc(1, sizeof *one);
  if (!one) abort();
  one->connection = connection;
  one->number = state->count++;
  one->next = state->sessions;
  state->sessions = one;
  connection->owner = one;
  say(loop, one,
      "{\"type\":\"session.created\",\"event_id\":\"e1\",\"session\":{\"type\":\"realtime\","
      "\"id\":\"sess_1\"}}");
}

static void begin_response(bench_loop *loop, session *one, int64_t now_us) {
  one->response++;
  char text[512];
  snprintf(text, sizeof text,
           "{\"type\":\"response.created\",\"event_id\":\"e\",\"response\":{\"id\":\"resp_%u\","
           "\"object\":\"realtime.response\",\"status\":\"in_progress\",\"output\":[]}}",
           one->response);
  say(loop, one, text);
  snprintf(text, sizeof text,
           "{\"type\":\"response.output_item.added\",\"event_id\":\"e\",\"response_id\":"
           "\"resp_%u\",\"output_index\":0,\"item\":{\"id\":\"item_%u\",\"type\":\"message\","
           "\"status\":\"in_progress\",\"role\":\"assistant\",\"content\":[]}}",
           one->response, one->response);
  say(loop, one, text);
  one->next_us = now_us;
}

static void interrupt(bench_loop *loop, session *one, int64_t now_us) {
  char text[512];
  snprintf(text, sizeof text,
           "{\"type\":\"input_audio_buffer.speech_started\",\"event_id\":\"e\","
           "\"audio_start_ms\":1,\"item_id\":\"item_u%u\"}",
           one->response);
  say(loop, one, text);
  snprintf(text, sizeof text,
           "{\"type\":\"response.done\",\"event_id\":\"e\",\"response\":{\"id\":\"resp_%u\","
           "\"status\":\"cancelled\",\"status_details\":{\"type\":\"cancelled\",\"reason\":"
           "\"turn_detected\"},\"output\":[]}}",
           one->response);
  say(loop, one, text);
  snprintf(text, sizeof text,
           "{\"type\":\"input_audio_buffer.speech_stopped\",\"event_id\":\"e\","
           "\"audio_end_ms\":2,\"item_id\":\"item_u%u\"}",
           one->response);
  say(loop, one, text);
  begin_response(loop, one, now_us);
}

static void take_append(model *state, session *one, const uint8_t *text, size_t count) {
  const char *audio;
  size_t audio_count;
  uint8_t bytes[16384 + BENCH_FRAME_BYTES];
  if (!bench_find_value(text, count, "\"audio\"", &audio, &audio_count)) return;
  if (trk_base64_decoded_max(audio_count) > 16384) return;
  /* A relay may cut the audio anywhere: frames are put together again. */
  memcpy(bytes, one->part, one->part_count);
  if (state->config->pcm) {
    state->report->frames.received++;
    return;
  }
  const ptrdiff_t decoded = trk_base64_decode(bytes + one->part_count, audio, audio_count);
  if (decoded < 0) return;
  const size_t total = one->part_count + (size_t)decoded;
  const size_t whole = total - total % BENCH_FRAME_BYTES;
  one->part_count = total - whole;
  if (whole > 0) {
    if (!one->synced) memcpy(&one->heard, bytes + 4, 4);
    one->synced = true;
    bench_check(&state->report->frames, bytes, whole, &one->heard);
  }
  memcpy(one->part, bytes + whole, one->part_count);
}

static bool is_append(const uint8_t *bytes, size_t count) {
  static const char type[] = "input_audio_buffer.append";
  const char *value;
  size_t value_count;
  return bench_find_value(bytes, count, "\"type\"", &value, &value_count) &&
         value_count == sizeof type - 1 && memcmp(value, type, value_count) == 0;
}

static void on_message(bench_loop *loop, bench_connection *connection, const uint8_t *bytes,
                       size_t count) {
  model *state = loop->owner;
  session *one = connection->owner;
  const int64_t now_us = bench_now_ns() / 1000;
  if (is_append(bytes, count)) {
    take_append(state, one, bytes, count);
    if (one->began) return;
    one->began = true;
    state->report->opened++;
    if (state->began_us == 0) state->began_us = now_us;
    begin_response(loop, one, now_us + (int64_t)(one->number % DELTA_MS) * US_PER_MS);
    if (state->config->barge_in_seconds > 0)
      one->barge_us = now_us + (int64_t)state->config->barge_in_seconds * 1000000;
  } else if (memmem(bytes, count, "session.update", 14)) {
    if (state->config->pcm)
      say(loop, one,
          "{\"type\":\"session.updated\",\"event_id\":\"e\",\"session\":{\"type\":\"realtime\","
          "\"id\":\"sess_1\",\"audio\":{\"input\":{\"format\":{\"type\":\"audio/pcm\","
          "\"rate\":24000}},\"output\":{\"format\":{\"type\":\"audio/pcm\",\"rate\":24000}}}}}");
    else
      say(loop, one,
          "{\"type\":\"session.updated\",\"event_id\":\"e\",\"session\":{\"type\":\"realtime\","
          "\"id\":\"sess_1\",\"audio\":{\"input\":{\"format\":{\"type\":\"audio/pcmu\"}},"
          "\"output\":{\"format\":{\"type\":\"audio/pcmu\"}}}}}");
  } else if (memmem(bytes, count, "conversation.item.truncate", 26)) {
    state->report->truncations++;
  }
}

static void on_closed(bench_loop *loop, bench_connection *connection) {
  model *state = loop->owner;
  for (session **at = &state->sessions; *at; at = &(*at)->next) {
    if ((*at)->connection != connection) continue;
    session *one = *at;
    *at = one->next;
    free(one);
    return;
  }
}

static void make_pcm(model *state) {
  for (size_t i = 0; i < PCM_DELTAS; i++) {
    int16_t samples[PCM_SAMPLES];
    bench_speech(samples, PCM_SAMPLES, i * PCM_SAMPLES, PCM_RATE);
    state->pcm[i] = calloc(1, sizeof samples * 4 / 3 + 8);
    if (!state->pcm[i]) abort();
    trk_base64_encode(state->pcm[i], (const uint8_t *)samples, sizeof samples);
  }
}

static void send_pcm(bench_loop *loop, model *state, session *one) {
  char text[14000];
  const int count = snprintf(text, sizeof text,
                             "{\"type\":\"response.output_audio.delta\",\"event_id\":\"e\","
                             "\"response_id\":\"resp_%u\",\"item_id\":\"item_%u\","
                             "\"output_index\":0,\"content_index\":0,\"delta\":\"%s\"}",
                             one->response, one->response, state->pcm[one->said++ % PCM_DELTAS]);
  bench_send(loop, one->connection, text, (size_t)count);
  state->report->sent++;
}

static void send_delta(bench_loop *loop, model *state, session *one) {
  if (state->config->pcm) {
    send_pcm(loop, state, one);
    return;
  }
  uint8_t audio[DELTA_BYTES];
  memset(audio, 0xFF, sizeof audio);
  for (size_t at = 0; at < sizeof audio; at += BENCH_FRAME_BYTES)
    bench_stamp(audio + at, one->number, one->said++);
  char text[2600];
  int count = snprintf(text, sizeof text,
                       "{\"type\":\"response.output_audio.delta\",\"event_id\":\"e\","
                       "\"response_id\":\"resp_%u\",\"item_id\":\"item_%u\",\"output_index\":0,"
                       "\"content_index\":0,\"delta\":\"",
                       one->response, one->response);
  count += (int)trk_base64_encode(text + count, audio, sizeof audio);
  text[count++] = '"';
  text[count++] = '}';
  bench_send(loop, one->connection, text, (size_t)count);
  state->report->sent += DELTA_BYTES / BENCH_FRAME_BYTES;
}

static void on_tick(bench_loop *loop, int64_t now_us) {
  model *state = loop->owner;
  for (session *one = state->sessions; one; one = one->next) {
    if (!one->began || one->connection->descriptor < 0) continue;
    if (one->barge_us != 0 && one->barge_us <= now_us) {
      one->barge_us += (int64_t)state->config->barge_in_seconds * 1000000;
      interrupt(loop, one, now_us);
    }
    while (one->next_us <= now_us) {
      send_delta(loop, state, one);
      one->next_us += DELTA_MS * US_PER_MS;
    }
  }
}

int bench_run_model(const bench_model_config *config, bench_report *report) {
  static const bench_role role = {on_opened, on_message, on_closed, on_tick, NULL};
  model state = {.config = config, .report = report};
  if (config->pcm) make_pcm(&state);
  bench_loop loop;
  if (!bench_loop_init(&loop, &role, &state)) return -1;
  if (config->certificate_file) {
    loop.server_tls = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_mode(loop.server_tls,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (SSL_CTX_use_certificate_chain_file(loop.server_tls, config->certificate_file) != 1 ||
        SSL_CTX_use_PrivateKey_file(loop.server_tls, config->key_file, SSL_FILETYPE_PEM) != 1)
      return -1;
  }
  const uint16_t port = bench_listen(&loop, config->port);
  if (port == 0) return -1;
  config->listening(port);
  bench_loop_run(&loop);
  report->cpu_seconds = bench_cpu_seconds();
  if (state.began_us != 0) report->seconds = (double)(bench_now_ns() / 1000 - state.began_us) / 1e6;
  return 0;
}
