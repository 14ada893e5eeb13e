/* handover.c - connections that are given to an HTTP server, and those that come back from it. */
#include <errno.h>
#include <fcntl.h>

#include "listen.h"

/* Over TLS the plain bytes go through a pair of sockets. What was read behind the head is the
 * caller's now; its bytes live until the leg's next turn. */
static trk_status hand_over_pump(trk_leg *leg, trk_handed *out) {
  const trk_bytes head = {leg->head.data, leg->head.count};
  const trk_bytes rest = {leg->backlog.data, leg->backlog.count};
  const int descriptor = trk_pump_begin(leg);
  if (descriptor < 0) return TRK_ESYSTEM;
  *out = (trk_handed){.descriptor = descriptor, .head = head, .rest = rest};
  leg->loop->stats.handed_over++;
  leg->backlog.count = 0;
  trk_leg_defer(leg);
  return TRK_OK;
}

/* A duplicate goes, our own end is closed as libuv wants it: that takes the old number out of the
 * system's poll set (uv_close) and leaves the connection open. */
trk_status trk_leg_hand_over(trk_loop *loop, trk_leg_id id, trk_handed *out) {
  trk_leg *leg = trk_leg_find(loop, id);
  if (!leg) return TRK_ESTALE;
  if (leg->state != TRK_LEG_AWAIT || !leg->is_plain) return TRK_EUNSUPPORTED;
  if (leg->ssl) return hand_over_pump(leg, out);
  uv_os_fd_t own = -1;
  if (uv_fileno((uv_handle_t *)&leg->socket->tcp, &own) < 0) return TRK_ESYSTEM;
  const int descriptor = fcntl(own, F_DUPFD_CLOEXEC, 0);
  if (descriptor < 0) return TRK_ESYSTEM;
  *out = (trk_handed){.descriptor = descriptor,
                      .head = {leg->head.data, leg->head.count},
                      .rest = {leg->backlog.data, leg->backlog.count}};
  loop->stats.handed_over++;
  trk_leg_fail(leg, 1006, TRK_CLOSE_LOCAL, 0, "handed over");
  return TRK_OK;
}

static trk_listener *find_listener(const trk_loop *loop, uint32_t tag) {
  for (trk_listener *listener = loop->listeners; listener; listener = listener->next)
    if (listener->tag == tag) return listener;
  return NULL;
}

trk_status trk_loop_adopt(trk_loop *loop, const trk_adopt_config *config) {
  trk_listener *listener = find_listener(loop, config->tag);
  if (!listener || loop->closing) return TRK_ECLOSING;
  if (config->count > loop->config.head_bytes_max || strlen(config->peer) >= TRK_PEER_MAX)
    return TRK_EINVALID;
  trk_buffer read = {0};
  if (!trk_buffer_append(loop, &read, config->bytes, config->count)) return TRK_ENOMEM;
  trk_leg *leg = trk_listen_make_leg(listener, config->descriptor);
  if (!leg) {
    trk_buffer_release(loop, &read);
    return TRK_EFULL;
  }
  loop->stats.adopted++;
  strcpy(leg->peer, config->peer);
  leg->backlog = read;
  if (leg->state == TRK_LEG_DEAD) return TRK_OK;
  trk_leg_begin_reading(leg);
  trk_leg_defer(leg); /* Its bytes are read in this turn, behind the caller's work. */
  return TRK_OK;
}

trk_status trk_leg_peer(trk_loop *loop, trk_leg_id id, char *out) {
  const trk_leg *leg = trk_leg_find(loop, id);
  if (!leg) return TRK_ESTALE;
  strcpy(out, leg->peer);
  return TRK_OK;
}
