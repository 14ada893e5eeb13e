/* fake_uv.c - see fake_uv.h. */
#include "fake_uv.h"

#include <arpa/inet.h>
#include <netdb.h>

fake_uv fake;

/* The four other handles of a loop; there is one loop at a time. */
static struct {
  uv_prepare_t *prepare;
  uv_prepare_cb on_prepare;
  uv_check_t *check;
  uv_check_cb on_check;
  uv_timer_t *timer;
  uv_timer_cb on_timer;
  uint64_t due_ns; /* 0: not started. */
  uv_async_t *async;
  uv_async_cb on_async;
  bool async_sent;
  size_t open; /* Handles whose close is not over. */
  uv_handle_t *closing[FAKE_SOCKETS + 8];
  uv_close_cb on_closed[FAKE_SOCKETS + 8];
  size_t closing_count;
} loop_handles;

enum { TURNS_MAX = 100000, NS_PER_MS = 1000000, TICK_NS = 100 };

static fake_socket *find(const void *handle) {
  for (size_t i = 0; i < FAKE_SOCKETS; i++)
    if (fake.sockets[i].tcp == handle) return &fake.sockets[i];
  return NULL;
}

/* ---- Loop, prepare, check, timer, async ---- */

int uv_loop_init(uv_loop_t *loop) {
  memset(loop, 0, sizeof *loop);
  return 0;
}

int uv_loop_close(uv_loop_t *loop) {
  (void)loop;
  FUZZ_CHECK(loop_handles.open == 0);
  return 0;
}

uint64_t uv_hrtime(void) {
  return fake.now_ns += TICK_NS;
}

void uv_update_time(uv_loop_t *loop) {
  (void)loop;
}

int uv_prepare_init(uv_loop_t *loop, uv_prepare_t *prepare) {
  (void)loop;
  loop_handles.prepare = prepare;
  loop_handles.open++;
  return 0;
}

int uv_prepare_start(uv_prepare_t *prepare, uv_prepare_cb callback) {
  (void)prepare;
  loop_handles.on_prepare = callback;
  return 0;
}

int uv_check_init(uv_loop_t *loop, uv_check_t *check) {
  (void)loop;
  loop_handles.check = check;
  loop_handles.open++;
  return 0;
}

int uv_check_start(uv_check_t *check, uv_check_cb callback) {
  (void)check;
  loop_handles.on_check = callback;
  return 0;
}

int uv_timer_init(uv_loop_t *loop, uv_timer_t *timer) {
  (void)loop;
  loop_handles.timer = timer;
  loop_handles.open++;
  return 0;
}

int uv_timer_start(uv_timer_t *timer, uv_timer_cb callback, uint64_t delay, uint64_t repeat) {
  FUZZ_CHECK(timer == loop_handles.timer && repeat == 0);
  loop_handles.on_timer = callback;
  loop_handles.due_ns = fake.now_ns + delay * NS_PER_MS + 1;
  return 0;
}

int uv_timer_stop(uv_timer_t *timer) {
  FUZZ_CHECK(timer == loop_handles.timer);
  loop_handles.due_ns = 0;
  return 0;
}

int uv_async_init(uv_loop_t *loop, uv_async_t *async, uv_async_cb callback) {
  (void)loop;
  loop_handles.async = async;
  loop_handles.on_async = callback;
  loop_handles.open++;
  return 0;
}

int uv_async_send(uv_async_t *async) {
  FUZZ_CHECK(async == loop_handles.async);
  loop_handles.async_sent = true;
  return 0;
}

/* ---- Closing ---- */

void uv_close(uv_handle_t *handle, uv_close_cb callback) {
  fake_socket *const socket = find(handle);
  if (socket != NULL) {
    FUZZ_CHECK(!socket->closing);
    socket->closing = true;
    socket->on_alloc = NULL;
    socket->listening = false;
  }
  const void *const own = handle;
  if (own == loop_handles.prepare) loop_handles.prepare = NULL;
  if (own == loop_handles.check) loop_handles.check = NULL;
  if (own == loop_handles.timer) loop_handles.timer = NULL;
  if (own == loop_handles.async) loop_handles.async = NULL;
  loop_handles.closing[loop_handles.closing_count] = handle;
  loop_handles.on_closed[loop_handles.closing_count++] = callback;
}

/* What was under way on the socket ends first, as libuv does it. */
static void cancel_requests(fake_socket *socket) {
  if (socket->connect != NULL) {
    uv_connect_t *const connect = socket->connect;
    socket->connect = NULL;
    socket->on_connect(connect, UV_ECANCELED);
  }
  if (socket->write != NULL) {
    uv_write_t *const write = socket->write;
    socket->write = NULL;
    socket->on_written(write, UV_ECANCELED);
  }
  if (socket->shutdown != NULL) {
    uv_shutdown_t *const shutdown = socket->shutdown;
    socket->shutdown = NULL;
    socket->on_shutdown(shutdown, UV_ECANCELED);
  }
}

