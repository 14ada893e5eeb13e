/* leg_http.c - the HTTP upgrade on a leg, as server and as client. */
#include "listen.h"

#include <stdio.h>
#include <sys/random.h>

#include "trk_base64.h"

enum { BODY_MAX = 512 };

static trk_http_limits limits_of(const trk_leg *leg) {
  return (trk_http_limits){.head_max = leg->loop->config.head_bytes_max,
                           .line_max = leg->loop->config.head_line_max};
}

static const char *reason_of(int32_t status) {
  switch (status) {
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 426: return "Upgrade Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    default: return "Error";
  }
}

/* Answers with a status and ends the connection. 0 ends it without a word (a silent peer). */
void trk_leg_answer_error(trk_leg *leg, int32_t status) {
  leg->loop->stats.upgrades_refused += status != 0;
  trk_leg_record_close(leg, 1006, TRK_CLOSE_REFUSED, status, "", 0);
  if (status == 0) {
    trk_leg_kill(leg);
    return;
  }
  const char *reason = reason_of(status);
  const char *extra = status == 426   ? "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                      : status == 405 ? "Allow: GET\r\n"
                                      : "";
  char text[BODY_MAX];
  const int count = snprintf(text, sizeof text,
                             "HTTP/1.1 %d %s\r\nContent-Type: text/plain; charset=utf-8\r\n"
                             "Content-Length: %zu\r\nConnection: close\r\n%s\r\n%s\n",
                             status, reason, strlen(reason) + 1, extra, reason);
  trk_chain_append(leg->loop, &leg->out, text, (size_t)count);
  trk_leg_linger(leg);
}

/* ---- Server ---- */

static int32_t path_index(const trk_listener *listener, trk_bytes path) {
  for (uint32_t i = 0; i < listener->path_count; i++) {
    const char *known = listener->paths[i];
    if (strlen(known) == path.count && memcmp(known, path.data, path.count) == 0) return (int32_t)i;
  }
  return -1;
}

static bool is_method(const trk_http_head *head, const char *name) {
  const size_t count = strlen(name);
  return head->method.count == count && memcmp(head->method.data, name, count) == 0;
}

/* What is not for a registered path, and is not handed over. */
static int32_t plain_status(const trk_http_head *head) {
  return is_method(head, "GET") || is_method(head, "HEAD") || is_method(head, "POST") ? 404 : 405;
}

/* Tells the request; nothing more is read before it is answered. */
static void await_answer(trk_leg *leg, trk_event_kind kind, int32_t path, size_t head_count) {
  trk_address_give(leg->loop, leg->address);
  leg->address = NULL;
  leg->state = TRK_LEG_AWAIT;
  leg->announced = true;
  trk_leg_set_deadline(leg, leg->loop->config.accept_deadline_ms);
  trk_batch_push(leg->loop, (trk_event){.kind = kind,
                                        .leg = leg->id,
                                        .a = path,
                                        .b = leg->ssl != NULL,
                                        .c = (int32_t)leg->listener->tag,
                                        .bytes = {leg->head.data, head_count}});
}

static void take_request(trk_leg *leg, size_t head_count) {
  trk_http_head head;
  int32_t status = trk_http_parse_request(&head, leg->head.data, head_count, limits_of(leg));
  trk_bytes key = {NULL, 0};
  int32_t path = -1;
  if (status == 0) {
    path = path_index(leg->listener, head.path);
    leg->is_plain = path < 0 && leg->listener->hands_over;
    if (path < 0) status = leg->is_plain ? 0 : -plain_status(&head);
    if (path >= 0) status = trk_http_check_upgrade(&head, &key);
  }
  if (status < 0) {
    trk_leg_answer_error(leg, -status);
    return;
  }
  if (leg->is_plain) {
    await_answer(leg, TRK_EVENT_LEG_PLAIN, path, 0);
    return;
  }
  trk_http_accept(leg->accept, (const char *)key.data);
  await_answer(leg, TRK_EVENT_LEG_REQUEST, path, head_count);
}

