/* net.c - one epoll loop with a millisecond tick; reads whole buffers, writes at once. */
#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "trk_http_head.h"

enum { EVENTS_MAX = 256 };

static volatile sig_atomic_t stopped;

static void on_signal(int number) {
  (void)number;
  stopped = 1;
}

static bool watch(bench_loop *loop, int descriptor, uint32_t events, void *pointer, int how) {
  struct epoll_event event = {.events = events, .data.ptr = pointer};
  return epoll_ctl(loop->epoll, how, descriptor, &event) == 0;
}

bool bench_loop_init(bench_loop *loop, const bench_role *role, void *owner) {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGTERM, on_signal);
  signal(SIGINT, on_signal);
  memset(loop, 0, sizeof *loop);
  loop->role = role;
  loop->owner = owner;
  loop->listener = -1;
  loop->client_path = "/media-stream";
  loop->epoll = epoll_create1(EPOLL_CLOEXEC);
  return loop->epoll >= 0;
}

static struct sockaddr_in loopback(uint16_t port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

uint16_t bench_listen(bench_loop *loop, uint16_t port) {
  struct sockaddr_in address = loopback(port);
  socklen_t count = sizeof address;
  loop->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(loop->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(loop->listener, (struct sockaddr *)&address, count) < 0) return 0;
  if (listen(loop->listener, 1024) < 0) return 0;
  getsockname(loop->listener, (struct sockaddr *)&address, &count);
  watch(loop, loop->listener, EPOLLIN, loop, EPOLL_CTL_ADD);
  return ntohs(address.sin_port);
}

static bench_connection *create(bench_loop *loop, int descriptor, bool is_server, void *owner) {
  const int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  bench_connection *connection = calloc(1, sizeof *connection);
  if (!connection) abort();
  connection->descriptor = descriptor;
  connection->is_server = is_server;
  connection->owner = owner;
  const trk_ws_limits limits = {.message_max = 1 << 24, .fragments_max = 1 << 20};
  trk_ws_reader_init(&connection->reader, is_server, limits);
  SSL_CTX *tls = is_server ? loop->server_tls : loop->client_tls;
  if (tls) {
    connection->ssl = SSL_new(tls);
    SSL_set_fd(connection->ssl, descriptor);
    if (is_server)
      SSL_set_accept_state(connection->ssl);
    else
      SSL_set_connect_state(connection->ssl);
  }
  connection->state = is_server ? (tls ? BENCH_TLS : BENCH_HEAD) : BENCH_CONNECTING;
  if (is_server && loop->role->raw) connection->state = BENCH_OPEN;
  const uint32_t events = is_server ? EPOLLIN : EPOLLIN | EPOLLOUT;
  watch(loop, descriptor, events, connection, EPOLL_CTL_ADD);
  return connection;
}

bench_connection *bench_connect(bench_loop *loop, uint16_t port, void *owner) {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return NULL;
  const struct sockaddr_in address = loopback(port);
  if (connect(descriptor, (const struct sockaddr *)&address, sizeof address) < 0 &&
      errno != EINPROGRESS) {
    close(descriptor);
    return NULL;
  }
  return create(loop, descriptor, false, owner);
}

void bench_close(bench_loop *loop, bench_connection *connection) {
  if (connection->descriptor < 0) return;
  epoll_ctl(loop->epoll, EPOLL_CTL_DEL, connection->descriptor, NULL);
  close(connection->descriptor);
  connection->descriptor = -1;
  SSL_free(connection->ssl);
  connection->ssl = NULL;
  connection->next_closed = loop->closed;
  loop->closed = connection;
  loop->role->closed(loop, connection);
}

static void free_closed(bench_loop *loop) {
  while (loop->closed) {
    bench_connection *connection = loop->closed;
    loop->closed = connection->next_closed;
    free(connection->message);
    free(connection->out);
    free(connection);
  }
}

/* Writing matters while something is kept or the connection is not made yet. */
static void watch_again(bench_loop *loop, bench_connection *connection) {
  uint32_t events = connection->paused ? 0 : EPOLLIN;
  if (connection->out_count > 0 || connection->state == BENCH_CONNECTING) events |= EPOLLOUT;
  watch(loop, connection->descriptor, events, connection, EPOLL_CTL_MOD);
}

void bench_set_reading(bench_loop *loop, bench_connection *connection, bool reading) {
  if (connection->descriptor < 0 || connection->paused != reading) return;
  connection->paused = !reading;
  watch_again(loop, connection);
}

/* ---- Writing ---- */

static void keep(bench_connection *connection, const uint8_t *bytes, size_t count) {
  if (connection->out_count + count > connection->out_capacity) {
    connection->out_capacity = (connection->out_count + count) * 2;
    connection->out = realloc(connection->out, connection->out_capacity);
    if (!connection->out) abort();
  }
  memcpy(connection->out + connection->out_count, bytes, count);
  connection->out_count += count;
}

/* Bytes that were taken, or -1 when the connection broke. */
static ssize_t write_some(bench_connection *connection, const uint8_t *bytes, size_t count) {
  if (connection->ssl) {
    const int written = SSL_write(connection->ssl, bytes, (int)count);
    if (written > 0) return written;
    const int error = SSL_get_error(connection->ssl, written);
    return error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ ? 0 : -1;
  }
  const ssize_t written = send(connection->descriptor, bytes, count, 0);
  if (written >= 0) return written;
  return errno == EAGAIN ? 0 : -1;
}

void bench_send_raw(bench_loop *loop, bench_connection *connection, const uint8_t *bytes,
                    size_t count) {
  if (connection->descriptor < 0) return;
  size_t done = 0;
  if (connection->out_count == 0 && connection->state != BENCH_CONNECTING) {
    const ssize_t written = write_some(connection, bytes, count);
    if (written > 0) done = (size_t)written;
  }
  if (done == count) return;
  keep(connection, bytes + done, count - done);
  watch_again(loop, connection);
}

static void flush_kept(bench_loop *loop, bench_connection *connection) {
  if (connection->out_count > 0) {
    const ssize_t written = write_some(connection, connection->out, connection->out_count);
    if (written > 0) {
      connection->out_count -= (size_t)written;
      memmove(connection->out, connection->out + written, connection->out_count);
    }
  }
  if (connection->out_count == 0) watch_again(loop, connection);
}

static void send_message(bench_loop *loop, bench_connection *connection, trk_ws_opcode opcode,
                         const void *bytes, size_t count) {
  static const uint8_t mask[4] = {0, 0, 0, 0}; /* Masked by the letter of the RFC, at no cost. */
  uint8_t frame[16384];
  if (count + TRK_WS_HEADER_MAX > sizeof frame) abort();
  const size_t header =
      trk_ws_write_header(frame, opcode, count, connection->is_server ? NULL : mask);
  memcpy(frame + header, bytes, count);
  bench_send_raw(loop, connection, frame, header + count);
}

void bench_send(bench_loop *loop, bench_connection *connection, const char *text, size_t count) {
  send_message(loop, connection, TRK_WS_TEXT, text, count);
}

void bench_send_binary(bench_loop *loop, bench_connection *connection, const uint8_t *bytes,
                       size_t count) {
  send_message(loop, connection, TRK_WS_BINARY, bytes, count);
}

/* ---- Reading ---- */

static void take_chunk(bench_loop *loop, bench_connection *connection,
                       const trk_ws_result *result) {
  if (result->first && result->last) {
    loop->role->message(loop, connection, result->bytes.data, result->bytes.count);
    return;
  }
  const size_t needed = connection->message_count + result->bytes.count;
  if (needed > connection->message_capacity) {
    connection->message_capacity = needed * 2;
    connection->message = realloc(connection->message, connection->message_capacity);
    if (!connection->message) abort();
  }
  memcpy(connection->message + connection->message_count, result->bytes.data, result->bytes.count);
  connection->message_count = needed;
  if (!result->last) return;
  connection->message_count = 0;
  loop->role->message(loop, connection, connection->message, needed);
}

static void send_request(bench_loop *loop, bench_connection *connection) {
  char text[256];
  const int count = snprintf(text, sizeof text,
                             "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                             "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                             loop->client_path);
  connection->state = BENCH_HEAD;
  bench_send_raw(loop, connection, (const uint8_t *)text, (size_t)count);
}

static void answer_request(bench_loop *loop, bench_connection *connection) {
  const char *key = strcasestr(connection->head, "sec-websocket-key:");
  if (!key) return;
  key += strlen("sec-websocket-key:");
  while (*key == ' ') key++;
  char accept[TRK_HTTP_ACCEPT_COUNT];
  trk_http_accept(accept, key);
  char text[256];
  const int count = snprintf(text, sizeof text,
                             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                             "Connection: Upgrade\r\nSec-WebSocket-Accept: %.*s\r\n\r\n",
                             TRK_HTTP_ACCEPT_COUNT, accept);
  bench_send_raw(loop, connection, (const uint8_t *)text, (size_t)count);
}

/* Gathers the head; returns the bytes that belong to it. */
static size_t take_head(bench_loop *loop, bench_connection *connection, const uint8_t *bytes,
                        size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (connection->head_count + 1 == sizeof connection->head) return count;
    connection->head[connection->head_count++] = (char)bytes[i];
    if (connection->head_count < 4 ||
        memcmp(connection->head + connection->head_count - 4, "\r\n\r\n", 4) != 0)
      continue;
    connection->head[connection->head_count] = 0;
    if (connection->is_server) answer_request(loop, connection);
    connection->state = BENCH_OPEN;
    loop->role->opened(loop, connection);
    return i + 1;
  }
  return count;
}

