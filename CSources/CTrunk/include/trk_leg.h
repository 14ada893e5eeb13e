/* trk_leg.h - listening, and legs of both roles; see trk.h. */
#ifndef TRK_LEG_H
#define TRK_LEG_H
#include "trk_loop.h"

TRK_ASSUME_NONNULL_BEGIN

/* ---- Listening ---- */

enum { TRK_LISTEN_PATHS_MAX = 16, TRK_PATH_MAX = 128, TRK_HOST_MAX = 255 };

typedef struct trk_listen_config {
  const char *host;                          /* An address, or "" for all. */
  uint16_t port;                             /* 0 picks one. */
  bool reuse_port;                           /* Several loops share the port (SO_REUSEPORT). */
  const char *TRK_NULLABLE certificate_file; /* PEM chain; with key_file: TLS. */
  const char *TRK_NULLABLE key_file;
  const char *TRK_NULLABLE const *TRK_NULLABLE paths; /* WebSocket paths, exact. */
  uint32_t path_count;
  uint32_t tag;    /* Comes back with LEG_REQUEST. Unique in the loop. */
  bool hands_over; /* Requests to other paths are told in LEG_PLAIN. */
} trk_listen_config;

/* Opens a listener; `port` receives its port. `detail` receives a negated errno on TRK_ESYSTEM. A
 * request to another path is answered with an HTTP error, unless the listener hands over. [loop] */
trk_status trk_loop_listen(trk_loop *loop, const trk_listen_config *config, uint16_t *port,
                           int32_t *detail);

/* Gives a listener over TLS another certificate and key, for connections to come. On TRK_ETLS, when
 * they can not be loaded or do not belong together, the old ones stay. [loop] */
trk_status trk_loop_set_certificate(trk_loop *loop, uint32_t tag, const char *certificate_file,
                                    const char *key_file);

/* Stops listening on all listeners; open legs go on. [loop] */
void trk_loop_unlisten(trk_loop *loop);

/* Whether audio deltas are told in MODEL_AUDIO as well: for people who watch. Off at first. [loop]
 */
void trk_loop_tell_audio(trk_loop *loop, bool tells);

/* ---- Legs ---- */

enum { TRK_DIAL_ADDRESSES_MAX = 8 }; /* Addresses tried for one name. */

typedef struct trk_dial_config {
  const char *host;                   /* Name or address literal, without brackets. */
  const char *TRK_NULLABLE addresses; /* Where it is, so that nothing is looked up: up to
                                         TRK_DIAL_ADDRESSES_MAX literals with commas between
                                         them, tried in this order. The certificate must still
                                         name the host. */
  uint16_t port;
  bool tls;
  const char *TRK_NULLABLE ca_file; /* PEM; NULL is the system's store. */
  const char *target;               /* Path and query, as sent. */
  const char *TRK_NULLABLE headers; /* Further header lines, each ended by CRLF. */
} trk_dial_config;

/* Loads the authorities that dials over TLS will use, so that a bad file is told before the first
 * dial. NULL is the system's store. TRK_ETLS when they can not be loaded. [loop] */
trk_status trk_loop_trust(trk_loop *loop, const char *TRK_NULLABLE ca_file);

/* Begins to dial. The outcome is LEG_OPENED or LEG_CLOSED. [loop] */
trk_status trk_leg_dial(trk_loop *loop, const trk_dial_config *config, trk_leg_id *out);

/* Before trk_leg_accept: the answer names this subprotocol if the request offers it (RFC 6455
 * section 4.2.2, 5). TRK_EINVALID: it does not, or the name has more than TRK_PROTOCOL_MAX bytes.
 * [loop] */
enum { TRK_PROTOCOL_MAX = 15 };
trk_status trk_leg_choose_protocol(trk_loop *loop, trk_leg_id leg, const char *name);

/* Answers LEG_REQUEST: completes the upgrade; LEG_OPENED follows. [loop] */
trk_status trk_leg_accept(trk_loop *loop, trk_leg_id leg);

/* Answers LEG_REQUEST with an HTTP status of 400 to 599 and closes. [loop] */
trk_status trk_leg_refuse(trk_loop *loop, trk_leg_id leg, int32_t status);

enum { TRK_PEER_MAX = 46 };

/* Where an accepted connection comes from, TRK_PEER_MAX bytes of text with a NUL: an address
 * without a port, an IPv4 one also when it came mapped into IPv6 (RFC 4291 section 2.5.5.2). [loop]
 */
trk_status trk_leg_peer(trk_loop *loop, trk_leg_id leg, char *out);

typedef struct trk_handed {
  int32_t descriptor; /* The caller's own from now on: the caller closes it. */
  trk_bytes head;     /* The request's head, as it was read... */
  trk_bytes rest;     /* ...and what was read behind it. Borrowed like the bytes of events. */
} trk_handed;

/* Answers LEG_PLAIN: gives the connection away and forgets it. On TRK_ESYSTEM (no descriptor is
 * left) the leg still waits for an answer. [loop] */
trk_status trk_leg_hand_over(trk_loop *loop, trk_leg_id leg, trk_handed *out);

typedef struct trk_adopt_config {
  int32_t descriptor; /* A connected stream socket. */
  uint32_t tag;       /* The listener whose connection it becomes. */
  const char *peer;   /* What trk_leg_peer will say. */
  const void *bytes;  /* What was read of it already: a request's head. */
  size_t count;
} trk_adopt_config;

/* Takes a connection as if the listener had accepted it: LEG_REQUEST follows when its bytes are an
 * upgrade to one of the listener's paths. On TRK_OK the descriptor is the core's; TRK_ECLOSING when
 * there is no such listener (any more), TRK_EFULL at legs_max. [loop] */
trk_status trk_loop_adopt(trk_loop *loop, const trk_adopt_config *config);

/* Sends one text or binary message; copied. TRK_EFULL takes nothing. [loop] */
trk_status trk_leg_send_text(trk_loop *loop, trk_leg_id leg, const void *bytes, size_t count);
trk_status trk_leg_send_binary(trk_loop *loop, trk_leg_id leg, const void *bytes, size_t count);

/* Sends a ping with up to 125 bytes. [loop] */
trk_status trk_leg_ping(trk_loop *loop, trk_leg_id leg, const void *bytes, size_t count);

/* Begins the close handshake with `code` and a reason of up to 123 bytes of UTF-8. Idempotent;
 * LEG_CLOSED follows when the connection has ended. [loop] */
trk_status trk_leg_close(trk_loop *loop, trk_leg_id leg, uint16_t code, const char *reason);

/* Drops the connection now, without a close frame. [loop] */
trk_status trk_leg_abort(trk_loop *loop, trk_leg_id leg);

/* LEG_TIMER after `delay_ms`; replaces the one before. Negative: none. [loop] */
trk_status trk_leg_set_timer(trk_loop *loop, trk_leg_id leg, int64_t delay_ms);

/* Stops (or goes on) reading from the peer: a slow reader, for tests and simulators. [loop] */
trk_status trk_leg_set_reading(trk_loop *loop, trk_leg_id leg, bool reading);

/* Outbound bytes that the system has not taken yet. 0 for a stale id. [loop] */
size_t trk_leg_pending(trk_loop *loop, trk_leg_id leg);

/* ---- Loopback TLS ---- */

/* Writes a new self-signed certificate for localhost, 127.0.0.1 and ::1, valid for a week, and its
 * key, as PEM files: for demos and tests on one machine. The certificate file serves as the
 * client's CA file. [any] */
trk_status trk_tls_write_loopback_certificate(const char *certificate_file, const char *key_file);

TRK_ASSUME_NONNULL_END
#endif
