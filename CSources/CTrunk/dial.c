/* dial.c - dialling: name, addresses, the first that answers (RFC 8305), TLS, upgrade. */
#include "internal.h"

#include <netdb.h>
#include <stdio.h>

struct trk_dial {
  trk_loop *loop;
  trk_leg *leg; /* NULL once it has connected or given up. */
  uv_getaddrinfo_t lookup;
  bool looking_up;
  trk_timer
      timer;      /* When the next address is tried beside the first, or all have had their time. */
  int64_t due_ms; /* When all of it must be done. */
  struct sockaddr_storage addresses[TRK_DIAL_ADDRESSES_MAX];
  uint32_t address_count;
  uint32_t address_next;
  trk_socket *connecting[TRK_DIAL_ADDRESSES_MAX]; /* Attempts under way; NULL: ended. */
  uint32_t connecting_count;
  uint32_t sockets; /* Attempts under way or closing. */
  int32_t last_error;
  char host[TRK_HOST_MAX + 1];
  uint16_t port;
  bool tls;
  SSL_CTX *context;
  char *target; /* One allocation behind the struct for both texts. */
  char *headers;
};

static void release_when_idle(trk_dial *dial) {
  if (dial->leg || dial->looking_up || dial->sockets > 0) return;
  trk_loop *loop = dial->loop;
  trk_wheel_cancel(loop, &dial->timer);
  OPENSSL_cleanse(dial->headers, strlen(dial->headers));
  trk_free(loop, dial->target);
  trk_free(loop, dial);
  loop->dial_count--;
}

static void on_attempt_closed(uv_handle_t *handle) {
  trk_socket *socket = TRK_OWNER_OF(handle, trk_socket, tcp);
  trk_dial *dial = socket->dial;
  trk_free(socket->loop, socket);
  dial->sockets--;
  release_when_idle(dial);
}

/* Takes an attempt off the list. False when it was not there: it is being closed already. */
static bool forget_attempt(trk_dial *dial, const trk_socket *socket) {
  for (size_t i = 0; i < TRK_DIAL_ADDRESSES_MAX; i++) {
    if (dial->connecting[i] != socket) continue;
    dial->connecting[i] = NULL;
    dial->connecting_count--;
    return true;
  }
  return false;
}

static void close_attempts(trk_dial *dial) {
  for (size_t i = 0; i < TRK_DIAL_ADDRESSES_MAX; i++) {
    trk_socket *socket = dial->connecting[i];
    if (!socket) continue;
    forget_attempt(dial, socket);
    uv_close((uv_handle_t *)&socket->tcp, on_attempt_closed);
  }
}

void trk_dial_abandon(trk_dial *dial) {
  dial->leg = NULL;
  close_attempts(dial);
  trk_wheel_cancel(dial->loop, &dial->timer);
  if (dial->looking_up) uv_cancel((uv_req_t *)&dial->lookup);
  release_when_idle(dial);
}

static void give_up(trk_dial *dial, trk_close_cause cause, int32_t error, const char *text) {
  trk_leg *leg = dial->leg;
  trk_leg_fail(leg, 1006, cause, error, text); /* Abandons the dial. */
}

static trk_dial_config config_of(const trk_dial *dial) {
  return (trk_dial_config){.host = dial->host,
                           .port = dial->port,
                           .tls = dial->tls,
                           .target = dial->target,
                           .headers = dial->headers};
}

/* The step that begins now has its own time, within that of the whole. */
static void limit_step(const trk_dial *dial, uint32_t step_ms) {
  const int64_t due_ms = dial->loop->now_us / TRK_US_PER_MS + step_ms;
  trk_wheel_arm(dial->loop, &dial->leg->deadline, due_ms < dial->due_ms ? due_ms : dial->due_ms);
}

/* The connection stands (and TLS, when asked): sends the upgrade. */
void trk_dial_connected(trk_leg *leg) {
  trk_dial *dial = leg->dial;
  const trk_dial_config config = config_of(dial);
  limit_step(dial, dial->loop->config.answer_deadline_ms);
  leg->dial = NULL;
  const bool sent = trk_leg_send_upgrade(leg, &config);
  trk_dial_abandon(dial);
  if (!sent) trk_leg_fail(leg, 1006, TRK_CLOSE_CONNECT, 0, "the upgrade request is too big");
}

static void try_next(trk_dial *dial);