static void take(bench_loop *loop, bench_connection *connection, uint8_t *bytes, size_t count) {
  size_t at = 0;
  if (loop->role->raw) {
    loop->role->raw(loop, connection, bytes, count);
    return;
  }
  if (connection->state == BENCH_HEAD) at = take_head(loop, connection, bytes, count);
  while (at < count && connection->descriptor >= 0) {
    size_t used = 0;
    const trk_ws_result result = trk_ws_read(&connection->reader, bytes + at, count - at, &used);
    at += used;
    if (result.kind == TRK_WS_CHUNK) take_chunk(loop, connection, &result);
    if (result.kind == TRK_WS_ERROR ||
        (result.kind == TRK_WS_CONTROL && result.opcode == TRK_WS_CLOSE)) {
      bench_close(loop, connection);
      return;
    }
  }
}

static ssize_t read_some(bench_connection *connection, uint8_t *bytes) {
  if (!connection->ssl) {
    const ssize_t count = recv(connection->descriptor, bytes, BENCH_READ_BYTES, 0);
    return count >= 0 ? (count == 0 ? -1 : count) : errno == EAGAIN ? 0 : -1;
  }
  const int count = SSL_read(connection->ssl, bytes, BENCH_READ_BYTES);
  if (count > 0) return count;
  const int error = SSL_get_error(connection->ssl, count);
  return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

static void on_readable(bench_loop *loop, bench_connection *connection) {
  static uint8_t buffer[BENCH_READ_BYTES];
  do {
    const ssize_t count = read_some(connection, buffer);
    if (count < 0) bench_close(loop, connection);
    if (count <= 0) return;
    take(loop, connection, buffer, (size_t)count);
  } while (connection->ssl && connection->descriptor >= 0 && SSL_pending(connection->ssl) > 0);
}

static void shake_hands(bench_loop *loop, bench_connection *connection) {
  const int result = SSL_do_handshake(connection->ssl);
  if (result != 1) {
    const int error = SSL_get_error(connection->ssl, result);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
      bench_close(loop, connection);
    return;
  }
  if (connection->is_server)
    connection->state = BENCH_HEAD;
  else
    send_request(loop, connection);
}

static void accept_all(bench_loop *loop) {
  for (;;) {
    const int descriptor = accept4(loop->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) return;
    bench_connection *connection = create(loop, descriptor, true, NULL);
    if (loop->role->raw) loop->role->opened(loop, connection);
  }
}

static void on_event(bench_loop *loop, bench_connection *connection, uint32_t events) {
  if (connection->descriptor < 0) return;
  if (connection->state == BENCH_CONNECTING && (events & EPOLLOUT)) {
    connection->state = loop->role->raw ? BENCH_OPEN : BENCH_TLS;
    watch_again(loop, connection);
    if (loop->role->raw)
      flush_kept(loop, connection);
    else if (!connection->ssl)
      send_request(loop, connection);
  } else if ((events & EPOLLOUT) && connection->state > BENCH_TLS) {
    flush_kept(loop, connection);
  }
  if (connection->descriptor >= 0 && connection->state == BENCH_TLS && connection->ssl)
    shake_hands(loop, connection);
  if (connection->descriptor >= 0 && connection->state > BENCH_TLS && (events & ~EPOLLOUT))
    on_readable(loop, connection);
}

void bench_loop_run(bench_loop *loop) {
  const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  const struct itimerspec every = {.it_interval.tv_nsec = 1000000, .it_value.tv_nsec = 1000000};
  if (loop->role->tick) timerfd_settime(timer, 0, &every, NULL);
  watch(loop, timer, EPOLLIN, NULL, EPOLL_CTL_ADD);
  struct epoll_event events[EVENTS_MAX];
  while (!loop->done && !stopped) {
    const int count = epoll_wait(loop->epoll, events, EVENTS_MAX, -1);
    for (int i = 0; i < count; i++) {
      if (events[i].data.ptr == NULL) {
        uint64_t passed;
        if (read(timer, &passed, sizeof passed) > 0) loop->role->tick(loop, bench_now_ns() / 1000);
      } else if (events[i].data.ptr == loop) {
        accept_all(loop);
      } else {
        on_event(loop, events[i].data.ptr, events[i].events);
      }
    }
    free_closed(loop);
  }
  close(timer);
}
