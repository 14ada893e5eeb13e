/* measure.c - histograms, frame checks and clocks. */
#include <dirent.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include "net.h"

enum { STEPS = 64 };

int64_t bench_now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

double bench_cpu_seconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

bool bench_bind_cores(uint32_t first, uint32_t last) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  for (uint32_t core = first; core <= last && core < CPU_SETSIZE; core++) CPU_SET(core, &cores);
  return sched_setaffinity(0, sizeof cores, &cores) == 0;
}

void bench_end_with_parent(void) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
}

uint64_t bench_heap_bytes(void) {
  malloc_trim(0);
  const struct mallinfo2 heap = mallinfo2();
  return (uint64_t)heap.uordblks + (uint64_t)heap.hblkhd;
}

uint32_t bench_open_descriptors(void) {
  DIR *folder = opendir("/proc/self/fd");
  if (!folder) return 0;
  uint32_t count = 0;
  while (readdir(folder)) count++;
  closedir(folder);
  return count - 3; /* ".", ".." and the folder itself. */
}

/* Exact up to 64 us, then 64 steps in each doubling: 1.6 % wide. */
static size_t bucket_of(uint64_t us) {
  if (us < STEPS) return (size_t)us;
  const int octave = 63 - __builtin_clzll(us) - 6;
  const size_t index = (size_t)(octave + 1) * STEPS + (size_t)((us >> octave) - STEPS);
  return index < BENCH_BUCKETS ? index : BENCH_BUCKETS - 1;
}

uint64_t bench_bucket_floor(uint32_t bucket) {
  if (bucket < STEPS) return bucket;
  const uint32_t octave = bucket / STEPS - 1;
  return (uint64_t)(bucket % STEPS + STEPS) << octave;
}

void bench_histogram_add(bench_histogram *histogram, uint64_t us) {
  histogram->counts[bucket_of(us)]++;
  histogram->total++;
  if (us > histogram->max_us) histogram->max_us = us;
}

uint64_t bench_percentile(const bench_histogram *histogram, double share) {
  uint64_t left = (uint64_t)(share * (double)histogram->total);
  for (uint32_t i = 0; i < BENCH_BUCKETS; i++) {
    if (histogram->counts[i] > left) return bench_bucket_floor(i);
    left -= histogram->counts[i];
  }
  return histogram->max_us;
}

void bench_stamp(uint8_t *frame, uint32_t call, uint32_t counter) {
  const int64_t now_ns = bench_now_ns();
  memcpy(frame, &call, 4);
  memcpy(frame + 4, &counter, 4);
  memcpy(frame + 8, &now_ns, 8);
}

void bench_check(bench_frames *frames, const uint8_t *audio, size_t count, uint32_t *next) {
  const int64_t now_ns = bench_now_ns();
  for (size_t at = 0; at + BENCH_FRAME_BYTES <= count; at += BENCH_FRAME_BYTES) {
    uint32_t counter;
    int64_t made_ns;
    memcpy(&counter, audio + at + 4, 4);
    memcpy(&made_ns, audio + at + 8, 8);
    frames->received++;
    if (counter == *next) {
      (*next)++;
    } else if (counter > *next) {
      frames->lost += counter - *next;
      *next = counter + 1;
    } else if (counter + 1 == *next) {
      frames->repeated++;
    } else {
      frames->reordered++;
    }
    if (made_ns <= now_ns)
      bench_histogram_add(&frames->latency, (uint64_t)(now_ns - made_ns) / 1000);
  }
}

static const char *skip_spaces(const char *at, const char *end) {
  while (at < end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r')) at++;
  return at;
}

bool bench_find_value(const uint8_t *bytes, size_t count, const char *key, const char **value,
                      size_t *value_count) {
  const char *at = (const char *)bytes;
  const char *const end = at + count;
  while ((at = memmem(at, (size_t)(end - at), key, strlen(key)))) {
    at += strlen(key);
    const char *next = skip_spaces(at, end);
    if (next == end || *next != ':') continue; /* It is a value itself. */
    next = skip_spaces(next + 1, end);
    if (next == end || *next != '"') continue;
    const char *quote = memchr(next + 1, '"', (size_t)(end - next - 1));
    if (!quote) return false;
    *value = next + 1;
    *value_count = (size_t)(quote - next - 1);
    return true;
  }
  return false;
}