/* One address answered: its socket becomes the leg's; the others close by themselves. */
static void adopt(trk_dial *dial, trk_socket *socket) {
  trk_leg *leg = dial->leg;
  dial->sockets--;
  trk_wheel_cancel(dial->loop, &dial->timer);
  dial->address_next = dial->address_count;
  close_attempts(dial);
  socket->dial = NULL;
  socket->leg = leg;
  leg->socket = socket;
  uv_tcp_nodelay(&socket->tcp, 1);
  if (!dial->tls) {
    trk_dial_connected(leg);
    trk_leg_begin_reading(leg);
    return;
  }
  limit_step(dial, dial->loop->config.tls_deadline_ms);
  if (!trk_tls_begin_client(leg, dial->context, dial->host, dial->port)) {
    trk_leg_fail(leg, 1006, TRK_CLOSE_TLS, 0, "TLS can not be set up");
    return;
  }
  trk_leg_begin_reading(leg);
}

static void on_connect(uv_connect_t *request, int status) {
  trk_socket *socket = TRK_OWNER_OF(request, trk_socket, connect);
  trk_dial *dial = socket->dial;
  if (!dial || !forget_attempt(dial, socket)) return;
  trk_loop_touch(dial->loop);
  if (status == 0) {
    adopt(dial, socket);
    return;
  }
  dial->last_error = status;
  uv_close((uv_handle_t *)&socket->tcp, on_attempt_closed);
  try_next(dial);
}

static bool begin_attempt(trk_dial *dial, const struct sockaddr *address) {
  trk_socket *socket = trk_alloc(dial->loop, sizeof *socket);
  if (!socket) return false;
  socket->loop = dial->loop;
  socket->dial = dial;
  if (uv_tcp_init(&dial->loop->uv, &socket->tcp) < 0) {
    trk_free(dial->loop, socket);
    return false;
  }
  dial->sockets++;
  const int status = uv_tcp_connect(&socket->connect, &socket->tcp, address, on_connect);
  if (status == 0) {
    dial->connecting[dial->address_next - 1] = socket;
    dial->connecting_count++;
    return true;
  }
  dial->last_error = status;
  uv_close((uv_handle_t *)&socket->tcp, on_attempt_closed);
  return false;
}

static void try_next(trk_dial *dial) {
  while (dial->address_next < dial->address_count) {
    const struct sockaddr *address =
        (const struct sockaddr *)&dial->addresses[dial->address_next++];
    if (!begin_attempt(dial, address)) continue;
    const trk_loop_config *config = &dial->loop->config;
    const bool is_last = dial->address_next == dial->address_count;
    trk_wheel_arm(dial->loop, &dial->timer,
                  dial->loop->now_us / TRK_US_PER_MS +
                      (is_last ? config->connect_deadline_ms : config->attempt_delay_ms));
    return;
  }
  if (dial->connecting_count > 0) return;
  give_up(dial, TRK_CLOSE_CONNECT, dial->last_error, uv_strerror(dial->last_error));
}

void trk_dial_on_timer(trk_timer *timer) {
  trk_dial *dial = TRK_OWNER_OF(timer, trk_dial, timer);
  if (!dial->leg || dial->leg->socket) return;
  if (dial->address_next < dial->address_count) {
    try_next(dial);
    return;
  }
  dial->loop->stats.dial_timeouts++;
  give_up(dial, TRK_CLOSE_CONNECT, UV_ETIMEDOUT, uv_strerror(UV_ETIMEDOUT));
}

/* Takes one family at a time, in turns, beginning with what the system put first. */
static void order_addresses(trk_dial *dial, const struct addrinfo *found) {
  const int first_family = found->ai_family;
  const struct addrinfo *lanes[2] = {found, found};
  for (int lane = 0; dial->address_count < TRK_DIAL_ADDRESSES_MAX; lane ^= 1) {
    const struct addrinfo **at = &lanes[lane];
    while (*at && ((*at)->ai_family == first_family) != (lane == 0)) *at = (*at)->ai_next;
    if (!lanes[0] && !lanes[1]) return;
    if (!*at) continue;
    if ((*at)->ai_addrlen <= sizeof dial->addresses[0])
      memcpy(&dial->addresses[dial->address_count++], (*at)->ai_addr, (*at)->ai_addrlen);
    *at = (*at)->ai_next;
  }
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *found) {
  trk_dial *dial = TRK_OWNER_OF(request, trk_dial, lookup);
  dial->looking_up = false;
  trk_loop_touch(dial->loop);
  if (status == 0 && found && dial->leg) order_addresses(dial, found);
  uv_freeaddrinfo(found);
  if (!dial->leg) {
    release_when_idle(dial);
  } else if (status < 0 || dial->address_count == 0) {
    give_up(dial, TRK_CLOSE_RESOLVE, status, status < 0 ? uv_strerror(status) : "no address");
  } else {
    try_next(dial);
  }
}

