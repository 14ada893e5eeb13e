/* http_head.c - request and response heads, strict where smugglers would like it lenient. */
#include "trk_http_head.h"

#include <openssl/evp.h>
#include <string.h>

#include "trk_base64.h"

enum { LENGTH_DIGITS_MAX = 18 }; /* Of Content-Length: such a number never overflows 64 bits. */

static bool equals_ignoring_case(trk_bytes bytes, const char *text) {
  const size_t count = strlen(text);
  if (bytes.count != count) return false;
  for (size_t i = 0; i < count; i++) {
    const uint8_t a = bytes.data[i];
    const uint8_t b = (uint8_t)text[i];
    const uint8_t lower_a = a >= 'A' && a <= 'Z' ? (uint8_t)(a | 0x20) : a;
    const uint8_t lower_b = b >= 'A' && b <= 'Z' ? (uint8_t)(b | 0x20) : b;
    if (lower_a != lower_b) return false;
  }
  return true;
}

/* RFC 9110 section 5.6.2. */
static bool is_token_char(uint8_t c) {
  if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) return true;
  return c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool is_token(trk_bytes bytes) {
  for (size_t i = 0; i < bytes.count; i++)
    if (!is_token_char(bytes.data[i])) return false;
  return bytes.count > 0;
}

/* Field values: visible characters, space, tab and bytes above 0x7F; no control characters. */
static bool is_value(trk_bytes bytes) {
  for (size_t i = 0; i < bytes.count; i++) {
    const uint8_t c = bytes.data[i];
    if ((c < 0x20 && c != '\t') || c == 0x7F) return false;
  }
  return true;
}

static trk_bytes trim(trk_bytes bytes) {
  while (bytes.count > 0 && (bytes.data[0] == ' ' || bytes.data[0] == '\t')) {
    bytes.data++;
    bytes.count--;
  }
  while (bytes.count > 0 &&
         (bytes.data[bytes.count - 1] == ' ' || bytes.data[bytes.count - 1] == '\t'))
    bytes.count--;
  return bytes;
}

int32_t trk_http_head_end(const uint8_t *bytes, size_t count, size_t *from,
                          trk_http_limits limits) {
  for (size_t i = *from; i < count; i++) {
    if (i >= limits.head_max) return -431;
    if (bytes[i] != '\n') continue;
    /* Only LF alone: such a head may never end as others see it, so it is refused at once. */
    if (i == 0 || bytes[i - 1] != '\r') return -400;
    if (i >= 3 && bytes[i - 2] == '\n') {
      *from = 0;
      return (int32_t)(i + 1);
    }
  }
  *from = count;
  return count >= limits.head_max ? -431 : 0;
}

/* Takes one line without its CRLF. Returns 1, or a negated status. */
static int32_t next_line(trk_bytes *line, const uint8_t *bytes, size_t count, size_t *at,
                         trk_http_limits limits) {
  const uint8_t *start = bytes + *at;
  const uint8_t *end = memchr(start, '\n', count - *at);
  if (!end || end == start || end[-1] != '\r') return -400;
  *line = (trk_bytes){start, (size_t)(end - 1 - start)};
  *at += (size_t)(end + 1 - start);
  return line->count > limits.line_max ? -431 : 1;
}

static int32_t parse_header_line(trk_http_header *out, trk_bytes line) {
  const uint8_t *colon = memchr(line.data, ':', line.count);
  if (!colon) return -400;
  out->name = (trk_bytes){line.data, (size_t)(colon - line.data)};
  out->value = trim((trk_bytes){colon + 1, line.count - out->name.count - 1});
  /* Rejects folding, an empty name, and white space before the colon: none is a token. */
  return is_token(out->name) && is_value(out->value) ? 0 : -400;
}