static void run_closing(void) {
  while (loop_handles.closing_count > 0) {
    uv_handle_t *const handle = loop_handles.closing[0];
    const uv_close_cb callback = loop_handles.on_closed[0];
    loop_handles.closing_count--;
    memmove(loop_handles.closing, loop_handles.closing + 1,
            loop_handles.closing_count * sizeof *loop_handles.closing);
    memmove(loop_handles.on_closed, loop_handles.on_closed + 1,
            loop_handles.closing_count * sizeof *loop_handles.on_closed);
    fake_socket *const socket = find(handle);
    if (socket != NULL) {
      cancel_requests(socket);
      fake_forget(socket);
      free(socket->inbox);
      *socket = (fake_socket){0};
    }
    loop_handles.open--;
    if (callback != NULL) callback(handle);
  }
}

/* ---- Turns ---- */

static void run_lookups(void) {
  for (size_t i = 0; i < FAKE_LOOKUPS; i++)
    if (fake.lookups[i].request != NULL && fake.lookups[i].canceled)
      fake_finish_lookup(&fake.lookups[i], UV_ECANCELED, 0);
}

static void run_shutdowns(void) {
  for (size_t i = 0; i < FAKE_SOCKETS; i++) {
    fake_socket *const socket = &fake.sockets[i];
    if (socket->shutdown == NULL || socket->write != NULL || socket->closing) continue;
    uv_shutdown_t *const shutdown = socket->shutdown;
    socket->shutdown = NULL;
    socket->on_shutdown(shutdown, 0);
  }
}

/* Timers, prepare, sockets, check, closing: the order of libuv 1.44. A loop must come to its end
 * within TURNS_MAX turns once the script is over. */
int uv_run(uv_loop_t *loop, uv_run_mode mode) {
  (void)loop, (void)mode;
  for (size_t turn = 0; loop_handles.open > 0; turn++) {
    FUZZ_CHECK(turn < TURNS_MAX);
    if (loop_handles.timer != NULL && loop_handles.due_ns != 0 &&
        fake.now_ns >= loop_handles.due_ns) {
      loop_handles.due_ns = 0;
      loop_handles.on_timer(loop_handles.timer);
    }
    if (loop_handles.prepare != NULL) loop_handles.on_prepare(loop_handles.prepare);
    if (loop_handles.async != NULL && loop_handles.async_sent) {
      loop_handles.async_sent = false;
      loop_handles.on_async(loop_handles.async);
    }
    run_lookups();
    run_shutdowns();
    if (loop_handles.prepare != NULL) fake_step();
    if (loop_handles.check != NULL) loop_handles.on_check(loop_handles.check);
    run_closing();
  }
  return 0;
}

/* ---- Sockets ---- */

static fake_socket *usable(const void *handle) {
  fake_socket *const socket = find(handle);
  FUZZ_CHECK(socket != NULL && !socket->closing);
  return socket;
}

int uv_tcp_init(uv_loop_t *loop, uv_tcp_t *tcp) {
  (void)loop;
  fake_socket *const socket = find(NULL);
  FUZZ_CHECK(socket != NULL && find(tcp) == NULL);
  *socket = (fake_socket){.tcp = tcp, .serial = ++fake.serial};
  loop_handles.open++;
  return 0;
}

/* The core opens accepted connections only. */
int uv_tcp_open(uv_tcp_t *tcp, uv_os_sock_t descriptor) {
  FUZZ_CHECK(descriptor == FAKE_DESCRIPTOR);
  usable(tcp)->connected = true;
  return 0;
}

/* Pairs of sockets are for connections over TLS, of which there are none here. */
int uv_pipe_init(uv_loop_t *loop, uv_pipe_t *pipe, int ipc) {
  (void)loop, (void)pipe, (void)ipc;
  return UV_ENOSYS;
}

int uv_pipe_open(uv_pipe_t *pipe, uv_file descriptor) {
  (void)pipe, (void)descriptor;
  return UV_ENOSYS;
}

int uv_fileno(const uv_handle_t *handle, uv_os_fd_t *descriptor) {
  FUZZ_CHECK(usable(handle)->connected);
  *descriptor = FAKE_DESCRIPTOR;
  return 0;
}

int uv_tcp_nodelay(uv_tcp_t *tcp, int on) {
  (void)on;
  usable(tcp);
  return 0;
}

int uv_poll_init(uv_loop_t *loop, uv_poll_t *poll, int descriptor) {
  (void)descriptor;
  uv_tcp_init(loop, (uv_tcp_t *)(void *)poll);
  usable(poll)->is_listener = true;
  return 0;
}

