/* internal_leg.h - a leg, and what the files about legs give each other. */
#ifndef TRK_INTERNAL_LEG_H
#define TRK_INTERNAL_LEG_H
#include "internal_base.h"

typedef struct trk_leg trk_leg;
typedef struct trk_dial trk_dial;
typedef struct trk_call trk_call;
typedef struct trk_address trk_address;
typedef struct trk_listener trk_listener;
typedef struct trk_pump trk_pump;
typedef struct trk_line trk_line;

/* A TCP connection; on the heap by itself, since libuv handles never move. */
typedef struct trk_socket {
  uv_tcp_t tcp;
  trk_loop *loop;
  trk_leg *leg;   /* NULL once the leg has let go. */
  trk_dial *dial; /* NULL once the leg has taken it over. */
  uv_connect_t connect;
  uv_shutdown_t shutdown;
} trk_socket;

typedef enum trk_leg_state {
  TRK_LEG_DIALLING, /* Name and connect. */
  TRK_LEG_TLS,      /* TLS handshake. */
  TRK_LEG_REQUEST,  /* Server: reads the request head. */
  TRK_LEG_AWAIT,    /* Server: LEG_REQUEST is out, no answer yet. */
  TRK_LEG_RESPONSE, /* Client: reads the response head. */
  TRK_LEG_PUMP,     /* Server over TLS: an HTTP server has the connection, through pump.c. */
  TRK_LEG_OPEN,
  TRK_LEG_CLOSING, /* Our close frame is sent, the peer's is awaited. */
  TRK_LEG_LINGER,  /* All is said: flush, half-close, wait for the peer's end. */
  TRK_LEG_DEAD,    /* The socket is being closed. */
} trk_leg_state;

struct trk_leg {
  trk_loop *loop;
  trk_leg_id id;
  trk_leg_state state;
  bool is_server;
  bool is_plain;   /* Awaits to be handed over: its request is no upgrade of ours. */
  bool announced;  /* Swift knows the id: LEG_CLOSED is owed. */
  bool dirty;      /* In the loop's flush list. */
  bool deferred;   /* In the loop's list of legs with a backlog. */
  bool writing;    /* A uv_write is under way. */
  bool reading;    /* uv_read_start is in force. */
  bool held;       /* Reading is held back by the call or by trk_leg_set_reading. */
  bool shut;       /* Our half of the connection is closed. */
  bool peer_ended; /* The peer's half is closed. */
  bool close_sent;
  bool postponed; /* `postponed_code` waits until the batch with earlier messages is delivered. */
  bool postponed_close; /* It is the peer's close frame; otherwise an error of the peer's. */
  uint16_t postponed_code;
  uint64_t barrier_round; /* Nothing more is read before this round's batch is delivered. */
  uint64_t dead_round;    /* The memory and the slot are free when this round is over. */
  size_t stuck_bytes;     /* What the write under way had left when it was last looked at. */
  uint64_t told_round;    /* The round in which a message of this leg was last told. */
  trk_leg *next_dirty;
  trk_leg *next_deferred;
  trk_leg *next_dead;
  trk_socket *socket;
  trk_dial *dial;
  trk_listener *listener;
  trk_address *address; /* Until the head of an accepted leg is whole. */
  SSL *ssl;
  trk_pump *pump;      /* NULL: none. */
  trk_bytes tls_input; /* Ciphertext that OpenSSL has not taken yet. */
  trk_chain out;       /* Frames to send; plain text. */
  trk_chain cipher;    /* TLS: records to send. */
  trk_chain flight;    /* What the write under way holds. */
  uv_write_t write;
  trk_ws_reader ws;
  trk_buffer message; /* Parts of a message that does not stand in one read. */
  trk_buffer head;    /* An incomplete HTTP head; then the bytes behind it. */
  trk_buffer backlog; /* Bytes that wait for room in the batch. */
  size_t head_scanned;
  char accept[TRK_HTTP_ACCEPT_COUNT];  /* What to answer, or to expect. */
  char protocol[TRK_PROTOCOL_MAX + 1]; /* The subprotocol to answer; empty: none. */
  trk_timer deadline;
  trk_timer user_timer;
  int64_t heard_ms;     /* When the peer's last byte came. */
  int64_t ping_ms;      /* When the unanswered ping was sent; 0: none. */
  int64_t next_ping_ms; /* When the next ping is due. */
  int64_t stuck_ms;     /* When the write under way began or last moved. */
  int64_t pings_from_ms;
  uint32_t pings;      /* Control frames since pings_from_ms. */
  uint32_t pong_bytes; /* Of pongs since nothing was pending. */
  uint32_t malformed;
  trk_call *call; /* NULL outside a call. */
  uint32_t model_epoch;
  uint64_t audio_bytes; /* Caller audio that this model was given. */
  uint16_t close_code;
  trk_close_cause close_cause;
  int32_t close_detail;
  int32_t retry_after_s; /* Of the answer that refused our upgrade; -1: it does not say. */
  bool close_recorded;   /* The first reason is the one that is told. */
  char close_reason[124];
  char peer[TRK_PEER_MAX]; /* Accepted legs: where it comes from. */
};