trk_status trk_leg_choose_protocol(trk_loop *loop, trk_leg_id id, const char *name) {
  trk_leg *leg = trk_leg_find(loop, id);
  if (!leg) return TRK_ESTALE;
  if (leg->state != TRK_LEG_AWAIT || leg->is_plain) return TRK_EUNSUPPORTED;
  trk_http_head head;
  const size_t count = strlen(name);
  if (count > TRK_PROTOCOL_MAX ||
      trk_http_parse_request(&head, leg->head.data, leg->head.count, limits_of(leg)) != 0 ||
      !trk_http_has_token(&head, "sec-websocket-protocol", name))
    return TRK_EINVALID;
  memcpy(leg->protocol, name, count + 1);
  return TRK_OK;
}

trk_status trk_leg_accept(trk_loop *loop, trk_leg_id id) {
  trk_leg *leg = trk_leg_find(loop, id);
  if (!leg) return TRK_ESTALE;
  if (leg->state != TRK_LEG_AWAIT || leg->is_plain) return TRK_EUNSUPPORTED;
  char text[200];
  const bool names = leg->protocol[0] != 0;
  const int count =
      snprintf(text, sizeof text,
               "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
               "Connection: Upgrade\r\nSec-WebSocket-Accept: %.*s\r\n%s%s%s\r\n",
               TRK_HTTP_ACCEPT_COUNT, leg->accept, names ? "Sec-WebSocket-Protocol: " : "",
               leg->protocol, names ? "\r\n" : "");
  if (!trk_chain_append(loop, &leg->out, text, (size_t)count)) return TRK_EFULL;
  trk_buffer_release(loop, &leg->head);
  trk_leg_mark_dirty(leg);
  trk_leg_opened(leg);
  /* Frames that came with the request are read once the caller of this has said whose they are. */
  trk_leg_defer(leg);
  return TRK_OK;
}

trk_status trk_leg_refuse(trk_loop *loop, trk_leg_id id, int32_t status) {
  trk_leg *leg = trk_leg_find(loop, id);
  if (!leg) return TRK_ESTALE;
  if (leg->state != TRK_LEG_AWAIT) return TRK_EUNSUPPORTED;
  if (status < 400 || status > 599) return TRK_EINVALID;
  trk_leg_answer_error(leg, status);
  return TRK_OK;
}

/* ---- Client ---- */

static int append_request(char *text, size_t size, const trk_dial_config *config, const char *key) {
  const bool is_v6 = strchr(config->host, ':') != NULL;
  char port[8] = "";
  if (config->port != (config->tls ? 443 : 80)) snprintf(port, sizeof port, ":%u", config->port);
  return snprintf(text, size,
                  "GET %s HTTP/1.1\r\nHost: %s%s%s%s\r\nUpgrade: websocket\r\n"
                  "Connection: Upgrade\r\nSec-WebSocket-Key: %.*s\r\n"
                  "Sec-WebSocket-Version: 13\r\n%s\r\n",
                  config->target, is_v6 ? "[" : "", config->host, is_v6 ? "]" : "", port,
                  TRK_HTTP_KEY_COUNT, key, config->headers ? config->headers : "");
}

bool trk_leg_send_upgrade(trk_leg *leg, const trk_dial_config *config) {
  uint8_t nonce[16];
  if (getrandom(nonce, sizeof nonce, 0) != sizeof nonce) return false;
  char key[TRK_HTTP_KEY_COUNT];
  trk_base64_encode(key, nonce, sizeof nonce);
  trk_http_accept(leg->accept, key);
  char text[8192];
  const int count = append_request(text, sizeof text, config, key);
  if (count < 0 || (size_t)count >= sizeof text) return false;
  leg->state = TRK_LEG_RESPONSE;
  const bool queued = trk_chain_append(leg->loop, &leg->out, text, (size_t)count);
  OPENSSL_cleanse(text, (size_t)count); /* It holds the key. */
  trk_leg_mark_dirty(leg);
  return queued;
}