static bool begin_lookup(trk_dial *dial) {
  char service[8];
  snprintf(service, sizeof service, "%u", dial->port);
  const struct addrinfo hints = {
      .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
  dial->looking_up =
      uv_getaddrinfo(&dial->loop->uv, &dial->lookup, on_resolved, dial->host, service, &hints) == 0;
  return dial->looking_up;
}

static bool use_literal(trk_dial *dial, const char *text) {
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
  if (dial->address_count == TRK_DIAL_ADDRESSES_MAX) return false;
  struct sockaddr_storage *address = &dial->addresses[dial->address_count];
  if (uv_ip4_addr(text, dial->port, &v4) == 0)
    memcpy(address, &v4, sizeof v4);
  else if (uv_ip6_addr(text, dial->port, &v6) == 0)
    memcpy(address, &v6, sizeof v6);
  else
    return false;
  dial->address_count++;
  return true;
}

/* Takes the addresses that came with the dial. False when one of them is none, or there are too
 * many. */
static bool use_addresses(trk_dial *dial, const char *texts) {
  for (const char *at = texts;;) {
    const size_t count = strcspn(at, ",");
    char text[INET6_ADDRSTRLEN];
    if (count >= sizeof text) return false;
    memcpy(text, at, count);
    text[count] = 0;
    if (!use_literal(dial, text)) return false;
    if (at[count] == 0) return true;
    at += count + 1;
  }
}

static trk_dial *create(trk_loop *loop, const trk_dial_config *config) {
  const size_t target_count = strlen(config->target) + 1;
  const char *headers = config->headers ? config->headers : "";
  trk_dial *dial = trk_alloc(loop, sizeof *dial);
  char *texts = trk_alloc(loop, target_count + strlen(headers) + 1);
  if (!dial || !texts) {
    trk_free(loop, dial);
    trk_free(loop, texts);
    return NULL;
  }
  dial->loop = loop;
  dial->timer.kind = TRK_TIMER_DIAL;
  dial->target = memcpy(texts, config->target, target_count);
  dial->headers = memcpy(texts + target_count, headers, strlen(headers) + 1);
  strcpy(dial->host, config->host);
  dial->port = config->port;
  dial->tls = config->tls;
  loop->dial_count++;
  return dial;
}

/* CR or LF in a target would forge headers. */
static bool is_valid(const trk_dial_config *config) {
  const size_t host = strlen(config->host);
  return host > 0 && host <= TRK_HOST_MAX && config->target[0] == '/' &&
         !strpbrk(config->target, " \r\n") && !strpbrk(config->host, " \r\n/@");
}

trk_status trk_leg_dial(trk_loop *loop, const trk_dial_config *config, trk_leg_id *out) {
  if (!is_valid(config)) return TRK_EINVALID;
  if (loop->closing) return TRK_ECLOSING;
  SSL_CTX *context = config->tls ? trk_tls_client(loop, config->ca_file) : NULL;
  if (config->tls && !context) return TRK_ETLS;
  trk_leg *leg = trk_leg_create(loop, false);
  if (!leg) return TRK_EFULL;
  trk_dial *dial = create(loop, config);
  leg->announced = true;
  leg->dial = dial;
  *out = leg->id;
  loop->stats.legs_dialled++;
  if (!dial) {
    trk_leg_fail(leg, 1006, TRK_CLOSE_CONNECT, TRK_ENOMEM, "no memory");
    return TRK_OK;
  }
  dial->leg = leg;
  dial->context = context;
  dial->due_ms = loop->now_us / TRK_US_PER_MS + loop->config.dial_deadline_ms;
  trk_leg_set_deadline(leg, loop->config.dial_deadline_ms);
  if (config->addresses && !use_addresses(dial, config->addresses))
    give_up(dial, TRK_CLOSE_RESOLVE, UV_EAI_FAIL, "an address that came with the dial is none");
  else if (dial->address_count > 0 || use_literal(dial, dial->host))
    try_next(dial);
  else if (!begin_lookup(dial))
    give_up(dial, TRK_CLOSE_RESOLVE, UV_EAI_FAIL, "the name can not be looked up");
  return TRK_OK;
}
