/* leg_io.c - bytes in and out of a leg: one read buffer, one flush a turn, back-pressure. */
#include "internal.h"

size_t trk_leg_pending_bytes(const trk_leg *leg) {
  return leg->out.bytes + leg->cipher.bytes + leg->flight.bytes;
}

/* ---- Reading ---- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
  (void)suggested;
  trk_loop *loop = TRK_OWNER_OF(handle, trk_socket, tcp)->loop;
  *buffer = uv_buf_init((char *)loop->receive, loop->config.read_turn_max);
}

/* The peer has closed its half. */
void trk_leg_on_ended(trk_leg *leg) {
  leg->peer_ended = true;
  /* What it said before is heard first. */
  if (leg->backlog.count > 0 && leg->state != TRK_LEG_LINGER) return;
  switch (leg->state) {
    case TRK_LEG_LINGER:
      if (trk_leg_pending_bytes(leg) == 0) trk_leg_kill(leg);
      return;
    case TRK_LEG_DEAD: return;
    case TRK_LEG_PUMP: trk_pump_on_peer_ended(leg); return;
    case TRK_LEG_RESPONSE:
      trk_leg_fail(leg, 1006, TRK_CLOSE_LOST, 0, "closed before the answer");
      return;
    default:
      trk_leg_flush(leg); /* What is queued still goes to a peer that only half-closed. */
      trk_leg_fail(leg, 1006, TRK_CLOSE_LOST, 0, "connection ended");
      return;
  }
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer) {
  trk_socket *socket = TRK_OWNER_OF(stream, trk_socket, tcp);
  trk_leg *leg = socket->leg;
  trk_loop *loop = socket->loop;
  if (!leg || leg->state == TRK_LEG_DEAD || count == 0) return;
  trk_loop_touch(loop);
  if (count == UV_EOF) {
    uv_read_stop(stream);
    leg->reading = false;
    trk_leg_on_ended(leg);
    return;
  }
  if (count < 0) {
    trk_leg_fail(leg, 1006, TRK_CLOSE_LOST, (int32_t)count, uv_strerror((int)count));
    return;
  }
  loop->stats.reads++;
  loop->stats.bytes_read += (uint64_t)count;
  leg->heard_ms = loop->now_us / TRK_US_PER_MS;
  if (leg->ssl)
    trk_tls_input(leg, (uint8_t *)buffer->base, (size_t)count);
  else
    trk_leg_take_plain(leg, (uint8_t *)buffer->base, (size_t)count);
  /* A full buffer: more is there, and libuv would read it at once. The others come first. */
  if ((size_t)count < loop->config.read_turn_max || leg->state == TRK_LEG_DEAD) return;
  loop->stats.read_rests++;
  trk_leg_defer(leg);
}

void trk_leg_update_reading(trk_leg *leg) {
  if (!leg->socket || leg->state == TRK_LEG_DEAD || leg->state == TRK_LEG_DIALLING) return;
  const bool wanted =
      !leg->peer_ended && !leg->deferred && !leg->held && leg->state != TRK_LEG_AWAIT;
  if (wanted == leg->reading) return;
  leg->reading = wanted;
  if (wanted)
    uv_read_start((uv_stream_t *)&leg->socket->tcp, on_alloc, on_read);
  else
    uv_read_stop((uv_stream_t *)&leg->socket->tcp);
}

void trk_leg_begin_reading(trk_leg *leg) {
  leg->reading = false;
  trk_leg_update_reading(leg);
}

/* Whether frames may be read now, or only after the batch has been delivered. */
bool trk_leg_may_read(const trk_leg *leg) {
  return leg->barrier_round != leg->loop->round + 1 && trk_batch_has_room(leg->loop);
}

/* Reads as far as the state and the batch allow; returns the bytes used. */
static size_t consume(trk_leg *leg, uint8_t *bytes, size_t count) {
  size_t used = 0;
  while (used < count) {
    const trk_leg_state state = leg->state;
    if (leg->postponed) return count;
    if (state == TRK_LEG_OPEN || state == TRK_LEG_CLOSING) {
      if (!trk_leg_may_read(leg)) return used;
      used += trk_leg_read_frames(leg, bytes + used, count - used);
      if (leg->state == state) return used;
    } else if (state == TRK_LEG_REQUEST || state == TRK_LEG_RESPONSE) {
      if (!trk_batch_has_room(leg->loop)) return used;
      used += trk_leg_read_head(leg, bytes + used, count - used);
    } else if (state == TRK_LEG_AWAIT) {
      return used;
    } else if (state == TRK_LEG_PUMP) {
      return used + trk_pump_take(leg, bytes + used, count - used);
    } else {
      return count; /* Nothing more is heard from this peer. */
    }
  }
  return used;
}

