/* floor.c - the least that a relay can do: find the payload, wrap it, write it. No policy, no
 * validation, no pacing; one write a message. What a real relay costs is told as a ratio to this.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"

typedef struct relay {
  uint16_t model_port;
} relay;

typedef struct call {
  char sid[64];
  uint32_t marks;
} call;

static void on_opened(bench_loop *loop, bench_connection *connection) {
  relay *state = loop->owner;
  if (!connection->is_server) return;
  call *one = calloc(1, sizeof *one);
  if (!one) abort();
  connection->owner = one;
  connection->peer = bench_connect(loop, state->model_port, one);
  if (connection->peer) connection->peer->peer = connection;
}

static void from_caller(bench_loop *loop, bench_connection *connection, const uint8_t *bytes,
                        size_t count) {
  const char *value;
  size_t value_count;
  call *one = connection->owner;
  bench_connection *model = connection->peer;
  if (bench_find_value(bytes, count, "\"payload\"", &value, &value_count)) {
    if (!model || model->state != BENCH_OPEN) return;
    char text[8192];
    const int written =
        snprintf(text, sizeof text, "{\"type\":\"input_audio_buffer.append\",\"audio\":\"%.*s\"}",
                 (int)value_count, value);
    bench_send(loop, model, text, (size_t)written);
  } else if (one->sid[0] == 0 &&
             bench_find_value(bytes, count, "\"streamSid\"", &value, &value_count) &&
             value_count < sizeof one->sid) {
    memcpy(one->sid, value, value_count);
  }
}

static void from_model(bench_loop *loop, bench_connection *connection, const uint8_t *bytes,
                       size_t count) {
  const char *value;
  size_t value_count;
  call *one = connection->owner;
  bench_connection *caller = connection->peer;
  if (!caller || caller->descriptor < 0) return;
  if (!bench_find_value(bytes, count, "\"delta\"", &value, &value_count)) return;
  char text[8192];
  int written = snprintf(text, sizeof text,
                         "{\"event\":\"media\",\"streamSid\":\"%s\",\"media\":{\"payload\":"
                         "\"%.*s\"}}",
                         one->sid, (int)value_count, value);
  bench_send(loop, caller, text, (size_t)written);
  written = snprintf(text, sizeof text,
                     "{\"event\":\"mark\",\"streamSid\":\"%s\",\"mark\":{\"name\":\"m%u\"}}",
                     one->sid, one->marks++);
  bench_send(loop, caller, text, (size_t)written);
}

static void on_message(bench_loop *loop, bench_connection *connection, const uint8_t *bytes,
                       size_t count) {
  if (connection->is_server)
    from_caller(loop, connection, bytes, count);
  else
    from_model(loop, connection, bytes, count);
}

static void on_closed(bench_loop *loop, bench_connection *connection) {
  bench_connection *peer = connection->peer;
  connection->peer = NULL;
  if (peer) {
    peer->peer = NULL;
    bench_close(loop, peer);
  }
  if (connection->is_server) free(connection->owner);
}

int bench_run_floor(const bench_floor_config *config) {
  static const bench_role role = {on_opened, on_message, on_closed, NULL, NULL};
  relay state = {.model_port = config->model_port};
  bench_loop loop;
  if (!bench_loop_init(&loop, &role, &state)) return -1;
  loop.client_path = "/v1/realtime";
  if (config->tls) {
    loop.client_tls = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_mode(loop.client_tls,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  }
  const uint16_t port = bench_listen(&loop, 0);
  if (port == 0) return -1;
  config->listening(port);
  bench_loop_run(&loop);
  return 0;
}
