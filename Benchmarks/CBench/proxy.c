/* proxy.c - a bad network in user space, between relay and model: it delays, throttles, and hurts
 * each connection once. It knows nothing of what it carries. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net.h"

enum {
  US_PER_MS = 1000,
  QUEUE_BYTES_MAX = 1 << 20, /* Of one direction; then its sender is not read. */
  THROTTLE_BURST_MS = 50,    /* A throttled direction never sends more than this at once. */
};

typedef struct chunk {
  struct chunk *next;
  int64_t due_us;
  size_t count;
  size_t taken;
  uint8_t bytes[];
} chunk;

typedef struct direction {
  chunk *first;
  chunk **end;
  size_t bytes;
  int64_t allowed_from_us; /* The throttle: nothing is sent before. */
} direction;

typedef struct passage {
  struct passage *next;
  bench_connection *relay; /* NULL once it is closed. */
  bench_connection *model;
  direction to_relay;
  direction to_model;
  int64_t fault_us; /* 0: none, or it is over. */
  bool corrupts;    /* The next byte towards the relay. */
  bool silent;
} passage;

typedef struct proxy {
  const bench_proxy_config *config;
  passage *passages;
  uint32_t count;
} proxy;

static void queue(direction *way, const uint8_t *bytes, size_t count, int64_t due_us) {
  chunk *one = malloc(sizeof *one + count);
  if (!one) abort();
  *one = (chunk){.due_us = due_us, .count = count};
  memcpy(one->bytes, bytes, count);
  *way->end = one;
  way->end = &one->next;
  way->bytes += count;
}

static void drop_queue(direction *way) {
  while (way->first) {
    chunk *next = way->first->next;
    free(way->first);
    way->first = next;
  }
  way->end = &way->first;
  way->bytes = 0;
}

/* How many bytes the throttle lets through now; takes them from the allowance. */
static size_t allowed(direction *way, uint32_t bytes_per_s, size_t count, int64_t now_us) {
  if (bytes_per_s == 0) return count;
  if (way->allowed_from_us > now_us) return 0;
  const size_t burst = (size_t)bytes_per_s * THROTTLE_BURST_MS / 1000 + 1;
  const size_t take = count < burst ? count : burst;
  way->allowed_from_us = now_us + (int64_t)(take * 1000000 / bytes_per_s);
  return take;
}

static void send_due(bench_loop *loop, direction *way, bench_connection *from, bench_connection *to,
                     uint32_t bytes_per_s, int64_t now_us) {
  while (way->first && way->first->due_us <= now_us && to) {
    chunk *one = way->first;
    const size_t take = allowed(way, bytes_per_s, one->count - one->taken, now_us);
    if (take == 0) break;
    bench_send_raw(loop, to, one->bytes + one->taken, take);
    one->taken += take;
    way->bytes -= take;
    if (one->taken < one->count) continue;
    way->first = one->next;
    if (!way->first) way->end = &way->first;
    free(one);
  }
  if (from) bench_set_reading(loop, from, way->bytes < QUEUE_BYTES_MAX);
}

static void on_opened(bench_loop *loop, bench_connection *connection) {
  proxy *state = loop->owner;
  passage *one = calloc(1, sizeof *one);
  if (!one) abort();
  one->to_relay.end = &one->to_relay.first;
  one->to_model.end = &one->to_model.first;
  one->relay = connection;
  connection->owner = one;
  one->next = state->passages;
  state->passages = one;
  const bench_proxy_config *config = state->config;
  if (config->fault != BENCH_FAULT_NONE && state->count++ < config->faulty_connections)
    one->fault_us =
        bench_now_ns() / 1000 +
        (int64_t)(config->fault_after_ms + (uint32_t)rand() % (config->fault_after_ms + 1)) *
            US_PER_MS;
  one->model = bench_connect(loop, config->target_port, one);
  if (!one->model) bench_close(loop, connection);
}

static void on_bytes(bench_loop *loop, bench_connection *connection, uint8_t *bytes, size_t count) {
  proxy *state = loop->owner;
  passage *one = connection->owner;
  if (one->silent) return;
  const int64_t due_us = bench_now_ns() / 1000 + (int64_t)state->config->delay_ms * US_PER_MS;
  if (connection == one->relay) {
    queue(&one->to_model, bytes, count, due_us);
  } else {
    if (one->corrupts) bytes[count / 2] ^= 0x20;
    one->corrupts = false;
    queue(&one->to_relay, bytes, count, due_us);
  }
}

static void on_closed(bench_loop *loop, bench_connection *connection) {
  passage *one = connection->owner;
  bench_connection *other = connection == one->relay ? one->model : one->relay;
  if (connection == one->relay)
    one->relay = NULL;
  else
    one->model = NULL;
  /* What has come is still passed on; an end in silence is not seen by the other side. */
  if (!other || one->silent) return;
  const direction *way = connection == one->model ? &one->to_relay : &one->to_model;
  if (way->bytes == 0) bench_close(loop, other);
}

static void strike(bench_loop *loop, const bench_proxy_config *config, passage *one) {
  one->fault_us = 0;
  const struct linger reset = {.l_onoff = 1, .l_linger = 0};
  switch (config->fault) {
    case BENCH_FAULT_NONE: break;
    case BENCH_FAULT_RESET:
      if (one->relay)
        setsockopt(one->relay->descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
      __attribute__((fallthrough));
    case BENCH_FAULT_CUT:
      drop_queue(&one->to_relay);
      drop_queue(&one->to_model);
      if (one->relay) bench_close(loop, one->relay);
      break;
    case BENCH_FAULT_HALF_CLOSE:
      if (one->relay) shutdown(one->relay->descriptor, SHUT_WR);
      break;
    case BENCH_FAULT_CORRUPT: one->corrupts = true; break;
    case BENCH_FAULT_SILENCE: one->silent = true; break;
  }
}

static void on_tick(bench_loop *loop, int64_t now_us) {
  proxy *state = loop->owner;
  const bench_proxy_config *config = state->config;
  for (passage **at = &state->passages; *at;) {
    passage *one = *at;
    if (one->fault_us != 0 && one->fault_us <= now_us) strike(loop, config, one);
    send_due(loop, &one->to_relay, one->model, one->relay, config->bytes_per_s, now_us);
    send_due(loop, &one->to_model, one->relay, one->model, 0, now_us);
    if (!one->model && one->relay && one->to_relay.bytes == 0 && !one->silent)
      bench_close(loop, one->relay);
    if (!one->relay && one->model && (one->to_model.bytes == 0 || one->silent))
      bench_close(loop, one->model);
    if (one->relay || one->model) {
      at = &one->next;
      continue;
    }
    *at = one->next;
    drop_queue(&one->to_relay);
    drop_queue(&one->to_model);
    free(one);
  }
}

int bench_run_proxy(const bench_proxy_config *config) {
  static const bench_role role = {on_opened, NULL, on_closed, on_tick, on_bytes};
  proxy state = {.config = config};
  bench_loop loop;
  if (!bench_loop_init(&loop, &role, &state)) return -1;
  const uint16_t port = bench_listen(&loop, 0);
  if (port == 0) return -1;
  config->listening(port);
  bench_loop_run(&loop);
  return 0;
}
