/* listen.c - listeners and accepted connections. */
#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024 }; /* Connections that the system keeps for us; it may keep fewer. */

/* ---- Accepting ---- */

trk_leg *trk_listen_make_leg(trk_listener *listener, int descriptor) {
  trk_loop *loop = listener->loop;
  trk_socket *socket = trk_alloc(loop, sizeof *socket);
  trk_leg *leg = socket ? trk_leg_create(loop, true) : NULL;
  if (!leg) {
    loop->stats.legs_refused_full++;
    trk_free(loop, socket);
    return NULL;
  }
  socket->loop = loop;
  socket->leg = leg;
  leg->socket = socket;
  leg->listener = listener;
  leg->state = TRK_LEG_REQUEST;
  uv_tcp_init(&loop->uv, &socket->tcp);
  if (uv_tcp_open(&socket->tcp, descriptor) < 0) {
    close(descriptor);
    trk_leg_kill(leg);
    return leg;
  }
  uv_tcp_nodelay(&socket->tcp, 1);
  trk_leg_set_deadline(leg, loop->config.head_deadline_ms);
  return leg;
}

/* Makes a leg of a connection, or drops it when there is no room. */
static void take_connection(trk_listener *listener, int descriptor, const struct sockaddr *from) {
  trk_loop *loop = listener->loop;
  trk_address *address = trk_address_take(loop, from);
  trk_leg *leg = address ? trk_listen_make_leg(listener, descriptor) : NULL;
  if (!leg) {
    loop->stats.legs_refused_address += !address;
    trk_address_give(loop, address);
    close(descriptor);
    return;
  }
  leg->address = address;
  trk_address_text(from, leg->peer);
  loop->stats.legs_accepted++;
  if (leg->state == TRK_LEG_DEAD) return;
  if (listener->tls && !trk_tls_begin_server(leg, listener->tls)) {
    trk_leg_fail(leg, 1006, TRK_CLOSE_TLS, 0, "TLS can not be set up");
    return;
  }
  trk_leg_begin_reading(leg);
}

static int accept_one(const trk_listener *listener, struct sockaddr_storage *from) {
  socklen_t count = sizeof *from;
  return accept4(listener->descriptor, (struct sockaddr *)from, &count,
                 SOCK_NONBLOCK | SOCK_CLOEXEC);
}