static int32_t parse_headers(trk_http_head *out, const uint8_t *bytes, size_t count, size_t at,
                             trk_http_limits limits) {
  out->header_count = 0;
  for (;;) {
    trk_bytes line;
    const int32_t status = next_line(&line, bytes, count, &at, limits);
    if (status < 0) return status;
    if (line.count == 0) return at == count ? 0 : -400;
    if (out->header_count == TRK_HTTP_HEADERS_MAX) return -431;
    const int32_t parsed = parse_header_line(&out->headers[out->header_count++], line);
    if (parsed < 0) return parsed;
  }
}

static bool is_digit(uint8_t c) {
  return c >= '0' && c <= '9';
}

/* A name, an IPv4 address or an IPv6 address in brackets, then perhaps a port: who reads a path or
 * a user into it would route elsewhere than we do. */
static bool is_host(trk_bytes host) {
  size_t at = 0;
  if (host.count > 0 && host.data[0] == '[') {
    const uint8_t *end = memchr(host.data, ']', host.count);
    if (!end || end == host.data + 1) return false;
    for (at = 1; host.data + at < end; at++)
      if (!is_digit(host.data[at]) && !strchr(":.abcdefABCDEF", host.data[at])) return false;
    at++;
  } else {
    while (at < host.count && host.data[at] != ':') {
      const uint8_t c = host.data[at++];
      const bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
      if (!is_letter && !is_digit(c) && c != '-' && c != '.' && c != '_') return false;
    }
    if (at == 0) return false;
  }
  if (at == host.count) return true;
  if (host.data[at] != ':') return false;
  while (++at < host.count)
    if (!is_digit(host.data[at])) return false;
  return true;
}

/* "METHOD SP target SP HTTP/1.1" with single spaces. */
static int32_t parse_request_line(trk_http_head *out, trk_bytes line) {
  const uint8_t *space = memchr(line.data, ' ', line.count);
  if (!space) return -400;
  out->method = (trk_bytes){line.data, (size_t)(space - line.data)};
  const uint8_t *target = space + 1;
  const size_t rest = line.count - out->method.count - 1;
  const uint8_t *second = memchr(target, ' ', rest);
  if (!second || !is_token(out->method)) return -400;
  out->target = (trk_bytes){target, (size_t)(second - target)};
  const trk_bytes version = {second + 1, rest - out->target.count - 1};
  if (version.count != 8 || memcmp(version.data, "HTTP/", 5) != 0) return -400;
  if (memcmp(version.data, "HTTP/1.1", 8) != 0 && memcmp(version.data, "HTTP/1.0", 8) != 0)
    return -505;
  if (out->target.count == 0 || out->target.data[0] != '/') return -400;
  for (size_t i = 0; i < out->target.count; i++) {
    const uint8_t c = out->target.data[i];
    if (c <= 0x20 || c >= 0x7F || c == '\\' || c == '#') return -400;
  }
  const uint8_t *query = memchr(out->target.data, '?', out->target.count);
  out->path = out->target;
  if (query) out->path.count = (size_t)(query - out->target.data);
  return version.data[7] == '1' ? 0 : 1;
}

/* How long the body is must have one reading only (RFC 9112 section 6.3): two parties that disagree
 * about it take the rest of one request for the next. */
static int32_t check_framing(const trk_http_head *head, bool is_old) {
  const uint32_t lengths = trk_http_count(head, "content-length");
  const uint32_t codings = trk_http_count(head, "transfer-encoding");
  if (lengths + codings > 1 || (codings > 0 && is_old)) return -400;
  if (codings > 0)
    return equals_ignoring_case(trk_http_find(head, "transfer-encoding"), "chunked") ? 0 : -400;
  if (lengths == 0) return 0;
  const trk_bytes length = trk_http_find(head, "content-length");
  if (length.count == 0 || length.count > LENGTH_DIGITS_MAX) return -400;
  for (size_t i = 0; i < length.count; i++)
    if (!is_digit(length.data[i])) return -400;
  return 0;
}

