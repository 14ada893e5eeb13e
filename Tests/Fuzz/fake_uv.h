/* fake_uv.h - as much of libuv as the core uses, without a system: sockets, names and time are the
 * fuzzer's.
 *
 * The fake does what libuv promises and no more: callbacks come from fake turns only, a closed
 * handle's pending requests end with UV_ECANCELED before its close callback, a write beyond what
 * the peer takes ends later. It also looks for what libuv would not forgive: a handle that is
 * closed twice or used after, a second read or shutdown, a loop that is closed with handles open.
 *
 * THREADS    One. trk_loop_run's thread is run in place (see fake_thread_create).
 * OWNERSHIP  Handles and requests are the core's, as with libuv.
 * REENTRANCY fake_step is called in place of the wait for sockets.
 * LIMITS     FAKE_SOCKETS connections and FAKE_LOOKUPS names in one run; beyond them the system is
 *            short: uv_tcp_connect and uv_getaddrinfo fail.
 */
#ifndef FAKE_UV_H
#define FAKE_UV_H
#include <uv.h>

#include "fuzz.h"

enum {
  FAKE_SOCKETS = 64,
  FAKE_LOOKUPS = 16,
  FAKE_VECTORS = 16,
  FAKE_INBOX = 1 << 20,      /* Bytes that the core may write on one connection. */
  FAKE_DESCRIPTOR = 1 << 20, /* No descriptor of ours: nothing reads it. */
  FAKE_WINDOW_SHORT = 201,   /* Of a connection for which the system has no descriptor. */
};

typedef struct fake_socket {
  uv_tcp_t *tcp; /* NULL: the place is free. */
  bool is_listener, listening, connected, closing, shut;
  uv_poll_cb on_poll;
  uv_connect_t *connect;
  uv_connect_cb on_connect;
  uv_alloc_cb on_alloc; /* NULL: not reading. */
  uv_read_cb on_read;
  uv_write_t *write;
  uv_write_cb on_written;
  uv_buf_t vectors[FAKE_VECTORS];
  unsigned int vector_count;
  uv_shutdown_t *shutdown;
  uv_shutdown_cb on_shutdown;
  uv_close_cb on_close;
  size_t window;  /* Bytes that the peer still takes. */
  bool broken;    /* The next write fails with EPIPE. */
  uint8_t *inbox; /* What the peer got. */
  size_t inbox_count;
  uint32_t serial; /* Which connection of this run it is. */
} fake_socket;

typedef struct fake_lookup {
  uv_getaddrinfo_t *request;
  uv_getaddrinfo_cb callback;
  bool canceled;
} fake_lookup;

typedef struct fake_uv {
  fake_socket sockets[FAKE_SOCKETS];
  fake_lookup lookups[FAKE_LOOKUPS];
  uint64_t now_ns;
  uint32_t serial;
  int pending_accepts;    /* Connections that wait in the listener's queue. */
  bool descriptors_short; /* The next accept fails with EMFILE. */
  bool cancel_refused;    /* uv_cancel answers UV_EBUSY: the lookup is being done. */
  bool running;
  uint32_t random;
  uint32_t refuse_after; /* Allocations until one is refused; 0: none will be. */
  bool refused;          /* One was: what is told of messages may be cut. */
} fake_uv;

extern fake_uv fake;

/* ---- What the fuzzer does to the core ---- */

void fake_reset(void);

/* A peer connects to the first listener. The socket's index, or -1 when the core did not take it.
 */
int fake_connect(size_t window);

/* Whether there is a place for one more connection. */
bool fake_has_room(void);

/* Gives bytes to a connection that is read from. The bytes taken: 0 when it is not. */
size_t fake_deliver(fake_socket *socket, const uint8_t *bytes, size_t count);

/* The end of the stream or an error, when it is read from. */
bool fake_end(fake_socket *socket, int status);

/* The peer takes `count` more bytes. */
void fake_open_window(fake_socket *socket, size_t count);

/* An attempt to connect ends. */
void fake_finish_connect(fake_socket *socket, int status, size_t window);

/* A lookup ends with `addresses` addresses of both families, or with an error. */
void fake_finish_lookup(fake_lookup *lookup, int status, size_t addresses);

/* In place of calloc, pthread_create and pthread_join in the core. */
void *fake_calloc(size_t count, size_t size);
int fake_fcntl(int descriptor, int command, ...);
int fake_thread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                       void *argument);
int fake_thread_join(pthread_t thread, void **result);

/* ---- What the fuzzer provides ---- */

/* Stands for the wait for sockets. False once the script is over. */
bool fake_step(void);

/* Sees each connection's memory before its place is used anew. */
void fake_forget(const fake_socket *socket);

#endif