int uv_poll_start(uv_poll_t *poll, int events, uv_poll_cb callback) {
  FUZZ_CHECK(events == UV_READABLE);
  fake_socket *const socket = usable(poll);
  socket->listening = true;
  socket->on_poll = callback;
  return 0;
}

int uv_poll_stop(uv_poll_t *poll) {
  usable(poll)->listening = false;
  return 0;
}

int uv_tcp_connect(uv_connect_t *request, uv_tcp_t *tcp, const struct sockaddr *address,
                   uv_connect_cb callback) {
  fake_socket *const socket = usable(tcp);
  /* Port 1 stands for a network that is unreachable at once. */
  if (((const struct sockaddr_in *)(const void *)address)->sin_port == htons(1))
    return UV_ENETUNREACH;
  socket->connect = request;
  socket->on_connect = callback;
  request->handle = (uv_stream_t *)tcp;
  return 0;
}

int uv_read_start(uv_stream_t *stream, uv_alloc_cb alloc, uv_read_cb callback) {
  fake_socket *const socket = usable(stream);
  FUZZ_CHECK(socket->connected && socket->on_alloc == NULL);
  socket->on_alloc = alloc;
  socket->on_read = callback;
  return 0;
}

int uv_read_stop(uv_stream_t *stream) {
  fake_socket *const socket = find(stream);
  FUZZ_CHECK(socket != NULL);
  socket->on_alloc = NULL;
  return 0;
}

/* Gives the peer what it takes of these bytes. */
static size_t hand_over(fake_socket *socket, uv_buf_t *vectors, unsigned int count) {
  size_t total = 0;
  if (socket->inbox == NULL) socket->inbox = fuzz_block(FAKE_INBOX);
  for (unsigned int i = 0; i < count && socket->window > 0; i++) {
    const size_t take = vectors[i].len < socket->window ? vectors[i].len : socket->window;
    FUZZ_CHECK(socket->inbox_count + take <= FAKE_INBOX);
    if (take != 0) memcpy(socket->inbox + socket->inbox_count, vectors[i].base, take);
    socket->inbox_count += take;
    socket->window -= take;
    vectors[i].base += take;
    vectors[i].len -= take;
    total += take;
  }
  return total;
}

int uv_try_write(uv_stream_t *stream, const uv_buf_t buffers[], unsigned int count) {
  fake_socket *const socket = usable(stream);
  FUZZ_CHECK(socket->connected && !socket->shut && count > 0 && count <= FAKE_VECTORS);
  if (socket->broken) return UV_EPIPE;
  if (socket->write != NULL) return UV_EAGAIN;
  uv_buf_t vectors[FAKE_VECTORS];
  memcpy(vectors, buffers, count * sizeof *vectors);
  const size_t taken = hand_over(socket, vectors, count);
  return taken == 0 ? UV_EAGAIN : (int)taken;
}

size_t uv_stream_get_write_queue_size(const uv_stream_t *stream) {
  const fake_socket *const socket = usable((uv_stream_t *)(uintptr_t)stream);
  size_t left = 0;
  for (unsigned int i = 0; i < socket->vector_count; i++) left += socket->vectors[i].len;
  return socket->write != NULL ? left : 0;
}

int uv_write(uv_write_t *request, uv_stream_t *stream, const uv_buf_t buffers[], unsigned int count,
             uv_write_cb callback) {
  fake_socket *const socket = usable(stream);
  FUZZ_CHECK(socket->connected && !socket->shut && socket->write == NULL);
  FUZZ_CHECK(count > 0 && count <= FAKE_VECTORS);
  request->handle = stream;
  socket->write = request;
  socket->on_written = callback;
  memcpy(socket->vectors, buffers, count * sizeof *buffers);
  socket->vector_count = count;
  return 0;
}

int uv_shutdown(uv_shutdown_t *request, uv_stream_t *stream, uv_shutdown_cb callback) {
  fake_socket *const socket = usable(stream);
  FUZZ_CHECK(socket->connected && !socket->shut);
  request->handle = stream;
  socket->shut = true;
  socket->shutdown = request;
  socket->on_shutdown = callback;
  return 0;
}

/* ---- Names ---- */

int uv_getaddrinfo(uv_loop_t *loop, uv_getaddrinfo_t *request, uv_getaddrinfo_cb callback,
                   const char *node, const char *service, const struct addrinfo *hints) {
  (void)loop, (void)node, (void)service, (void)hints;
  for (size_t i = 0; i < FAKE_LOOKUPS; i++) {
    if (fake.lookups[i].request != NULL) continue;
    fake.lookups[i] = (fake_lookup){.request = request, .callback = callback};
    loop_handles.open++;
    return 0;
  }
  return UV_ENOMEM;
}