int32_t trk_http_parse_request(trk_http_head *out, const uint8_t *bytes, size_t count,
                               trk_http_limits limits) {
  out->header_count = 0;
  out->status = 0;
  if (count > limits.head_max) return -431;
  size_t at = 0;
  trk_bytes line;
  int32_t status = next_line(&line, bytes, count, &at, limits);
  if (status < 0) return status;
  const int32_t old_version = parse_request_line(out, line);
  if (old_version < 0) return old_version;
  status = parse_headers(out, bytes, count, at, limits);
  if (status < 0) return status;
  /* HTTP/1.0 may ask plain questions, but can not be upgraded (RFC 6455 section 4.1). */
  if (old_version == 1 && trk_http_wants_websocket(out)) return -505;
  status = check_framing(out, old_version == 1);
  if (status < 0) return status;
  const uint32_t hosts = trk_http_count(out, "host");
  if (hosts > 1 || (hosts == 0 && old_version == 0)) return -400;
  return hosts == 0 || is_host(trk_http_find(out, "host")) ? 0 : -400;
}

int32_t trk_http_parse_response(trk_http_head *out, const uint8_t *bytes, size_t count,
                                trk_http_limits limits) {
  out->header_count = 0;
  out->method = out->target = out->path = (trk_bytes){NULL, 0};
  size_t at = 0;
  trk_bytes line;
  if (next_line(&line, bytes, count, &at, limits) < 0) return -1;
  if (line.count < 12 || memcmp(line.data, "HTTP/1.1 ", 9) != 0) return -1;
  int32_t status = 0;
  for (size_t i = 9; i < 12; i++) {
    if (line.data[i] < '0' || line.data[i] > '9') return -1;
    status = status * 10 + (line.data[i] - '0');
  }
  if (status < 100 || (line.count > 12 && line.data[12] != ' ')) return -1;
  out->status = status;
  out->reason = trim((trk_bytes){line.data + 12, line.count - 12});
  return parse_headers(out, bytes, count, at, limits) < 0 ? -1 : 0;
}

uint32_t trk_http_count(const trk_http_head *head, const char *name) {
  uint32_t found = 0;
  for (uint32_t i = 0; i < head->header_count; i++)
    found += equals_ignoring_case(head->headers[i].name, name);
  return found;
}

trk_bytes trk_http_find(const trk_http_head *head, const char *name) {
  trk_bytes value = {NULL, 0};
  for (uint32_t i = 0; i < head->header_count; i++) {
    if (!equals_ignoring_case(head->headers[i].name, name)) continue;
    if (value.data) return (trk_bytes){NULL, 0};
    value = head->headers[i].value;
  }
  return value;
}

bool trk_http_has_token(const trk_http_head *head, const char *name, const char *token) {
  for (uint32_t i = 0; i < head->header_count; i++) {
    if (!equals_ignoring_case(head->headers[i].name, name)) continue;
    trk_bytes rest = head->headers[i].value;
    while (rest.count > 0) {
      const uint8_t *comma = memchr(rest.data, ',', rest.count);
      const size_t part = comma ? (size_t)(comma - rest.data) : rest.count;
      if (equals_ignoring_case(trim((trk_bytes){rest.data, part}), token)) return true;
      const size_t step = comma ? part + 1 : part;
      rest.data += step;
      rest.count -= step;
    }
  }
  return false;
}

bool trk_http_wants_websocket(const trk_http_head *head) {
  return trk_http_has_token(head, "upgrade", "websocket") ||
         trk_http_count(head, "sec-websocket-key") > 0;
}