void trk_leg_defer(trk_leg *leg) {
  if (!leg->deferred) {
    trk_loop *loop = leg->loop;
    leg->deferred = true;
    leg->next_deferred = NULL;
    if (loop->deferred)
      loop->deferred_last->next_deferred = leg;
    else
      loop->deferred = leg;
    loop->deferred_last = leg;
  }
  trk_leg_update_reading(leg);
}

void trk_leg_take_plain(trk_leg *leg, uint8_t *bytes, size_t count) {
  size_t used = 0;
  if (leg->backlog.count == 0) used = consume(leg, bytes, count);
  if (used == count || leg->state == TRK_LEG_DEAD) return;
  if (!trk_buffer_append(leg->loop, &leg->backlog, bytes + used, count - used)) {
    trk_leg_break(leg, 1009, TRK_CLOSE_LIMIT, "too much at once");
    return;
  }
  if (leg->state == TRK_LEG_AWAIT || leg->state == TRK_LEG_PUMP) {
    trk_leg_update_reading(leg);
    return;
  }
  leg->loop->stats.batch_waits++;
  trk_leg_defer(leg);
}

static void run_deferred(trk_leg *leg) {
  trk_buffer backlog = leg->backlog;
  leg->backlog = (trk_buffer){0};
  if (leg->state != TRK_LEG_DEAD) trk_leg_run_postponed(leg);
  if (leg->state != TRK_LEG_DEAD && backlog.count > 0)
    trk_leg_take_plain(leg, backlog.data, backlog.count);
  trk_buffer_release(leg->loop, &backlog);
  trk_leg_update_reading(leg);
  if (leg->peer_ended) trk_leg_on_ended(leg);
}

/* Goes on with the legs that waited for room, the oldest first, while there is some. Runs after a
 * batch was delivered; each has one go, and who has to wait again waits behind the others. */
void trk_leg_run_deferred(trk_loop *loop) {
  const trk_leg *last = loop->deferred_last;
  while (loop->deferred && trk_batch_has_room(loop)) {
    trk_leg *leg = loop->deferred;
    loop->deferred = leg->next_deferred;
    leg->deferred = false;
    run_deferred(leg);
    if (leg == last) return;
  }
}

/* ---- Writing ---- */

void trk_leg_mark_dirty(trk_leg *leg) {
  if (leg->dirty) return;
  leg->dirty = true;
  leg->next_dirty = leg->loop->dirty;
  leg->loop->dirty = leg;
}

void trk_leg_flush_dirty(trk_loop *loop) {
  while (loop->dirty) {
    trk_leg *leg = loop->dirty;
    loop->dirty = leg->next_dirty;
    leg->dirty = false;
    trk_leg_flush(leg);
  }
}

static unsigned int gather(const trk_chain *chain, uv_buf_t *vectors, size_t *bytes) {
  unsigned int count = 0;
  *bytes = 0;
  for (trk_block *block = chain->head; block && count < TRK_WRITE_VECTORS_MAX;
       block = block->next) {
    vectors[count++] = uv_buf_init((char *)block->data + block->start, block->end - block->start);
    *bytes += block->end - block->start;
  }
  return count;
}

static void on_written(uv_write_t *request, int status) {
  trk_socket *socket = TRK_OWNER_OF(request->handle, trk_socket, tcp);
  trk_leg *leg = socket->leg;
  if (!leg) return;
  trk_loop_touch(leg->loop);
  leg->writing = false;
  leg->loop->stats.bytes_written += leg->flight.bytes;
  trk_chain_clear(leg->loop, &leg->flight);
  if (leg->state == TRK_LEG_DEAD) return;
  if (status < 0) {
    trk_leg_fail(leg, 1006, TRK_CLOSE_LOST, status, uv_strerror(status));
    return;
  }
  trk_leg_mark_dirty(leg);
  if (leg->call) trk_call_on_leg_drained(leg);
}

