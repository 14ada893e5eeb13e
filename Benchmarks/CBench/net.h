/* net.h - connections of the load: epoll, optional TLS, WebSocket frames by the core's codecs. */
#ifndef BENCH_NET_H
#define BENCH_NET_H
#include <openssl/ssl.h>
#include <stddef.h>

#include "bench.h"
#include "trk_ws.h"

enum { BENCH_FRAME_BYTES = 160, BENCH_READ_BYTES = 65536 };

typedef enum bench_state { BENCH_CONNECTING, BENCH_TLS, BENCH_HEAD, BENCH_OPEN } bench_state;

typedef struct bench_connection {
  int descriptor;
  bool is_server;
  bool paused; /* Not read from. */
  bench_state state;
  SSL *ssl;
  void *owner;
  trk_ws_reader reader;
  uint8_t *message; /* Parts of a message that came in several reads. */
  size_t message_count;
  size_t message_capacity;
  uint8_t *out; /* What the system did not take yet. */
  size_t out_count;
  size_t out_capacity;
  char head[2048];
  size_t head_count;
  struct bench_connection *peer; /* The floor and the proxy: the other leg. */
  struct bench_connection *next_closed;
} bench_connection;

typedef struct bench_loop bench_loop;

/* What a role does with its connections. */
typedef struct bench_role {
  void (*opened)(bench_loop *loop, bench_connection *connection);
  void (*message)(bench_loop *loop, bench_connection *connection, const uint8_t *bytes,
                  size_t count);
  void (*closed)(bench_loop *loop, bench_connection *connection);
  void (*tick)(bench_loop *loop, int64_t now_us); /* Every millisecond; NULL: never. */
  /* Takes bytes as they come, without head, frames or TLS; NULL: WebSockets. */
  void (*raw)(bench_loop *loop, bench_connection *connection, uint8_t *bytes, size_t count);
} bench_role;

struct bench_loop {
  int epoll;
  int listener; /* -1: none. */
  const bench_role *role;
  void *owner;
  SSL_CTX *server_tls;
  SSL_CTX *client_tls;
  const char *client_path;
  bench_connection *closed; /* Freed when no event can name them any more. */
  bool done;
};

double bench_cpu_seconds(void);

bool bench_loop_init(bench_loop *loop, const bench_role *role, void *owner);
/* Listens on loopback, on `port` or, for 0, on one of the system's; returns it, or 0. */
uint16_t bench_listen(bench_loop *loop, uint16_t port);
bench_connection *bench_connect(bench_loop *loop, uint16_t port, void *owner);
/* Runs until `done` or SIGTERM. */
void bench_loop_run(bench_loop *loop);
void bench_send(bench_loop *loop, bench_connection *connection, const char *text, size_t count);
void bench_send_binary(bench_loop *loop, bench_connection *connection, const uint8_t *bytes,
                       size_t count);
void bench_send_raw(bench_loop *loop, bench_connection *connection, const uint8_t *bytes,
                    size_t count);
/* The role's `closed` is called; the connection is gone when the present events are handled. */
void bench_close(bench_loop *loop, bench_connection *connection);
/* Whether it is read from; not reading lets the peer's bytes pile up. */
void bench_set_reading(bench_loop *loop, bench_connection *connection, bool reading);

/* The text that follows `key` (with its quotes), with spaces or without: bridges of others may
 * write them. No parser: the load knows what it is sent. */
bool bench_find_value(const uint8_t *bytes, size_t count, const char *key, const char **value,
                      size_t *value_count);

/* One frame's mark in its first bytes. */
void bench_stamp(uint8_t *frame, uint32_t call, uint32_t counter);
/* Checks the frames of a run of audio and their order; `next` is the expected counter. */
void bench_check(bench_frames *frames, const uint8_t *audio, size_t count, uint32_t *next);

#endif