int32_t trk_http_check_upgrade(const trk_http_head *head, trk_bytes *key) {
  *key = (trk_bytes){NULL, 0};
  const bool is_get = head->method.count == 3 && memcmp(head->method.data, "GET", 3) == 0;
  if (!is_get) return -405;
  if (trk_http_count(head, "upgrade") == 0 && !trk_http_wants_websocket(head)) return -426;
  if (!trk_http_has_token(head, "upgrade", "websocket")) return -400;
  if (!trk_http_has_token(head, "connection", "upgrade")) return -400;
  /* A body behind an upgrade would be read as frames by one party only. */
  const trk_bytes length = trk_http_find(head, "content-length");
  if (trk_http_count(head, "transfer-encoding") > 0) return -400;
  if (trk_http_count(head, "content-length") > 0 && !(length.count == 1 && length.data[0] == '0'))
    return -400;
  const uint32_t versions = trk_http_count(head, "sec-websocket-version");
  const trk_bytes version = trk_http_find(head, "sec-websocket-version");
  if (versions > 1 || (version.data && memchr(version.data, ',', version.count))) return -400;
  if (versions == 0 || !equals_ignoring_case(version, "13")) return -426;
  const trk_bytes found = trk_http_find(head, "sec-websocket-key");
  if (found.count != TRK_HTTP_KEY_COUNT ||
      trk_base64_check((const char *)found.data, found.count) != 16)
    return -400;
  *key = found;
  return 0;
}

bool trk_http_check_accept(const trk_http_head *head, const char *expected) {
  const trk_bytes accept = trk_http_find(head, "sec-websocket-accept");
  return head->status == 101 && trk_http_has_token(head, "upgrade", "websocket") &&
         trk_http_has_token(head, "connection", "upgrade") &&
         accept.count == TRK_HTTP_ACCEPT_COUNT &&
         memcmp(accept.data, expected, TRK_HTTP_ACCEPT_COUNT) == 0 &&
         trk_http_count(head, "sec-websocket-extensions") == 0 &&
         trk_http_count(head, "sec-websocket-protocol") == 0;
}

/* Reads `count` digits. Negative when one of them is none. */
static int32_t read_digits(const uint8_t *at, size_t count) {
  int32_t value = 0;
  for (size_t i = 0; i < count; i++) {
    if (at[i] < '0' || at[i] > '9') return -1;
    value = value * 10 + (at[i] - '0');
  }
  return value;
}

static int32_t read_month(const uint8_t *at) {
  static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  for (int32_t month = 0; month < 12; month++)
    if (memcmp(names + 3 * month, at, 3) == 0) return month + 1;
  return -1;
}

/* Days since 1970-01-01 in the Gregorian calendar: whole years from March on, so that the leap day
 * is a year's last. */
static int64_t days_of(int64_t year, int64_t month, int64_t day) {
  const int64_t y = month > 2 ? year : year - 1;
  const int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  return 365 * y + y / 4 - y / 100 + y / 400 + day_of_year - 719468;
}

int64_t trk_http_date(trk_bytes text) {
  /* Letters stand for themselves, 0 for a digit, ? for what is read below. */
  static const char shape[] = "???, 00 ??? 0000 00:00:00 GMT";
  const uint8_t *at = text.data;
  if (text.count != TRK_HTTP_DATE_COUNT) return -1;
  for (size_t i = 0; i < TRK_HTTP_DATE_COUNT; i++) {
    const bool is_digit = at[i] >= '0' && at[i] <= '9';
    if (shape[i] == '0' ? !is_digit : shape[i] != '?' && shape[i] != (char)at[i]) return -1;
  }
  const int32_t day = read_digits(at + 5, 2), month = read_month(at + 8);
  const int32_t year = read_digits(at + 12, 4), hour = read_digits(at + 17, 2);
  const int32_t minute = read_digits(at + 20, 2), second = read_digits(at + 23, 2);
  if (day < 1 || day > 31 || month < 0 || year < 1970) return -1;
  if (hour > 23 || minute > 59 || second > 60) return -1;
  return ((days_of(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
}

void trk_http_accept(char *out, const char *key) {
  static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455 section 1.3. */
  uint8_t text[TRK_HTTP_KEY_COUNT + sizeof guid - 1];
  memcpy(text, key, TRK_HTTP_KEY_COUNT);
  memcpy(text + TRK_HTTP_KEY_COUNT, guid, sizeof guid - 1);
  uint8_t digest[EVP_MAX_MD_SIZE] = {0};
  unsigned int digest_count = 0;
  EVP_Digest(text, sizeof text, digest, &digest_count, EVP_sha1(), NULL);
  trk_base64_encode(out, digest, 20);
}
