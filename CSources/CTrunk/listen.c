/* listen.c - listeners and accepted connections. */
#include "internal.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024 }; /* Connections that the system keeps for us; it may keep fewer. */

static void free_socket(uv_handle_t *handle) {
  trk_socket *socket = TRK_OWNER_OF(handle, trk_socket, tcp);
  trk_free(socket->loop, socket);
}

static void on_connection(uv_stream_t *stream, int status) {
  trk_listener *listener = TRK_OWNER_OF(stream, trk_listener, tcp);
  trk_loop *loop = listener->loop;
  if (status < 0) return; /* EMFILE: libuv drops the connection and goes on accepting. */
  trk_loop_touch(loop);
  trk_socket *socket = trk_alloc(loop, sizeof *socket);
  if (!socket) return;
  socket->loop = loop;
  uv_tcp_init(&loop->uv, &socket->tcp);
  trk_leg *leg = NULL;
  if (uv_accept(stream, (uv_stream_t *)&socket->tcp) == 0) leg = trk_leg_create(loop, true);
  if (!leg) {
    loop->stats.legs_refused_full++;
    uv_close((uv_handle_t *)&socket->tcp, free_socket);
    return;
  }
  socket->leg = leg;
  leg->socket = socket;
  leg->listener = listener;
  leg->state = TRK_LEG_REQUEST;
  loop->stats.legs_accepted++;
  uv_tcp_nodelay(&socket->tcp, 1);
  trk_leg_set_deadline(leg, loop->config.head_deadline_ms);
  if (listener->tls && !trk_tls_begin_server(leg, listener->tls)) {
    trk_leg_fail(leg, 1006, TRK_CLOSE_TLS, 0, "TLS can not be set up");
    return;
  }
  trk_leg_begin_reading(leg);
}

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
  if (bind(descriptor, (const struct sockaddr *)address, count) == 0) return descriptor;
  const int error = -errno;
  close(descriptor);
  return error;
}

static uint16_t port_of(const trk_listener *listener) {
  struct sockaddr_storage address;
  int count = sizeof address;
  if (uv_tcp_getsockname(&listener->tcp, (struct sockaddr *)&address, &count) < 0) return 0;
  return ntohs(address.ss_family == AF_INET ? ((struct sockaddr_in *)&address)->sin_port
                                            : ((struct sockaddr_in6 *)&address)->sin6_port);
}

/* Legs that have not sent their request yet still look at its paths: it lives as long as the loop.
 */
static void on_listener_closed(uv_handle_t *handle) {
  trk_listener *listener = TRK_OWNER_OF(handle, trk_listener, tcp);
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
  int status = uv_tcp_open(&listener->tcp, descriptor);
  if (status < 0) close(descriptor);
  if (status == 0) status = uv_listen((uv_stream_t *)&listener->tcp, BACKLOG, on_connection);
  return status;
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
  trk_status status = copy_paths(listener, config) ? TRK_OK : TRK_EINVALID;
  if (status == TRK_OK && config->certificate_file) {
    listener->tls = trk_tls_server(loop, config->certificate_file, config->key_file);
    if (!listener->tls) status = TRK_ETLS;
  }
  struct sockaddr_storage address;
  const int descriptor = status == TRK_OK ? open_socket(config, &address) : -1;
  if (status == TRK_OK && descriptor < 0) {
    status = TRK_ESYSTEM;
    *detail = descriptor;
  }
  if (status != TRK_OK) {
    SSL_CTX_free(listener->tls);
    trk_free(loop, listener);
    return status;
  }
  uv_tcp_init(&loop->uv, &listener->tcp);
  *detail = start(listener, descriptor);
  if (*detail < 0) {
    uv_close((uv_handle_t *)&listener->tcp, on_listener_closed);
    return TRK_ESYSTEM;
  }
  *port = port_of(listener);
  listener->next = loop->listeners;
  loop->listeners = listener;
  return TRK_OK;
}

void trk_listen_close_all(trk_loop *loop) {
  while (loop->listeners) {
    trk_listener *listener = loop->listeners;
    loop->listeners = listener->next;
    uv_close((uv_handle_t *)&listener->tcp, on_listener_closed);
  }
}

void trk_loop_unlisten(trk_loop *loop) {
  trk_listen_close_all(loop);
}
