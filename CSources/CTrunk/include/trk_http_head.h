/* trk_http_head.h - the HTTP/1.1 heads around a WebSocket upgrade (RFC 9112, RFC 6455 section 4).
 *
 * THREADS    Any. Pure functions.
 * OWNERSHIP  Parsed fields point into the head's bytes.
 * REENTRANCY Nothing calls back.
 * LIMITS     trk_http_limits: bytes of the head, of one line, and the number of header lines.
 * ERRORS     Request parsing answers with the HTTP status that the peer is owed, negated.
 */
#ifndef TRK_HTTP_HEAD_H
#define TRK_HTTP_HEAD_H
#include "trk_base.h"

TRK_ASSUME_NONNULL_BEGIN

enum {
  TRK_HTTP_HEADERS_MAX = 100, /* Header lines in one head; the array below has this size. */
  TRK_HTTP_ACCEPT_COUNT = 28, /* Characters of Sec-WebSocket-Accept. */
  TRK_HTTP_KEY_COUNT = 24,    /* Characters of Sec-WebSocket-Key. */
};

typedef struct trk_http_limits {
  uint32_t head_max; /* Bytes of the whole head with its empty line. */
  uint32_t line_max; /* Bytes of one line. */
} trk_http_limits;

typedef struct trk_http_header {
  trk_bytes name;
  trk_bytes value; /* Without white space at its ends. */
} trk_http_header;

typedef struct trk_http_head {
  trk_bytes method; /* Requests. */
  trk_bytes target; /* Requests: as sent. */
  trk_bytes path;   /* Requests: the target before `?`. */
  int32_t status;   /* Responses. */
  trk_bytes reason; /* Responses. */
  uint32_t header_count;
  trk_http_header headers[TRK_HTTP_HEADERS_MAX];
} trk_http_head;

/* Looks for the end of a head (an empty line). `from` is where the last look ended and is moved
 * on, so that a head sent byte by byte costs linear time. Returns the head's byte count, 0 when it
 * is not complete, or a negated status: 431 when a limit is passed, 400 for a line that ends with
 * LF alone. */
int32_t trk_http_head_end(const uint8_t *bytes, size_t count, size_t *from, trk_http_limits limits);

/* Parses a complete request head of `count` bytes. 0, or a negated HTTP status: 400, 431, 505. */
int32_t trk_http_parse_request(trk_http_head *out, const uint8_t *bytes, size_t count,
                               trk_http_limits limits);

/* Parses a complete response head. 0 or -1. */
int32_t trk_http_parse_response(trk_http_head *out, const uint8_t *bytes, size_t count,
                                trk_http_limits limits);

/* The value of the only header of this name (any case); data NULL when it is absent or doubled. */
trk_bytes trk_http_find(const trk_http_head *head, const char *name);

/* How many headers have this name. */
uint32_t trk_http_count(const trk_http_head *head, const char *name);

/* Whether a comma-separated list header (over all its lines) holds `token`, in any case. */
bool trk_http_has_token(const trk_http_head *head, const char *name, const char *token);

/* True when the request asks for an upgrade to a WebSocket at all (well-formed or not). */
bool trk_http_wants_websocket(const trk_http_head *head);

/* Checks a WebSocket upgrade request (section 4.2.1). 0, or a negated status: 400, 405, 426. On 0
 * `key` is the Sec-WebSocket-Key. */
int32_t trk_http_check_upgrade(const trk_http_head *head, trk_bytes *key);

/* Checks the answer to our upgrade (section 4.1): 101, Upgrade, Connection, the right accept value,
 * and neither extension nor subprotocol, since we ask for none. */
bool trk_http_check_accept(const trk_http_head *head, const char *expected);

enum { TRK_HTTP_DATE_COUNT = 29 };

/* Seconds since 1970 of a date in the form that is sent today (IMF-fixdate, RFC 9110 section
 * 5.6.7); -1 for anything else. */
int64_t trk_http_date(trk_bytes text);

/* Sec-WebSocket-Accept for a key of TRK_HTTP_KEY_COUNT characters; writes
 * TRK_HTTP_ACCEPT_COUNT characters, no NUL. */
void trk_http_accept(char *out, const char *key);

TRK_ASSUME_NONNULL_END
#endif