/* leg.c */
trk_leg *trk_leg_create(trk_loop *loop, bool is_server);
trk_leg *trk_leg_find(const trk_loop *loop, trk_leg_id id);
void trk_leg_record_close(trk_leg *leg, uint16_t code, trk_close_cause cause, int32_t detail,
                          const char *reason, size_t reason_count);
void trk_leg_fail(trk_leg *leg, uint16_t code, trk_close_cause cause, int32_t detail,
                  const char *reason);
void trk_leg_kill(trk_leg *leg);
void trk_leg_linger(trk_leg *leg);
void trk_leg_on_deadline(trk_leg *leg);
void trk_leg_arm_keepalive(trk_leg *leg);
void trk_leg_set_deadline(trk_leg *leg, int64_t delay_ms);
void trk_leg_break(trk_leg *leg, uint16_t code, trk_close_cause cause, const char *reason);
void trk_leg_on_socket_closed(uv_handle_t *handle);
void trk_leg_tell_closed(trk_loop *loop);
void trk_leg_free_dead(trk_loop *loop);
void trk_leg_opened(trk_leg *leg);

/* leg_io.c */
void trk_leg_mark_dirty(trk_leg *leg);
void trk_leg_flush_dirty(trk_loop *loop);
void trk_leg_flush(trk_leg *leg);
void trk_leg_begin_reading(trk_leg *leg);
void trk_leg_update_reading(trk_leg *leg);
void trk_leg_take_plain(trk_leg *leg, uint8_t *bytes, size_t count);
void trk_leg_run_deferred(trk_loop *loop);
bool trk_leg_may_read(const trk_leg *leg);
void trk_leg_defer(trk_leg *leg);
void trk_leg_on_ended(trk_leg *leg);
size_t trk_leg_pending_bytes(const trk_leg *leg);

/* leg_ws.c */
size_t trk_leg_read_frames(trk_leg *leg, uint8_t *bytes, size_t count);
void trk_leg_run_postponed(trk_leg *leg);
trk_status trk_leg_send_parts(trk_leg *leg, trk_ws_opcode opcode, const trk_bytes *parts,
                              size_t part_count);
trk_status trk_leg_send_close(trk_leg *leg, uint16_t code, const char *reason);
/* Room for a whole frame of up to `count` payload bytes on a server leg; the payload is written at
 * the returned pointer and then committed with its true count. NULL when the queue is full. */
uint8_t *trk_leg_begin_frame(trk_leg *leg, size_t count);
void trk_leg_end_frame(trk_leg *leg, trk_ws_opcode opcode, size_t count);

/* leg_http.c */
size_t trk_leg_read_head(trk_leg *leg, uint8_t *bytes, size_t count);
bool trk_leg_send_upgrade(trk_leg *leg, const trk_dial_config *config);
void trk_leg_answer_error(trk_leg *leg, int32_t status);

/* pump.c */
/* The server's end of a pair of sockets, or a negated errno. */
int trk_pump_begin(trk_leg *leg);
/* Takes decrypted bytes for the server; returns how many. */
size_t trk_pump_take(trk_leg *leg, uint8_t *bytes, size_t count);
void trk_pump_on_flushed(trk_leg *leg);
void trk_pump_on_peer_ended(trk_leg *leg);
void trk_pump_leave(trk_leg *leg);

/* tls.c */
SSL_CTX *trk_tls_client(trk_loop *loop, const char *ca_file);
SSL_CTX *trk_tls_server(trk_loop *loop, const char *certificate_file, const char *key_file);
bool trk_tls_begin_client(trk_leg *leg, SSL_CTX *context, const char *host, uint16_t port);
bool trk_tls_begin_server(trk_leg *leg, SSL_CTX *context);
void trk_tls_input(trk_leg *leg, uint8_t *bytes, size_t count);
bool trk_tls_encrypt(trk_leg *leg);
void trk_tls_shutdown(trk_leg *leg);
void trk_tls_release_loop(trk_loop *loop);
void trk_tls_process_init(void);
/* One handshake in memory: the first call does not pay for loading OpenSSL (some 3 MB of pages). */
void trk_tls_warm_up(void);
uint64_t trk_tls_allocations(void);

/* dial.c */
void trk_dial_abandon(trk_dial *dial);
void trk_dial_on_timer(trk_timer *timer);
void trk_dial_connected(trk_leg *leg);

#endif
