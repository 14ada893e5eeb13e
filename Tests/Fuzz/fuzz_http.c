/* fuzz_http.c - upgrade heads, requests and responses: the end of a head is found alike in every
 * split, and what was parsed, written out again, parses to the same. */
#include "fuzz.h"

#include "trk_http_head.h"

enum { LINES_EXTRA = 64 };

/* ---- The end of a head ---- */

static int32_t end_in_pieces(const uint8_t *bytes, size_t count, trk_http_limits limits,
                             fuzz_splits splits) {
  size_t from = 0;
  for (size_t have = 0; have < count;) {
    have += fuzz_split(&splits, count - have);
    uint8_t *const head = fuzz_copy(bytes, have);
    const int32_t end = trk_http_head_end(head, have, &from, limits);
    free(head);
    if (end != 0) return end;
  }
  return 0;
}

static int32_t check_end(const uint8_t *bytes, size_t count, trk_http_limits limits,
                         uint32_t seed) {
  const int32_t whole = end_in_pieces(bytes, count, limits, (fuzz_splits){0});
  FUZZ_CHECK(whole >= 0 || whole == -400 || whole == -431);
  FUZZ_CHECK(whole <= (int32_t)limits.head_max && whole <= (int32_t)count);
  if (whole > 0) FUZZ_CHECK(memcmp(bytes + whole - 4, "\r\n\r\n", 4) == 0);
  FUZZ_CHECK(end_in_pieces(bytes, count, limits, (fuzz_splits){seed}) == whole);
  /* One by one costs the square of the head's size here, since each prefix is copied. */
  if (count < 600) FUZZ_CHECK(end_in_pieces(bytes, count, limits, (fuzz_splits){1}) == whole);
  return whole;
}

/* ---- What was parsed ---- */

static bool is_clean(trk_bytes bytes) {
  for (size_t i = 0; i < bytes.count; i++)
    if (bytes.data[i] == '\r' || bytes.data[i] == '\n' || bytes.data[i] == 0) return false;
  return true;
}

static void check_headers(const trk_http_head *head, const uint8_t *bytes, size_t count) {
  FUZZ_CHECK(head->header_count <= TRK_HTTP_HEADERS_MAX);
  for (uint32_t i = 0; i < head->header_count; i++) {
    const trk_http_header *const header = &head->headers[i];
    FUZZ_CHECK(fuzz_inside(header->name, bytes, count) && fuzz_inside(header->value, bytes, count));
    FUZZ_CHECK(header->name.count > 0 && is_clean(header->name) && is_clean(header->value));
    FUZZ_CHECK(memchr(header->name.data, ':', header->name.count) == NULL);
    FUZZ_CHECK(memchr(header->name.data, ' ', header->name.count) == NULL);
    char name[64];
    if (header->name.count >= sizeof name) continue;
    memcpy(name, header->name.data, header->name.count);
    name[header->name.count] = '\0';
    const uint32_t same = trk_http_count(head, name);
    FUZZ_CHECK(same >= 1);
    const trk_bytes found = trk_http_find(head, name);
    FUZZ_CHECK((same == 1) == (found.data != NULL));
    if (same == 1) FUZZ_CHECK(fuzz_same(found, header->value.data, header->value.count));
  }
}

typedef struct text {
  uint8_t *bytes;
  size_t count;
} text;

static void put(text *t, trk_bytes bytes) {
  if (bytes.count != 0) memcpy(t->bytes + t->count, bytes.data, bytes.count);
  t->count += bytes.count;
}

static void put_text(text *t, const char *bytes) {
  put(t, (trk_bytes){(const uint8_t *)bytes, strlen(bytes)});
}