/* Moves the head of `chain` into flight and lets libuv write it when the peer takes data again. */
static void write_later(trk_leg *leg, trk_chain *chain) {
  uv_buf_t vectors[TRK_WRITE_VECTORS_MAX];
  size_t bytes = 0;
  const unsigned int count = gather(chain, vectors, &bytes);
  trk_block *last = chain->head;
  for (unsigned int i = 1; i < count; i++) last = last->next;
  leg->flight = (trk_chain){.head = chain->head, .tail = last, .bytes = bytes};
  chain->head = last->next;
  if (!chain->head) chain->tail = NULL;
  chain->bytes -= bytes;
  last->next = NULL;
  leg->writing = true;
  leg->stuck_ms = leg->loop->now_us / TRK_US_PER_MS;
  leg->stuck_bytes = bytes;
  if (leg->state == TRK_LEG_OPEN) trk_leg_arm_keepalive(leg);
  const int status =
      uv_write(&leg->write, (uv_stream_t *)&leg->socket->tcp, vectors, count, on_written);
  if (status < 0) {
    leg->writing = false;
    trk_leg_fail(leg, 1006, TRK_CLOSE_LOST, status, uv_strerror(status));
  }
}

/* Writes what the system takes now. False when the leg is blocked or gone. */
static bool write_now(trk_leg *leg, trk_chain *chain) {
  while (chain->bytes > 0) {
    uv_buf_t vectors[TRK_WRITE_VECTORS_MAX];
    size_t bytes = 0;
    const unsigned int count = gather(chain, vectors, &bytes);
    const int written = uv_try_write((uv_stream_t *)&leg->socket->tcp, vectors, count);
    if (written < 0 && written != UV_EAGAIN) {
      trk_leg_fail(leg, 1006, TRK_CLOSE_LOST, written, uv_strerror(written));
      return false;
    }
    leg->loop->stats.writes++;
    if (written > 0) {
      leg->loop->stats.bytes_written += (uint64_t)written;
      trk_chain_consume(leg->loop, chain, (size_t)written);
    }
    if (written < 0 || (size_t)written < bytes) {
      write_later(leg, chain);
      return false;
    }
  }
  return true;
}

static void on_shutdown(uv_shutdown_t *request, int status) {
  (void)status;
  trk_leg *leg = TRK_OWNER_OF(request, trk_socket, shutdown)->leg;
  if (leg && leg->peer_ended) trk_leg_kill(leg);
}

/* All is written: close our half. A client waits for the server to end first (RFC 6455 7.1.1). */
static void half_close(trk_leg *leg) {
  if (leg->peer_ended) {
    trk_leg_kill(leg);
    return;
  }
  if (leg->shut || (!leg->is_server && leg->close_sent)) return;
  leg->shut = true;
  uv_shutdown(&leg->socket->shutdown, (uv_stream_t *)&leg->socket->tcp, on_shutdown);
}

void trk_leg_flush(trk_leg *leg) {
  if (leg->state == TRK_LEG_DEAD || leg->state == TRK_LEG_DIALLING) return;
  if (leg->writing || !leg->socket || leg->shut) return;
  if (leg->ssl) {
    do {
      if (leg->state != TRK_LEG_TLS && !trk_tls_encrypt(leg)) {
        trk_leg_fail(leg, 1006, TRK_CLOSE_LOST, 0, "TLS write failed");
        return;
      }
      if (!write_now(leg, &leg->cipher)) return;
    } while (leg->state != TRK_LEG_TLS && leg->out.bytes > 0);
  } else if (!write_now(leg, &leg->out)) {
    return;
  }
  if (leg->call) trk_call_on_flushed(leg);
  if (leg->pump && leg->state == TRK_LEG_PUMP) trk_pump_on_flushed(leg);
  if (leg->state != TRK_LEG_LINGER) return;
  if (leg->ssl && !leg->shut && !(SSL_get_shutdown(leg->ssl) & SSL_SENT_SHUTDOWN)) {
    trk_tls_shutdown(leg);
    if (!write_now(leg, &leg->cipher)) return;
  }
  half_close(leg);
}