int uv_cancel(uv_req_t *request) {
  for (size_t i = 0; i < FAKE_LOOKUPS; i++) {
    if ((uv_req_t *)fake.lookups[i].request != request) continue;
    if (fake.cancel_refused) return UV_EBUSY;
    fake.lookups[i].canceled = true;
    return 0;
  }
  fuzz_fail(__FILE__, __LINE__, "uv_cancel of a request under way");
}

void uv_freeaddrinfo(struct addrinfo *found) {
  while (found != NULL) {
    struct addrinfo *const next = found->ai_next;
    free(found);
    found = next;
  }
}

/* ---- What the fuzzer does ---- */

void fake_reset(void) {
  memset(&fake, 0, sizeof fake);
  memset(&loop_handles, 0, sizeof loop_handles);
  fake.now_ns = 1000000000;
  fake.random = 1;
}

bool fake_has_room(void) {
  size_t used = 0;
  for (size_t i = 0; i < FAKE_SOCKETS; i++) used += fake.sockets[i].tcp != NULL;
  return used <= FAKE_SOCKETS / 2;
}

int fake_connect(size_t window) {
  fake_socket *listener = NULL;
  for (size_t i = 0; i < FAKE_SOCKETS; i++)
    if (fake.sockets[i].listening && listener == NULL) listener = &fake.sockets[i];
  if (listener == NULL || !fake_has_room()) return -1;
  const uint32_t serial = fake.serial;
  fake.pending_accepts = 1;
  fake.descriptors_short = window == FAKE_WINDOW_SHORT;
  listener->on_poll((uv_poll_t *)(void *)listener->tcp, 0, UV_READABLE);
  fake.pending_accepts = 0;
  for (size_t i = 0; i < FAKE_SOCKETS; i++) {
    fake_socket *const made = &fake.sockets[i];
    if (made->tcp == NULL || made->serial != serial + 1 || made->closing) continue;
    made->window = window;
    return (int)i;
  }
  return -1;
}

size_t fake_deliver(fake_socket *socket, const uint8_t *bytes, size_t count) {
  if (socket->tcp == NULL || socket->on_alloc == NULL || count == 0) return 0;
  uv_buf_t buffer = {0};
  socket->on_alloc((uv_handle_t *)socket->tcp, 65536, &buffer);
  const size_t take = count < buffer.len ? count : buffer.len;
  memcpy(buffer.base, bytes, take);
  socket->on_read((uv_stream_t *)socket->tcp, (ssize_t)take, &buffer);
  return take;
}

bool fake_end(fake_socket *socket, int status) {
  if (socket->tcp == NULL || socket->on_alloc == NULL) return false;
  uv_buf_t buffer = {0};
  socket->on_alloc((uv_handle_t *)socket->tcp, 65536, &buffer);
  const uv_read_cb on_read = socket->on_read;
  on_read((uv_stream_t *)socket->tcp, status, &buffer);
  return true;
}

void fake_open_window(fake_socket *socket, size_t count) {
  if (socket->tcp == NULL) return;
  socket->window += count;
  if (socket->write == NULL || socket->closing) return;
  hand_over(socket, socket->vectors, socket->vector_count);
  if (socket->window == 0 && socket->vectors[socket->vector_count - 1].len > 0) return;
  uv_write_t *const write = socket->write;
  socket->write = NULL;
  socket->on_written(write, socket->broken ? UV_EPIPE : 0);
}

void fake_finish_connect(fake_socket *socket, int status, size_t window) {
  if (socket->tcp == NULL || socket->connect == NULL || socket->closing) return;
  uv_connect_t *const connect = socket->connect;
  socket->connect = NULL;
  socket->connected = status == 0;
  socket->window = window;
  socket->on_connect(connect, status);
}

void fake_finish_lookup(fake_lookup *lookup, int status, size_t addresses) {
  if (lookup->request == NULL) return;
  struct addrinfo *found = NULL;
  for (size_t i = 0; status == 0 && i < addresses; i++) {
    struct addrinfo *const one =
        (struct addrinfo *)(void *)fuzz_zeros(sizeof *one + sizeof(struct sockaddr_in6));
    one->ai_family = i % 3 == 0 ? AF_INET : AF_INET6;
    one->ai_addr = (struct sockaddr *)(void *)(one + 1);
    one->ai_addrlen =
        one->ai_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    one->ai_addr->sa_family = (sa_family_t)one->ai_family;
    one->ai_next = found;
    found = one;
  }
  const fake_lookup ended = *lookup;
  *lookup = (fake_lookup){0};
  loop_handles.open--;
  ended.callback(ended.request, status, found);
}