/* The head as its own fields say it, without what was trimmed. */
static text write_again(const trk_http_head *head, size_t count, bool old) {
  text t = {fuzz_block(count + LINES_EXTRA + 2 * TRK_HTTP_HEADERS_MAX), 0};
  if (head->method.count != 0) {
    put(&t, head->method);
    put_text(&t, " ");
    put(&t, head->target);
    put_text(&t, old ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
  } else {
    char line[32];
    snprintf(line, sizeof line, "HTTP/1.1 %d ", head->status);
    put_text(&t, line);
    put(&t, head->reason);
    put_text(&t, "\r\n");
  }
  for (uint32_t i = 0; i < head->header_count; i++) {
    put(&t, head->headers[i].name);
    put_text(&t, ": ");
    put(&t, head->headers[i].value);
    put_text(&t, "\r\n");
  }
  put_text(&t, "\r\n");
  return t;
}

static void check_same(const trk_http_head *a, const trk_http_head *b) {
  FUZZ_CHECK(a->status == b->status && a->header_count == b->header_count);
  FUZZ_CHECK(fuzz_same(a->method, b->method.data, b->method.count));
  FUZZ_CHECK(fuzz_same(a->target, b->target.data, b->target.count));
  FUZZ_CHECK(fuzz_same(a->path, b->path.data, b->path.count));
  for (uint32_t i = 0; i < a->header_count; i++) {
    const trk_http_header *const header = &b->headers[i];
    FUZZ_CHECK(fuzz_same(a->headers[i].name, header->name.data, header->name.count));
    FUZZ_CHECK(fuzz_same(a->headers[i].value, header->value.data, header->value.count));
  }
}

static const trk_http_limits wide = {1 << 20, 1 << 20};

/* ---- The two roles ---- */

static void check_request(const uint8_t *bytes, size_t count, trk_http_limits limits) {
  static trk_http_head head, again;
  head = (trk_http_head){0};
  const int32_t status = trk_http_parse_request(&head, bytes, count, limits);
  FUZZ_CHECK(status == 0 || status == -400 || status == -431 || status == -505);
  if (status != 0) return;
  FUZZ_CHECK(fuzz_inside(head.method, bytes, count) && fuzz_inside(head.target, bytes, count));
  FUZZ_CHECK(head.path.data == head.target.data && head.path.count <= head.target.count);
  FUZZ_CHECK(head.target.data[0] == '/' && is_clean(head.target));
  FUZZ_CHECK(memchr(head.path.data, '?', head.path.count) == NULL);
  check_headers(&head, bytes, count);
  const uint8_t *const line_end = memchr(bytes, '\r', count);
  const text t = write_again(&head, count, line_end[-1] == '0');
  FUZZ_CHECK(trk_http_parse_request(&again, t.bytes, t.count, wide) == 0);
  check_same(&head, &again);
  trk_bytes key = {0};
  const int32_t upgrade = trk_http_check_upgrade(&head, &key);
  FUZZ_CHECK(upgrade == 0 || upgrade == -400 || upgrade == -405 || upgrade == -426);
  FUZZ_CHECK(upgrade != 0 || trk_http_wants_websocket(&head));
  FUZZ_CHECK((upgrade == 0) == (key.data != NULL));
  if (upgrade == 0) FUZZ_CHECK(key.count == TRK_HTTP_KEY_COUNT && fuzz_inside(key, bytes, count));
  free(t.bytes);
}

static void check_response(const uint8_t *bytes, size_t count, trk_http_limits limits) {
  static trk_http_head head, again;
  head = (trk_http_head){0};
  const int32_t status = trk_http_parse_response(&head, bytes, count, limits);
  FUZZ_CHECK(status == 0 || status == -1);
  if (status != 0) return;
  FUZZ_CHECK(head.status >= 100 && head.status <= 999);
  FUZZ_CHECK(fuzz_inside(head.reason, bytes, count));
  check_headers(&head, bytes, count);
  for (uint32_t i = 0; i < head.header_count; i++) {
    const int64_t seconds = trk_http_date(head.headers[i].value);
    FUZZ_CHECK(seconds >= -1 && seconds <= INT64_C(253402300800)); /* The end of the year 9999. */
  }
  const text t = write_again(&head, count, false);
  FUZZ_CHECK(trk_http_parse_response(&again, t.bytes, t.count, wide) == 0);
  check_same(&head, &again);
  FUZZ_CHECK(fuzz_same(again.reason, head.reason.data, head.reason.count));
  char other[TRK_HTTP_ACCEPT_COUNT];
  memset(other, '!', sizeof other);
  FUZZ_CHECK(!trk_http_check_accept(&head, other) || head.status == 101);
  free(t.bytes);
}

/* The answer to any key is taken for that key and for no other. */
static void check_handshake(const uint8_t *bytes, size_t count) {
  char key[TRK_HTTP_KEY_COUNT], accept[TRK_HTTP_ACCEPT_COUNT], response[256];
  memset(key, 'A', sizeof key);
  memcpy(key, bytes, count < sizeof key ? count : sizeof key);
  trk_http_accept(accept, key);
  const int written = snprintf(response, sizeof response,
                               "HTTP/1.1 101 X\r\nUpgrade: WebSocket\r\nConnection: a, UPGRADE\r\n"
                               "Sec-WebSocket-Accept: %.*s\r\n\r\n",
                               TRK_HTTP_ACCEPT_COUNT, accept);
  static trk_http_head head;
  FUZZ_CHECK(trk_http_parse_response(&head, (const uint8_t *)response, (size_t)written, wide) == 0);
  FUZZ_CHECK(trk_http_check_accept(&head, accept));
  accept[3] ^= 1;
  FUZZ_CHECK(!trk_http_check_accept(&head, accept));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count) {
  fuzz_input in = {data, count};
  const uint8_t mode = fuzz_byte(&in);
  const uint32_t seed = (uint32_t)(mode >> 3) + 2;
  const trk_http_limits limits = {.head_max = (mode & 1) != 0 ? 100 : 16384,
                                  .line_max = (mode & 2) != 0 ? 40 : 8192};
  const int32_t end = check_end(in.at, in.left, limits, seed);
  /* Also what is no complete head: the parsers must stay inside of it. */
  const size_t head_count = end > 0 ? (size_t)end : in.left;
  uint8_t *const bytes = fuzz_copy(in.at, head_count);
  if ((mode & 4) != 0)
    check_response(bytes, head_count, limits);
  else
    check_request(bytes, head_count, limits);
  check_handshake(bytes, head_count);
  free(bytes);
  return 0;
}