enum { RETRY_AFTER_DIGITS_MAX = 9 };

/* A date counts from the answer's own Date: no decision here depends on our wall clock. */
static int32_t seconds_until(const trk_http_head *head, trk_bytes until) {
  const int64_t then = trk_http_date(until);
  const int64_t now = trk_http_date(trk_http_find(head, "date"));
  if (then < 0 || now < 0 || then <= now) return -1;
  return then - now > INT32_MAX ? INT32_MAX : (int32_t)(then - now);
}

/* Retry-After in seconds (RFC 9110 section 10.2.3). -1 when it is absent, nonsense, or a date that
 * is past or stands in an answer without a date of its own. */
static int32_t retry_after_of(const trk_http_head *head) {
  const trk_bytes value = trk_http_find(head, "retry-after");
  if (value.count == TRK_HTTP_DATE_COUNT) return seconds_until(head, value);
  if (value.count == 0 || value.count > RETRY_AFTER_DIGITS_MAX) return -1;
  int32_t seconds = 0;
  for (size_t i = 0; i < value.count; i++) {
    if (value.data[i] < '0' || value.data[i] > '9') return -1;
    seconds = seconds * 10 + (value.data[i] - '0');
  }
  return seconds;
}

/* An answer's body is not read: it may have no end, and its text may repeat our key. */
static void take_response(trk_leg *leg, size_t head_count) {
  trk_http_head head;
  if (trk_http_parse_response(&head, leg->head.data, head_count, limits_of(leg)) < 0) {
    trk_leg_fail(leg, 1006, TRK_CLOSE_PROTOCOL, 0, "the answer is not HTTP/1.1");
    return;
  }
  if (head.status >= 100 && head.status < 200 && head.status != 101) return; /* The next is due. */
  if (head.status != 101) {
    trk_leg_record_close(leg, 1006, TRK_CLOSE_REFUSED, head.status, (const char *)head.reason.data,
                         head.reason.count);
    leg->retry_after_s = retry_after_of(&head);
    trk_leg_kill(leg);
    return;
  }
  if (!trk_http_check_accept(&head, leg->accept)) {
    trk_leg_fail(leg, 1006, TRK_CLOSE_PROTOCOL, 101, "the upgrade's answer is wrong");
    return;
  }
  trk_leg_opened(leg);
}

/* ---- Both ---- */

/* Gathers the head. Bytes behind it stay in the caller's hands. Returns the bytes used. */
size_t trk_leg_read_head(trk_leg *leg, uint8_t *bytes, size_t count) {
  const size_t before = leg->head.count;
  const size_t limit = leg->loop->config.head_bytes_max;
  const size_t take = count < limit - before + 1 ? count : limit - before + 1;
  if (!trk_buffer_append(leg->loop, &leg->head, bytes, take)) {
    trk_leg_fail(leg, 1006, TRK_CLOSE_LIMIT, 0, "no memory for a head");
    return count;
  }
  const int32_t end =
      trk_http_head_end(leg->head.data, leg->head.count, &leg->head_scanned, limits_of(leg));
  if (end == 0) return take;
  if (end < 0) {
    if (leg->is_server)
      trk_leg_answer_error(leg, -end);
    else
      trk_leg_fail(leg, 1006, TRK_CLOSE_PROTOCOL, 0,
                   end == -431 ? "the answer's head is too big" : "the answer is not HTTP/1.1");
    return count;
  }
  const size_t used = (size_t)end - before;
  leg->head.count = (size_t)end;
  if (leg->is_server)
    take_request(leg, (size_t)end);
  else
    take_response(leg, (size_t)end);
  leg->head_scanned = 0;
  if (leg->state == TRK_LEG_RESPONSE)
    leg->head.count = 0; /* A 1xx head is passed over. */
  else if (!leg->is_server)
    trk_buffer_release(leg->loop, &leg->head);
  return used;
}