/* The first in the system's queue gets the spare descriptor for long enough to be refused. */
static void refuse_one(trk_listener *listener) {
  static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n"
                             "Connection: close\r\n\r\n";
  if (listener->spare < 0) return;
  close(listener->spare);
  struct sockaddr_storage from;
  const int descriptor = accept_one(listener, &from);
  if (descriptor >= 0) {
    /* What it has said is read first: with unread bytes a close would take the answer back. */
    if (!listener->tls) {
      uint8_t *receive = listener->loop->receive;
      while (recv(descriptor, receive, TRK_RECEIVE_BYTES, MSG_DONTWAIT) == TRK_RECEIVE_BYTES) {
      }
      send(descriptor, busy, sizeof busy - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    close(descriptor);
  }
  listener->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_readable(uv_poll_t *poll, int status, int events);

/* A listener that is ready and can not accept would spin: it is not looked at for a moment. */
static void rest(trk_listener *listener) {
  trk_loop *loop = listener->loop;
  loop->stats.accept_failures++;
  refuse_one(listener);
  uv_poll_stop(&listener->poll);
  trk_wheel_arm(loop, &listener->rest, loop->now_us / TRK_US_PER_MS + loop->config.accept_pause_ms);
}

void trk_listen_on_timer(trk_timer *timer) {
  trk_listener *listener = TRK_OWNER_OF(timer, trk_listener, rest);
  if (listener->spare < 0) listener->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
  uv_poll_start(&listener->poll, UV_READABLE, on_readable);
}

/* Takes a share of what waits, so that open legs are served between two of them. */
static void on_readable(uv_poll_t *poll, int status, int events) {
  (void)events;
  trk_listener *listener = TRK_OWNER_OF(poll, trk_listener, poll);
  trk_loop_touch(listener->loop);
  for (int i = 0; status == 0 && i < TRK_ACCEPTS_PER_TURN; i++) {
    struct sockaddr_storage from;
    const int descriptor = accept_one(listener, &from);
    if (descriptor >= 0) {
      take_connection(listener, descriptor, (const struct sockaddr *)&from);
      continue;
    }
    if (errno == EAGAIN) return;
    /* These are faults of the connection, which is gone (accept(2)): the next may be well. */
    if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO || errno == EPERM) continue;
    rest(listener);
    return;
  }
  if (status < 0) rest(listener);
}

/* ---- Opening and closing ---- */

static int open_socket(const trk_listen_config *config, struct sockaddr_storage *address) {
  struct sockaddr_in *v4 = (struct sockaddr_in *)address;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;
  const char *host = config->host[0] ? config->host : "0.0.0.0";
  memset(address, 0, sizeof *address);
  if (uv_ip4_addr(host, config->port, v4) != 0 && uv_ip6_addr(host, config->port, v6) != 0)
    return -EADDRNOTAVAIL;
  const int descriptor = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -errno;
  const int on = 1;
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  /* Only when asked: otherwise a second server on the port must be an error. */
  if (config->reuse_port) setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  const socklen_t count =
      address->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
  if (bind(descriptor, (const struct sockaddr *)address, count) == 0 &&
      listen(descriptor, BACKLOG) == 0)
    return descriptor;
  const int error = -errno;
  close(descriptor);
  return error;
}

static uint16_t port_of(const trk_listener *listener) {
  struct sockaddr_storage address;
  socklen_t count = sizeof address;
  if (getsockname(listener->descriptor, (struct sockaddr *)&address, &count) < 0) return 0;
  return ntohs(address.ss_family == AF_INET ? ((struct sockaddr_in *)&address)->sin_port
                                            : ((struct sockaddr_in6 *)&address)->sin6_port);
}

/* Legs that have not sent their request yet still look at its paths: it lives as long as the loop.
 */
static void on_listener_closed(uv_handle_t *handle) {
  trk_listener *listener = TRK_OWNER_OF(handle, trk_listener, poll);
  close(listener->descriptor);
  if (listener->spare >= 0) close(listener->spare);
  listener->next = listener->loop->retired_listeners;
  listener->loop->retired_listeners = listener;
}

void trk_listen_release_all(trk_loop *loop) {
  while (loop->retired_listeners) {
    trk_listener *listener = loop->retired_listeners;
    loop->retired_listeners = listener->next;
    SSL_CTX_free(listener->tls);
    trk_free(loop, listener);
  }
}

static bool copy_paths(trk_listener *listener, const trk_listen_config *config) {
  if (config->path_count > TRK_LISTEN_PATHS_MAX) return false;
  for (uint32_t i = 0; i < config->path_count; i++) {
    const char *path = config->paths[i];
    if (!path || path[0] != '/' || strlen(path) >= TRK_PATH_MAX) return false;
    strcpy(listener->paths[i], path);
  }
  listener->path_count = config->path_count;
  return true;
}

static int start(trk_listener *listener, int descriptor) {
  const int status = uv_poll_init(&listener->loop->uv, &listener->poll, descriptor);
  if (status < 0) {
    close(descriptor);
    return status;
  }
  listener->descriptor = descriptor;
  listener->rest.kind = TRK_TIMER_LISTEN;
  listener->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
  uv_poll_start(&listener->poll, UV_READABLE, on_readable);
  return 0;
}

trk_status trk_loop_listen(trk_loop *loop, const trk_listen_config *config, uint16_t *port,
                           int32_t *detail) {
  *detail = 0;
  if (loop->closing) return TRK_ECLOSING;
  if ((config->certificate_file == NULL) != (config->key_file == NULL)) return TRK_EINVALID;
  trk_listener *listener = trk_alloc(loop, sizeof *listener);
  if (!listener) return TRK_ENOMEM;
  listener->loop = loop;
  listener->tag = config->tag;
  listener->hands_over = config->hands_over;
  trk_status status = copy_paths(listener, config) ? TRK_OK : TRK_EINVALID;
  if (status == TRK_OK && config->certificate_file) {
    listener->tls = trk_tls_server(loop, config->certificate_file, config->key_file);
    if (!listener->tls) status = TRK_ETLS;
  }
  struct sockaddr_storage address;
  const int descriptor = status == TRK_OK ? open_socket(config, &address) : -1;
  if (status == TRK_OK) *detail = descriptor < 0 ? descriptor : start(listener, descriptor);
  if (*detail < 0) status = TRK_ESYSTEM;
  if (status != TRK_OK) {
    SSL_CTX_free(listener->tls);
    trk_free(loop, listener);
    return status;
  }
  *port = port_of(listener);
  listener->next = loop->listeners;
  loop->listeners = listener;
  return TRK_OK;
}

trk_status trk_loop_set_certificate(trk_loop *loop, uint32_t tag, const char *certificate_file,
                                    const char *key_file) {
  for (trk_listener *listener = loop->listeners; listener; listener = listener->next) {
    if (listener->tag != tag) continue;
    if (!listener->tls) return TRK_EUNSUPPORTED;
    SSL_CTX *context = trk_tls_server(loop, certificate_file, key_file);
    if (!context) return TRK_ETLS;
    SSL_CTX_free(listener->tls); /* Connections that use it hold a reference of their own. */
    listener->tls = context;
    return TRK_OK;
  }
  return TRK_ESTALE;
}

void trk_listen_close_all(trk_loop *loop) {
  while (loop->listeners) {
    trk_listener *listener = loop->listeners;
    loop->listeners = listener->next;
    trk_wheel_cancel(loop, &listener->rest);
    uv_close((uv_handle_t *)&listener->poll, on_listener_closed);
  }
}

void trk_loop_unlisten(trk_loop *loop) {
  trk_listen_close_all(loop);
}
