/* micro.c - what one frame costs in each codec, beside memcpy of as many bytes in the same run.
 *
 * Each case runs in rounds; the fastest round counts, since noise only ever adds. */
#include <stdio.h>
#include <string.h>

#include "net.h"
#include "trk_base64.h"
#include "trk_realtime.h"
#include "trk_twilio.h"
#include "trk_ulaw.h"

enum {
  ROUNDS = 40,
  REPEATS = 4000,
  FRAME_BYTES = 160,  /* 20 ms of mu-law. */
  DELTA_BYTES = 1600, /* 200 ms. */
};

static uint8_t ulaw[DELTA_BYTES];
static char base64[4 * DELTA_BYTES];
static size_t frame_base64_count;
static uint8_t media_text[1024];
static size_t media_count;
static uint8_t delta_text[4096];
static size_t delta_count;
static uint8_t out[8192];
static int16_t samples[DELTA_BYTES];
static uint8_t masked[1024];
static size_t masked_count;
static volatile uint64_t sink;

static void prepare(void) {
  for (size_t i = 0; i < sizeof ulaw; i++) ulaw[i] = (uint8_t)(i * 37 + i / 7);
  frame_base64_count = trk_base64_encode(base64, ulaw, FRAME_BYTES);
  media_count = (size_t)snprintf(
      (char *)media_text, sizeof media_text,
      "{\"event\":\"media\",\"sequenceNumber\":\"4711\",\"media\":{\"track\":\"inbound\","
      "\"chunk\":\"4710\",\"timestamp\":\"94200\",\"payload\":\"%.*s\"},"
      "\"streamSid\":\"MZ00000000000000000000000000000001\"}",
      (int)frame_base64_count, base64);
  char delta[4 * DELTA_BYTES];
  const size_t count = trk_base64_encode(delta, ulaw, DELTA_BYTES);
  delta_count = (size_t)snprintf(
      (char *)delta_text, sizeof delta_text,
      "{\"type\":\"response.output_audio.delta\",\"event_id\":\"event_BkZ1\",\"response_id\":"
      "\"resp_BkZ1\",\"item_id\":\"item_BkZ1\",\"output_index\":0,\"content_index\":0,"
      "\"delta\":\"%.*s\"}",
      (int)count, delta);
  static const uint8_t mask[4] = {0x12, 0x34, 0x56, 0x78};
  const size_t header = trk_ws_write_header(masked, TRK_WS_TEXT, media_count, mask);
  memcpy(masked + header, media_text, media_count);
  trk_ws_mask(masked + header, media_count, mask, 0);
  masked_count = header + media_count;
}

static void read_frame(void) {
  /* The reader unmasks in place: a copy of the frame is part of the figure. */
  memcpy(out, masked, masked_count);
  trk_ws_reader reader;
  const trk_ws_limits limits = {.message_max = 65536, .fragments_max = 256};
  trk_ws_reader_init(&reader, true, limits);
  size_t used = 0;
  sink += trk_ws_read(&reader, out, masked_count, &used).bytes.count;
}

static void unmask(void) {
  static const uint8_t mask[4] = {0x12, 0x34, 0x56, 0x78};
  trk_ws_mask(media_text, media_count, mask, 0);
  trk_ws_mask(media_text, media_count, mask, 0);
}

static void scan_media(void) {
  trk_twilio_message message;
  sink += (uint64_t)trk_twilio_parse(&message, media_text, media_count, out);
}

static void scan_delta(void) {
  trk_rt_event event;
  sink += (uint64_t)trk_rt_scan(&event, delta_text, delta_count, out);
}

static void encode_frame(void) {
  sink += trk_base64_encode((char *)out, ulaw, FRAME_BYTES);
}

static void decode_frame(void) {
  sink += (uint64_t)trk_base64_decode(out, base64, frame_base64_count);
}

static void check_frame(void) {
  sink += (uint64_t)trk_base64_check(base64, frame_base64_count);
}

static void decode_ulaw(void) {
  trk_ulaw_decode(samples, ulaw, FRAME_BYTES);
}

static void encode_ulaw(void) {
  trk_ulaw_encode(out, samples, FRAME_BYTES);
}

static void level(void) {
  sink += trk_ulaw_level(ulaw, FRAME_BYTES).peak;
}

static void write_media(void) {
  static const char sid[] = "MZ00000000000000000000000000000001";
  const trk_bytes name = {(const uint8_t *)sid, sizeof sid - 1};
  sink += trk_twilio_write_media(out, sizeof out, name, ulaw, FRAME_BYTES);
}

static size_t copied;

static void copy(void) {
  memcpy(out, delta_text, copied);
  /* The compiler may not leave the copy out. */
  __asm__ volatile("" : : "r"(out) : "memory");
}

static double fastest_ns(void (*body)(void)) {
  int64_t best = INT64_MAX;
  for (int round = 0; round < ROUNDS; round++) {
    const int64_t from = bench_now_ns();
    for (int i = 0; i < REPEATS; i++) body();
    const int64_t took = bench_now_ns() - from;
    if (took < best) best = took;
  }
  return (double)best / (double)REPEATS;
}

uint32_t bench_run_micro(bench_micro *results) {
  prepare();
  const struct {
    const char *name;
    void (*body)(void);
    size_t bytes;
    uint32_t times; /* Frames that one run of the body handles. */
  } cases[] = {
      {"unmask a media message", unmask, media_count, 2},
      {"WebSocket: copy and read its frame", read_frame, masked_count, 1},
      {"scan a Twilio media message", scan_media, media_count, 1},
      {"scan a Realtime delta of 200 ms", scan_delta, delta_count, 1},
      {"base64 encode 20 ms", encode_frame, FRAME_BYTES, 1},
      {"base64 decode 20 ms", decode_frame, frame_base64_count, 1},
      {"base64 check 20 ms", check_frame, frame_base64_count, 1},
      {"µ-law to PCM16, 20 ms", decode_ulaw, FRAME_BYTES, 1},
      {"PCM16 to µ-law, 20 ms", encode_ulaw, FRAME_BYTES * 2, 1},
      {"level of 20 ms of µ-law", level, FRAME_BYTES, 1},
      {"write a media message of 20 ms", write_media, FRAME_BYTES, 1},
  };
  const uint32_t count = sizeof cases / sizeof cases[0];
  for (uint32_t i = 0; i < count; i++) {
    copied = cases[i].bytes;
    results[i] = (bench_micro){
        .name = cases[i].name,
        .ns = fastest_ns(cases[i].body) / cases[i].times,
        .bytes = (double)cases[i].bytes,
        .memcpy_ns = fastest_ns(copy),
    };
  }
  return count;
}
