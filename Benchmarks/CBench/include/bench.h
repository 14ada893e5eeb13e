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

/* The monotonic clock. */
int64_t bench_now_ns(void);

/* The first microsecond that a bucket counts. */
uint64_t bench_bucket_floor(uint32_t bucket);

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
  uint64_t replaced;    /* Callers: calls that hung up for a new one. */
  uint64_t sent;        /* Frames sent. */
  uint64_t truncations; /* The model: conversation.item.truncate messages. */
  uint64_t clears;      /* Callers: clear messages. */
  double cpu_seconds;   /* Of this process while audio flowed. */
  double seconds;
  bench_frames frames;
  bench_histogram setup; /* Callers: from connect to the first audio heard. */
} bench_report;

/* Binds this process to the cores from first to last; false when the system refuses. */
bool bench_bind_cores(uint32_t first, uint32_t last);

/* This process ends when the one that started it does, however that was. */
void bench_end_with_parent(void);

/* Bytes of the heap that are in use, in all arenas; after giving back what is free. */
uint64_t bench_heap_bytes(void);

/* Descriptors that this process has open. */
uint32_t bench_open_descriptors(void);

typedef struct bench_callers_config {
  uint16_t port;
  const char *path;
  uint32_t calls;
  uint32_t seconds;       /* Measured, after all calls are open. */
  uint32_t ramp_ms;       /* For opening them. */
  uint32_t opus_frame_ms; /* Devices: of one packet. */
  uint32_t churn_per_s;   /* Calls that hang up and are replaced, the oldest first. */
  bool follows_losses;    /* The model starts anew under the calls: order is not checked, and
                             `talking` is told every 100 ms. */
  void (*progress)(uint32_t second, uint32_t open);      /* Once a second; may be NULL. */
  void (*talking)(uint64_t passed_ms, uint32_t talking); /* Calls that were just spoken to. */
} bench_callers_config;

/* Runs callers against ws://127.0.0.1:port/path. 0, or -1 when no call could be opened. */
int bench_run_callers(const bench_callers_config *config, bench_report *report);

/* Runs devices that speak Opus, by the second version of xiaozhi's protocol; without churn. 0, or
 * -1 when no call could be opened, or Opus is not built in. */
int bench_run_devices(const bench_callers_config *config, bench_report *report);

typedef struct bench_model_config {
  uint16_t port;                /* 0 picks one. */
  const char *certificate_file; /* NULL: plain. */
  const char *key_file;
  bool pcm;                  /* It hears and speaks PCM16 at 24,000 Hz, without stamps. */
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

/* What the proxy does to each connection, once. */
typedef enum bench_fault {
  BENCH_FAULT_NONE,
  BENCH_FAULT_CUT,        /* Both ends are closed in mid-stream. */
  BENCH_FAULT_RESET,      /* The same, with a reset. */
  BENCH_FAULT_HALF_CLOSE, /* The relay sees the end; what it sends still arrives. */
  BENCH_FAULT_CORRUPT,    /* One byte towards the relay is changed. */
  BENCH_FAULT_SILENCE,    /* Nothing more is passed on, and nothing is closed. */
} bench_fault;

typedef struct bench_proxy_config {
  uint16_t target_port;
  uint32_t delay_ms;    /* Of every byte, both ways. */
  uint32_t bytes_per_s; /* Towards the relay, for each connection; 0: no limit. */
  bench_fault fault;
  uint32_t fault_after_ms;     /* From a connection's start, plus up to as much again by chance. */
  uint32_t faulty_connections; /* The first so many; later ones are let alone. */
  void (*listening)(uint16_t port);
} bench_proxy_config;

/* Stands between relay and model until SIGTERM. */
int bench_run_proxy(const bench_proxy_config *config);

/* ---- Micro-benchmarks ---- */

typedef struct bench_micro {
  const char *name;
  double ns;        /* For one frame or message. */
  double bytes;     /* That it reads. */
  double memcpy_ns; /* To copy as many, in the same run. */
} bench_micro;

enum { BENCH_MICRO_MAX = 32 };

/* Times every codec on one frame of a call; returns how many are in `out`. */
uint32_t bench_run_micro(bench_micro *out);

#endif
