/* internal.h - what the files of the core share. Everything here is [loop] unless it says so.
 *
 * Names: trk_<file>_<verb> is shared between files; short static names stay in theirs.
 */
#ifndef TRK_INTERNAL_H
#define TRK_INTERNAL_H
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "trk.h"
#include "trk_http_head.h"
#include "trk_ledger.h"
#include "trk_opus.h"
#include "trk_pcm.h"
#include "trk_realtime.h"
#include "trk_reorder.h"
#include "trk_twilio.h"
#include "trk_ulaw.h"
#include "trk_ws.h"

/* Programmer errors: loud in debug, no code in release. assert() would stay on in both. */
#ifdef DEBUG
#define TRK_ASSERT(condition)                                                                      \
  do {                                                                                             \
    if (!(condition)) trk_assertion_failed(__FILE__, __LINE__, #condition);                        \
  } while (0)
_Noreturn void trk_assertion_failed(const char *file, int line, const char *condition);
#else
#define TRK_ASSERT(condition) ((void)0)
#endif

#define TRK_OWNER_OF(pointer, type, member)                                                        \
  ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

enum {
  TRK_US_PER_MS = 1000,
  TRK_RECEIVE_BYTES = 65536,      /* The loop's one receive buffer. */
  TRK_BLOCK_BYTES = 4096,         /* One pool block with its header. */
  TRK_SLAB_BLOCKS = 64,           /* Blocks that the pool takes from the system at a time. */
  TRK_CALL_BLOCKS_RESERVED = 4,   /* Free blocks that must exist when a call opens. */
  TRK_WRITE_VECTORS_MAX = 16,     /* Blocks in one write. */
  TRK_CIPHER_BYTES_MAX = 65536,   /* Encrypted bytes of one leg not taken by the system yet. */
  TRK_DRAIN_ROUNDS = 8,           /* Then the sockets get a turn. */
  TRK_ACCEPTS_PER_TURN = 64,      /* Connections that one listener takes in one turn. */
  TRK_ADDRESS_SLOTS = 1024,       /* Heads of lists of addresses. */
  TRK_DIGITS_WINDOW_MS = 1000,    /* For digits_per_s_max. */
  TRK_MEDIA_CHARGE_MIN_MS = 10,   /* Least audio that a media message counts for: it has a cost. */
  TRK_PACER_CALLS_PER_TURN = 64,  /* Timed pacer runs in one turn; the rest wait for the next. */
  TRK_PACER_OPUS_COST = 8,        /* Of those, what a call counts for that is encoded. */
  TRK_PACER_GRID_MS = 5,          /* Pacer wake-ups fall on this grid, so that they share turns. */
  TRK_LINGER_MS = 1000,           /* For the peer's end of the connection after ours. */
  TRK_MODEL_PENDING_MAX = 32768,  /* Outbound bytes of a model leg before caller audio waits. */
  TRK_CARRIER_PENDING_MAX = 8192, /* Outbound bytes of a carrier leg before model audio waits. */
  TRK_APPEND_BYTES_MAX =
      2880,                   /* In one append that is encoded here: 360 ms of mu-law, 60 of PCM. */
  TRK_SLICE_BYTES_MAX = 1600, /* Mu-law bytes in one media message to the caller: 200 ms. */
  TRK_OPUS_FREE_MAX = 64,     /* Opus states that a loop keeps for calls to come. */
  TRK_RESPONSES_MAX = 4,      /* Responses of a model whose audio may play. */
  TRK_PING_WINDOW_MS = 10000, /* For pings_max. */
  TRK_TLS_CONTEXTS_MAX = 4,   /* CA files in use by one loop. */
  TRK_SESSION_KEY_MAX = TRK_HOST_MAX + 40,
  TRK_TLS_SESSIONS_MAX = 8, /* Hosts whose TLS session is kept for resumption. */
};

/* ---- Memory (memory.c) ---- */

typedef struct trk_block {
  struct trk_block *next;
  uint32_t start; /* First used byte. */
  uint32_t end;   /* One past the last used byte. */
  uint8_t data[TRK_BLOCK_BYTES - sizeof(void *) - 2 * sizeof(uint32_t)];
} trk_block;

enum { TRK_BLOCK_DATA = TRK_BLOCK_BYTES - sizeof(void *) - 2 * sizeof(uint32_t) };

/* A queue of bytes in pool blocks. */
typedef struct trk_chain {
  trk_block *head;
  trk_block *tail;
  size_t bytes;
} trk_chain;

typedef struct trk_pool {
  trk_block *free;
  void **slabs;
  size_t slab_count;
  size_t slab_capacity;
  size_t free_count;
} trk_pool;

/* A growing contiguous buffer for what can not be read in place. Sizes are powers of two and are
 * cached by the loop, so that a busy loop reuses them. */
typedef struct trk_buffer {
  uint8_t *data;
  size_t count;
  size_t capacity;
} trk_buffer;

enum { TRK_BUFFER_CLASSES = 13, TRK_BUFFER_SMALLEST = 4096, TRK_BUFFER_CACHE_MAX = 4 << 20 };

void *trk_alloc(trk_loop *loop, size_t size); /* Zeroed. */
void trk_free(trk_loop *loop, void *pointer);

bool trk_pool_reserve(trk_loop *loop, size_t blocks);
void trk_pool_reset(trk_loop *loop);

/* `count` contiguous writable bytes at the end of the chain, or NULL when the pool is empty. */
uint8_t *trk_chain_reserve(trk_loop *loop, trk_chain *chain, size_t count);
void trk_chain_commit(trk_chain *chain, size_t count);
bool trk_chain_append(trk_loop *loop, trk_chain *chain, const void *bytes, size_t count);
void trk_chain_consume(trk_loop *loop, trk_chain *chain, size_t count);
void trk_chain_clear(trk_loop *loop, trk_chain *chain);

bool trk_buffer_append(trk_loop *loop, trk_buffer *buffer, const void *bytes, size_t count);
bool trk_buffer_ensure(trk_loop *loop, trk_buffer *buffer, size_t capacity);
void trk_buffer_release(trk_loop *loop, trk_buffer *buffer);
void trk_buffer_drop_cache(trk_loop *loop);

/* ---- Timers (wheel.c): one system timer for all legs and calls ---- */

enum { TRK_WHEEL_SLOTS = 4096 }; /* Of 1 ms; later timers go round again. */

typedef enum trk_timer_kind {
  TRK_TIMER_LEG_DEADLINE,
  TRK_TIMER_LEG_USER,
  TRK_TIMER_CALL_PACE,
  TRK_TIMER_CALL_USER,
  TRK_TIMER_CALL_GRACE,
  TRK_TIMER_CALL_MEDIA,
  TRK_TIMER_CALL_FILL,
  TRK_TIMER_DIAL,
  TRK_TIMER_LISTEN,
} trk_timer_kind;

typedef struct trk_timer {
  struct trk_timer *next;
  struct trk_timer *previous;
  int64_t due_ms;
  trk_timer_kind kind;
  bool armed;
} trk_timer;

typedef struct trk_wheel {
  trk_timer slots[TRK_WHEEL_SLOTS]; /* List heads. */
  uint64_t filled[TRK_WHEEL_SLOTS / 64];
  int64_t now_ms; /* All slots up to here have been visited. */
  size_t armed;
  int64_t scheduled_ms; /* What the system timer is set to; -1: not set. */
} trk_wheel;

void trk_wheel_init(trk_wheel *wheel, int64_t now_ms);
void trk_wheel_arm(trk_loop *loop, trk_timer *timer, int64_t due_ms);
void trk_wheel_cancel(trk_loop *loop, trk_timer *timer);
void trk_wheel_advance(trk_loop *loop);
void trk_wheel_schedule(trk_loop *loop);

/* ---- Batches of events (batch.c) ---- */

typedef struct trk_arena_chunk {
  struct trk_arena_chunk *next;
  size_t capacity;
  size_t count;
  _Alignas(16) uint8_t data[];
} trk_arena_chunk;

typedef struct trk_batch {
  trk_event *events;
  size_t count;
  size_t bytes;
  trk_arena_chunk *chunks; /* The newest first. */
} trk_batch;

bool trk_batch_init(trk_loop *loop, trk_batch *batch);
void trk_batch_release(trk_loop *loop, trk_batch *batch);
void trk_batch_clear(trk_loop *loop, trk_batch *batch);

/* Whether an ordinary event with a message still fits in this round. */
bool trk_batch_has_room(const trk_loop *loop);

/* Appends an event; `bytes` are copied into the batch. */
void trk_batch_push(trk_loop *loop, trk_event event);

/* ---- Ids (table.c) ---- */

typedef struct trk_table {
  void **entries;
  uint32_t *generations;
  uint32_t *free_slots;
  uint32_t capacity;
  uint32_t free_count;
} trk_table;

bool trk_table_init(trk_loop *loop, trk_table *table, uint32_t capacity);
void trk_table_release(trk_loop *loop, trk_table *table);
bool trk_table_take(trk_table *table, void *entry, uint32_t *slot, uint32_t *generation);
/* The id is stale from now on; the slot is not given out again before trk_table_give. */
void trk_table_hide(trk_table *table, uint32_t slot);
void trk_table_give(trk_table *table, uint32_t slot);
void *trk_table_find(const trk_table *table, uint32_t slot, uint32_t generation);

/* ---- Legs ---- */

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
  uint64_t barrier_round; /* Nothing more is read before this round\'s batch is delivered. */
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

/* ---- Calls ---- */

typedef struct trk_response_id {
  uint8_t bytes[TRK_REALTIME_ID_MAX];
  uint32_t count; /* 0: free. */
} trk_response_id;

struct trk_call {
  trk_loop *loop;
  trk_call_id id;
  trk_dialect dialect;
  uint32_t bytes_per_ms; /* Of the audio between call and model, both ways. */
  uint32_t frame_bytes;  /* Audio to the caller goes out in whole frames of so many bytes. */
  uint32_t slice_bytes;  /* Most of it in one message. */
  uint32_t lead_ms;      /* Sent ahead of real time; 0 sends all at once. */
  trk_line *line;        /* NULL: Twilio's mu-law, which needs none. */
  trk_leg *carrier;      /* NULL once it is closed. */
  trk_leg *models[TRK_CALL_MODELS_MAX]; /* NULL: free. */
  trk_leg *route;                       /* Where caller audio goes; NULL: it waits. */
  bool started;                         /* The carrier's start has come. */
  bool stopped;                         /* Its stop has come. */
  bool agent_muted;
  bool route_paused;  /* The model is not read: playback is full. */
  bool played;        /* Something was sent since the last DRAINED. */
  bool clear_pending; /* A clear is queued and not yet given to the system. */
  uint8_t sid[TRK_TWILIO_SID_MAX];
  uint32_t sid_count;
  trk_ledger ledger;
  trk_chain playback;                           /* Model audio to send, at bytes_per_ms. */
  trk_chain waiting;                            /* Caller audio that waits, likewise. */
  trk_response_id responses[TRK_RESPONSES_MAX]; /* Live: created, not done, not muted. */
  uint32_t response_next;                       /* Where the next one goes. */
  uint32_t epoch;                               /* Of the routed model. */
  uint64_t unmarked;                            /* Bytes sent since the last mark. */
  int64_t next_timestamp_ms; /* What the next media message should say; -1: unknown. */
  trk_timer pace;
  trk_timer user_timer;
  trk_timer grace;
  trk_call_stats stats;
  bool connected;       /* The carrier's connected has come. */
  uint32_t early_media; /* Media messages before start. */
  uint32_t digits;      /* Keys since digits_from_ms. */
  int64_t digits_from_ms;
  int64_t sequence;       /* The last message's number; -1: unknown. */
  uint64_t media_level;   /* Eighths of milliseconds in the bucket of media_speed_max... */
  int64_t media_level_ms; /* ...at this time. */
  int64_t media_ms;       /* When the last media came, or start. */
  int64_t started_us;     /* When start came. */
  trk_tap *taps;          /* NULL: nobody listens. */
  trk_timer media;
};

/* call.c */
trk_call *trk_call_find(const trk_loop *loop, trk_call_id id);
void trk_call_on_message(trk_leg *leg, trk_ws_opcode opcode, const uint8_t *bytes, size_t count);
void trk_call_on_leg_closed(trk_leg *leg);
void trk_call_on_leg_drained(trk_leg *leg);
void trk_call_push(trk_call *call, trk_event_kind kind, trk_leg *leg, int32_t a, trk_bytes bytes);
void trk_call_dropped(trk_leg *leg, trk_malformed reason);
void trk_call_malformed(trk_leg *leg, trk_malformed reason);
void trk_call_on_flushed(trk_leg *leg);
void trk_call_end_all(trk_loop *loop);

/* call_carrier.c */
void trk_call_carrier_message(trk_call *call, const uint8_t *bytes, size_t count);
void trk_call_send_waiting(trk_call *call);
void trk_call_on_media_timer(trk_call *call);
bool trk_call_decode(trk_loop *loop, trk_chain *chain, trk_bytes base64);
/* Whether so much audio, in microseconds, may come now; otherwise the carrier is closed. */
bool trk_call_may_take(trk_call *call, int64_t duration_us);
/* Audio of the caller as the model hears it. */
void trk_call_take_audio(trk_call *call, const uint8_t *bytes, size_t count);
/* The carrier's stream begins. */
void trk_call_started(trk_call *call);

/* call_model.c */
void trk_call_model_message(trk_call *call, trk_leg *leg, const uint8_t *bytes, size_t count);
void trk_call_forget_responses(trk_call *call);

/* pacer.c */
void trk_pacer_run(trk_call *call);
void trk_pacer_on_timer(trk_call *call);
void trk_pacer_finish_items(trk_call *call);

/* dialect.c: what goes to the caller, as its carrier wants it. */
/* One slice of audio, whole frames; false when there is no room. */
bool trk_dialect_send_audio(trk_call *call, const uint8_t *audio, size_t count);
bool trk_dialect_send_mark(trk_call *call);
void trk_dialect_send_clear(trk_call *call);
/* Everything was heard. */
void trk_dialect_finish(trk_call *call);

/* line.c: what a line that is not Twilio's mu-law needs. */
struct trk_line {
  trk_line_config config; /* The texts point into `text`. */
  trk_opus *opus;         /* NULL: no Opus. */
  trk_reorder *reorder;   /* NULL: not numbered. */
  bool talking;           /* `begin` was sent, `end` is owed. */
  bool held;              /* The peer takes no audio. */
  int64_t media_end_us;   /* Up to here there is audio of the caller; 0: none came yet. */
  uint32_t filled_ms;     /* Made up since the last packet. */
  uint32_t packet_us;     /* Length of the last packet. */
  trk_timer fill;
  trk_call *call;
  trk_pcm_memory caller_memory, agent_memory; /* Of low passes, for taps of a PCM call. */
  size_t text_count;
  uint8_t text[5 * TRK_LINE_TEXT_MAX];
};
void trk_line_binary(trk_call *call, const uint8_t *bytes, size_t count);
void trk_line_numbered(trk_call *call, int64_t number, trk_bytes base64);
void trk_line_on_timer(trk_line *line);
void trk_line_close(trk_call *call);
void trk_line_release_loop(trk_loop *loop);
bool trk_line_is_opus(const trk_call *call);

/* ---- The loop (loop.c) ---- */

/* Begins each libuv callback: reads the clock; a turn's work is timed from the first. */
void trk_loop_touch(trk_loop *loop);

typedef struct trk_tls_session {
  char host[TRK_SESSION_KEY_MAX]; /* host:port|context */
  SSL_SESSION *session;
} trk_tls_session;

typedef struct trk_tls_context {
  char ca_file[1024];
  SSL_CTX *context;
} trk_tls_context;

struct trk_loop {
  /* Shared: take `lock`. */
  pthread_mutex_t lock;
  void **jobs;
  size_t job_count;
  size_t job_capacity;
  bool jobs_refused;
  bool stop_asked;

  /* Set before the thread starts, never changed. */
  trk_loop_config config;
  trk_callbacks callbacks;
  void *context;
  uv_async_t wake;
  atomic_bool wake_sent; /* A wake-up is under way: no second one is needed. */
  atomic_bool detached;  /* The last reference went on the loop's own thread. */

  /* Loop thread only. */
  pthread_t thread;
  bool running;
  bool closing, handles_closed; /* Everything is being closed; the loop's own handles are. */
  uv_loop_t uv;
  uv_prepare_t prepare;
  uv_check_t check;
  uv_timer_t timer;
  int64_t now_us;
  int64_t work_began_us; /* When this turn's first callback ran; 0: none has. */
  uint64_t turn;
  uint64_t round; /* Counts delivered batches. */
  void **jobs_running;
  size_t jobs_running_capacity;
  trk_batch batches[2];
  uint32_t batch_filling; /* Index of the batch that takes events. */
  trk_wheel wheel;
  trk_pool pool;
  void *buffer_cache[TRK_BUFFER_CLASSES]; /* Free buffers; the first word links. */
  size_t buffer_cached;
  trk_table legs;
  trk_table calls;
  trk_leg *dirty;
  trk_leg *deferred;
  trk_leg *dead;
  size_t leg_count;
  size_t dial_count;
  trk_address *addresses[TRK_ADDRESS_SLOTS];
  uint64_t address_factor; /* Odd and unknown outside: nobody can choose addresses of one list. */
  trk_listener *listeners;
  trk_listener *retired_listeners;
  uint32_t paced_this_turn;
  bool tells_audio; /* Audio deltas are events as well. */
  void *opus_free;  /* Opus states without a call; the first word links. */
  uint32_t opus_free_count;
  trk_buffer scratch;  /* For unescaping and for encoding waiting audio. */
  uint8_t masks[4096]; /* Random bytes for client masks. */
  size_t masks_left;
  trk_tls_context tls_contexts[TRK_TLS_CONTEXTS_MAX];
  trk_tls_session tls_sessions[TRK_TLS_SESSIONS_MAX];
  uint32_t tls_session_next;
  trk_loop_stats stats;
  uint8_t receive[TRK_RECEIVE_BYTES]; /* Every read of every leg. */
  uint8_t plain[TRK_RECEIVE_BYTES];   /* Decrypted bytes of the present read. */
};

#endif
