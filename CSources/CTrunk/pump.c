/* pump.c - a connection over TLS that an HTTP server has got: its plain bytes go through a pair of
 * sockets, one end of which is the server's and the other ours.
 *
 * Peer to server: decrypted bytes are written to our end; while the system does not take them, the
 * peer is not read. Server to peer: what our end reads is encrypted; while the peer does not take
 * it, our end is not read. So each way holds one read and its rest, and no more.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"

struct trk_pump {
  uv_pipe_t pipe;
  uv_write_t write;
  uv_shutdown_t shutdown;
  trk_loop *loop;
  trk_leg *leg;    /* NULL once it is gone. */
  trk_buffer rest; /* What the system has not taken yet. */
  bool writing;
  bool reading;
  bool peer_shut;    /* The peer's end was passed on. */
  bool server_ended; /* The server's end has come. */
};

enum { PENDING_MAX = 256 << 10 }; /* Bytes for a peer that does not read. */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
  (void)suggested;
  trk_pump *pump = TRK_OWNER_OF(handle, trk_pump, pipe);
  *buffer = uv_buf_init((char *)pump->loop->receive, TRK_RECEIVE_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer) {
  trk_pump *pump = TRK_OWNER_OF(stream, trk_pump, pipe);
  trk_leg *leg = pump->leg;
  if (!leg || count == 0) return;
  trk_loop_touch(pump->loop);
  trk_buffer_release(pump->loop, &leg->head); /* Its new owner has copied it by now. */
  if (count < 0) {
    uv_read_stop(stream);
    pump->reading = false;
    pump->server_ended = true;
    trk_leg_linger(leg); /* What was said is sent; then our half is closed. */
    return;
  }
  if (!trk_chain_append(pump->loop, &leg->out, buffer->base, (size_t)count)) {
    trk_leg_fail(leg, 1006, TRK_CLOSE_LIMIT, 0, "no memory for an answer");
    return;
  }
  trk_leg_mark_dirty(leg);
  trk_pump_on_flushed(leg);
}

/* Reads from the server as long as the peer takes what it says. */
void trk_pump_on_flushed(trk_leg *leg) {
  trk_pump *pump = leg->pump;
  const bool wanted = !pump->server_ended && trk_leg_pending_bytes(leg) < PENDING_MAX;
  if (wanted == pump->reading) return;
  pump->reading = wanted;
  if (wanted)
    uv_read_start((uv_stream_t *)&pump->pipe, on_alloc, on_read);
  else
    uv_read_stop((uv_stream_t *)&pump->pipe);
}

static void on_shutdown(uv_shutdown_t *request, int status) {
  (void)request;
  (void)status;
}

static void pass_end_on(trk_pump *pump) {
  if (pump->peer_shut || pump->writing) return;
  pump->peer_shut = true;
  uv_shutdown(&pump->shutdown, (uv_stream_t *)&pump->pipe, on_shutdown);
}

static void on_written(uv_write_t *request, int status) {
  trk_pump *pump = TRK_OWNER_OF(request, trk_pump, write);
  pump->writing = false;
  trk_buffer_release(pump->loop, &pump->rest);
  trk_leg *leg = pump->leg;
  if (!leg) return;
  trk_loop_touch(pump->loop);
  if (status < 0) {
    trk_leg_linger(leg); /* The server is gone; what it said before still goes out. */
    return;
  }
  leg->held = false;
  if (leg->backlog.count > 0)
    trk_leg_defer(leg); /* Goes on in this turn, and passes the peer's end on behind it. */
  else if (leg->peer_ended)
    pass_end_on(pump);
  trk_leg_update_reading(leg);
}

/* Writes what the system takes; the rest waits, and with it the peer. */
static void write_on(trk_pump *pump, const uint8_t *bytes, size_t count) {
  uv_buf_t vector = uv_buf_init((char *)bytes, (unsigned)count);
  const int written = uv_try_write((uv_stream_t *)&pump->pipe, &vector, 1);
  if (written < 0 && written != UV_EAGAIN) {
    trk_leg_linger(pump->leg);
    return;
  }
  const size_t taken = written > 0 ? (size_t)written : 0;
  if (taken == count) return;
  if (!trk_buffer_append(pump->loop, &pump->rest, bytes + taken, count - taken)) {
    trk_leg_fail(pump->leg, 1006, TRK_CLOSE_LIMIT, 0, "too much at once");
    return;
  }
  pump->writing = true;
  pump->leg->held = true;
  trk_leg_update_reading(pump->leg);
  vector = uv_buf_init((char *)pump->rest.data, (unsigned)pump->rest.count);
  if (uv_write(&pump->write, (uv_stream_t *)&pump->pipe, &vector, 1, on_written) < 0) {
    pump->writing = false;
    trk_leg_linger(pump->leg);
  }
}

size_t trk_pump_take(trk_leg *leg, uint8_t *bytes, size_t count) {
  if (leg->pump->writing) return 0; /* Waits in the backlog. */
  write_on(leg->pump, bytes, count);
  return count;
}

void trk_pump_on_peer_ended(trk_leg *leg) {
  pass_end_on(leg->pump);
}

static void on_closed(uv_handle_t *handle) {
  trk_pump *pump = TRK_OWNER_OF(handle, trk_pump, pipe);
  trk_buffer_release(pump->loop, &pump->rest);
  trk_free(pump->loop, pump);
}

void trk_pump_leave(trk_leg *leg) {
  trk_pump *pump = leg->pump;
  leg->pump = NULL;
  pump->leg = NULL;
  uv_close((uv_handle_t *)&pump->pipe, on_closed);
}

int trk_pump_begin(trk_leg *leg) {
  trk_loop *loop = leg->loop;
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0) return -errno;
  trk_pump *pump = trk_alloc(loop, sizeof *pump);
  if (!pump || uv_pipe_init(&loop->uv, &pump->pipe, 0) < 0) {
    trk_free(loop, pump);
    close(ends[0]);
    close(ends[1]);
    return -ENOMEM;
  }
  pump->loop = loop;
  pump->leg = leg;
  leg->pump = pump;
  if (uv_pipe_open(&pump->pipe, ends[1]) < 0) {
    close(ends[0]);
    close(ends[1]);
    trk_pump_leave(leg);
    return -EBADF;
  }
  leg->state = TRK_LEG_PUMP;
  trk_leg_set_deadline(leg, -1);
  trk_pump_on_flushed(leg);
  return ends[0];
}
