/* bench.h - the load around a relay: callers, a model, and a floor to compare with.
 *
 * Each of the three is one process with one epoll loop, so that the load is never the bottleneck:
 * its own CPU is in its report. Audio carries who it is and when it was made: each 20 ms frame
 * begins with a call, a counter and the monotonic clock in nanoseconds.
 *
 * THREADS    One call of one of these functions per process.
 * OWNERSHIP  Configurations are borrowed for the call.
 * LIMITS     BENCH_CALLS_MAX connections.
 */
#ifndef BENCH_H
#define BENCH_H
#include <stdbool.h>
#include <stdint.h>

enum {
  BENCH_CALLS_MAX = 8000,
  BENCH_BUCKETS = 4096, /* Of a latency histogram: 64 octaves of 64 steps in microseconds. */
};

/* Counts of latencies; see bench_percentile. */
typedef struct bench_histogram {
  uint64_t counts[BENCH_BUCKETS];
  uint64_t total;
  uint64_t max_us;
} bench_histogram;

void bench_histogram_add(bench_histogram *histogram, uint64_t us);
/* The latency in microseconds that this share (0 to 1) of the samples does not exceed. */
uint64_t bench_percentile(const bench_histogram *histogram, double share);

/* Frames of one direction. */
typedef struct bench_frames {
  uint64_t received;
  uint64_t lost;
  uint64_t repeated;
  uint64_t reordered;
  bench_histogram latency;
} bench_frames;

typedef struct bench_report {
  uint64_t opened;      /* Connections whose audio began. */
  uint64_t failed;      /* Connections that broke. */
  uint64_t sent;        /* Frames sent. */
  uint64_t truncations; /* The model: conversation.item.truncate messages. */
  uint64_t clears;      /* Callers: clear messages. */
  double cpu_seconds;   /* Of this process while audio flowed. */
  double seconds;
  bench_frames frames;
  bench_histogram setup; /* Callers: from connect to the first audio heard. */
} bench_report;

typedef struct bench_callers_config {
  uint16_t port;
  uint32_t calls;
  uint32_t seconds;                                 /* Measured, after all calls are open. */
  uint32_t ramp_ms;                                 /* For opening them. */
  void (*progress)(uint32_t second, uint32_t open); /* Once a second; may be NULL. */
} bench_callers_config;

/* Runs callers against ws://127.0.0.1:port/media-stream. 0, or -1 when no call could be opened. */
int bench_run_callers(const bench_callers_config *config, bench_report *report);

typedef struct bench_model_config {
  const char *certificate_file; /* NULL: plain. */
  const char *key_file;
  uint32_t barge_in_seconds; /* The caller is found to speak every so often; 0: never. */
  void (*listening)(uint16_t port);
} bench_model_config;

/* Plays a model until SIGTERM. */
int bench_run_model(const bench_model_config *config, bench_report *report);

typedef struct bench_floor_config {
  uint16_t model_port;
  bool tls;
  void (*listening)(uint16_t port);
} bench_floor_config;

/* A minimal relay until SIGTERM: no policy, no validation, one write a message. */
int bench_run_floor(const bench_floor_config *config);

#endif
