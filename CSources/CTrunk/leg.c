/* leg.c - the life of a leg: creation, the ways to end, deadlines, and the public functions. */
#include "listen.h"

trk_leg *trk_leg_create(trk_loop *loop, bool is_server) {
  trk_leg *leg = trk_alloc(loop, sizeof *leg);
  if (!leg) return NULL;
  leg->loop = loop;
  leg->is_server = is_server;
  leg->retry_after_s = -1;
  leg->deadline.kind = TRK_TIMER_LEG_DEADLINE;
  leg->user_timer.kind = TRK_TIMER_LEG_USER;
  leg->heard_ms = loop->now_us / TRK_US_PER_MS;
  if (!trk_table_take(&loop->legs, leg, &leg->id.slot, &leg->id.generation)) {
    trk_free(loop, leg);
    return NULL;
  }
  const trk_loop_config *config = &loop->config;
  const trk_ws_limits limits = {
      .message_max = is_server ? config->server_message_max : config->client_message_max,
      .fragments_max = config->fragments_max,
  };
  trk_ws_reader_init(&leg->ws, is_server, limits);
  loop->leg_count++;
  loop->stats.legs_open++;
  return leg;
}

trk_leg *trk_leg_find(const trk_loop *loop, trk_leg_id id) {
  return trk_table_find(&loop->legs, id.slot, id.generation);
}

void trk_leg_set_deadline(trk_leg *leg, int64_t delay_ms) {
  if (delay_ms < 0)
    trk_wheel_cancel(leg->loop, &leg->deadline);
  else
    trk_wheel_arm(leg->loop, &leg->deadline, leg->loop->now_us / TRK_US_PER_MS + delay_ms);
}

/* Reasons go to logs and records: control characters of a peer stay out. */
void trk_leg_record_close(trk_leg *leg, uint16_t code, trk_close_cause cause, int32_t detail,
                          const char *reason, size_t reason_count) {
  if (leg->close_recorded) return;
  leg->close_recorded = true;
  leg->close_code = code;
  leg->close_cause = cause;
  leg->close_detail = detail;
  const size_t room = sizeof leg->close_reason - 1;
  const size_t count = reason_count < room ? reason_count : room;
  for (size_t i = 0; i < count; i++)
    leg->close_reason[i] = (uint8_t)reason[i] < 0x20 ? ' ' : reason[i];
  leg->close_reason[count] = 0;
}

/* ---- The end ---- */

static void release_parts(trk_leg *leg) {
  trk_loop *loop = leg->loop;
  trk_chain_clear(loop, &leg->out);
  trk_chain_clear(loop, &leg->cipher);
  trk_chain_clear(loop, &leg->flight);
  trk_buffer_release(loop, &leg->message);
  trk_buffer_release(loop, &leg->head);
  trk_buffer_release(loop, &leg->backlog);
  if (leg->ssl) {
    OPENSSL_free(SSL_get_app_data(leg->ssl));
    /* A connection that broke says nothing against its session (RFC 5246 section 7.2.1); OpenSSL
     * would never resume it. */
    if (SSL_is_init_finished(leg->ssl))
      SSL_set_shutdown(leg->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(leg->ssl);
    leg->ssl = NULL;
  }
}

/* The connection is gone: tells it, and makes the id stale. The memory goes at the round's end,
 * since a caller further up may still hold the leg. */
static void finish(trk_leg *leg) {
  trk_loop *loop = leg->loop;
  if (leg->announced) {
    const trk_bytes reason = {(const uint8_t *)leg->close_reason, strlen(leg->close_reason)};
    trk_batch_push(loop, (trk_event){.kind = TRK_EVENT_LEG_CLOSED,
                                     .leg = leg->id,
                                     .is_dialled = !leg->is_server,
                                     .call = leg->call ? leg->call->id : (trk_call_id){0},
                                     .a = leg->close_code,
                                     .b = leg->close_cause,
                                     .c = leg->close_detail,
                                     .d = leg->retry_after_s,
                                     .bytes = reason});
  }
  trk_address_give(loop, leg->address);
  leg->address = NULL;
  if (leg->call) trk_call_on_leg_closed(leg);
  /* The slot is free for others when LEG_CLOSED has been heard: until then nobody else may sit
   * there, or the callee would take the event for the newcomer's. */
  trk_table_hide(&loop->legs, leg->id.slot);
  leg->dead_round = leg->announced ? loop->round + 1 : loop->round;
  loop->leg_count--;
  loop->stats.legs_open--;
  leg->next_dead = loop->dead;
  loop->dead = leg;
}

void trk_leg_free_dead(trk_loop *loop) {
  trk_leg *leg = loop->dead;
  loop->dead = NULL;
  while (leg) {
    trk_leg *next = leg->next_dead;
    if (leg->dead_round > loop->round || leg->deferred) {
      leg->next_dead = loop->dead;
      loop->dead = leg;
    } else {
      TRK_ASSERT(!leg->dirty);
      release_parts(leg);
      trk_table_give(&loop->legs, leg->id.slot);
      trk_free(loop, leg);
    }
    leg = next;
  }
}

void trk_leg_on_socket_closed(uv_handle_t *handle) {
  trk_socket *socket = TRK_OWNER_OF(handle, trk_socket, tcp);
  trk_leg *leg = socket->leg;
  trk_free(socket->loop, socket);
  if (!leg) return;
  trk_loop *loop = leg->loop;
  leg->socket = NULL;
  if (!leg->announced || (!loop->closed && trk_batch_has_room(loop))) {
    finish(leg);
    return;
  }
  /* Many at once: each can end a call, and the sockets of others do not wait for all of them. */
  loop->stats.batch_waits++;
  leg->next_dead = NULL;
  if (loop->closed)
    loop->closed_last->next_dead = leg;
  else
    loop->closed = leg;
  loop->closed_last = leg;
}

void trk_leg_tell_closed(trk_loop *loop) {
  while (loop->closed && trk_batch_has_room(loop)) {
    trk_leg *leg = loop->closed;
    loop->closed = leg->next_dead;
    finish(leg);
  }
}

void trk_leg_kill(trk_leg *leg) {
  if (leg->state == TRK_LEG_DEAD) return;
  leg->state = TRK_LEG_DEAD;
  trk_leg_record_close(leg, 1006, TRK_CLOSE_LOST, 0, "", 0);
  trk_wheel_cancel(leg->loop, &leg->deadline);
  trk_wheel_cancel(leg->loop, &leg->user_timer);
  if (leg->dial) {
    trk_dial_abandon(leg->dial);
    leg->dial = NULL;
  }
  if (leg->pump) trk_pump_leave(leg);
  if (leg->socket)
    uv_close((uv_handle_t *)&leg->socket->tcp, trk_leg_on_socket_closed);
  else
    finish(leg);
}

void trk_leg_fail(trk_leg *leg, uint16_t code, trk_close_cause cause, int32_t detail,
                  const char *reason) {
  trk_leg_record_close(leg, code, cause, detail, reason, strlen(reason));
  trk_leg_kill(leg);
}

void trk_leg_linger(trk_leg *leg) {
  if (leg->state == TRK_LEG_DEAD || leg->state == TRK_LEG_LINGER) return;
  leg->state = TRK_LEG_LINGER;
  leg->held = false;
  trk_leg_update_reading(leg);
  trk_leg_set_deadline(leg, TRK_LINGER_MS);
  trk_leg_mark_dirty(leg);
}

/* The peer broke a rule or a limit: it is told the code and nothing more is read. */
void trk_leg_break(trk_leg *leg, uint16_t code, trk_close_cause cause, const char *reason) {
  if (cause == TRK_CLOSE_LIMIT)
    leg->loop->stats.limit_closes++;
  else if (cause == TRK_CLOSE_PROTOCOL)
    leg->loop->stats.protocol_errors++;
  trk_leg_record_close(leg, code, cause, 0, reason, strlen(reason));
  if (leg->state == TRK_LEG_OPEN) trk_leg_send_close(leg, code, reason);
  trk_leg_linger(leg);
}

void trk_leg_opened(trk_leg *leg) {
  leg->state = TRK_LEG_OPEN;
  leg->next_ping_ms = leg->loop->now_us / TRK_US_PER_MS + leg->loop->config.ping_interval_ms;
  trk_leg_arm_keepalive(leg);
  leg->announced = true;
  trk_batch_push(leg->loop, (trk_event){.kind = TRK_EVENT_LEG_OPENED,
                                        .leg = leg->id,
                                        .is_dialled = !leg->is_server,
                                        .call = leg->call ? leg->call->id : (trk_call_id){0}});
}

/* ---- Deadlines ---- */

static int64_t sooner(int64_t a, int64_t b) {
  return a < b ? a : b;
}

/* The next moment at which an open leg has to be looked at. */
void trk_leg_arm_keepalive(trk_leg *leg) {
  const trk_loop_config *config = &leg->loop->config;
  int64_t due_ms = leg->ping_ms != 0 ? leg->ping_ms + config->ping_timeout_ms : leg->next_ping_ms;
  if (leg->writing) due_ms = sooner(due_ms, leg->stuck_ms + config->stuck_deadline_ms);
  trk_wheel_arm(leg->loop, &leg->deadline, due_ms);
}

/* Whether the write under way has not moved for too long. A peer that takes some of it, however
 * slowly, is not stuck. */
static bool is_stuck(trk_leg *leg, int64_t now_ms) {
  if (!leg->writing) return false;
  const size_t left = uv_stream_get_write_queue_size((uv_stream_t *)&leg->socket->tcp);
  if (left < leg->stuck_bytes) leg->stuck_ms = now_ms;
  leg->stuck_bytes = left;
  return now_ms - leg->stuck_ms >= leg->loop->config.stuck_deadline_ms;
}

/* Sends a ping when the peer was silent for an interval, and looks whether the last one was
 * answered by any sign of life. Silence proves nothing while we do not read (back-pressure), nor
 * while a write is under way: the ping, or what it would answer, stands behind it, and is_stuck
 * watches. False: the peer is dead. */
static bool ping(trk_leg *leg, int64_t now_ms) {
  const trk_loop_config *config = &leg->loop->config;
  if (leg->ping_ms != 0 && now_ms - leg->ping_ms >= config->ping_timeout_ms) {
    const bool answered = leg->heard_ms >= leg->ping_ms;
    if (!answered && !leg->held && !leg->writing) return false;
    leg->ping_ms = 0;
  }
  if (leg->ping_ms != 0 || now_ms < leg->next_ping_ms) return true;
  const int64_t quiet_ms = now_ms - leg->heard_ms;
  if (leg->writing || quiet_ms < config->ping_interval_ms) {
    const int64_t heard_ms = quiet_ms < config->ping_interval_ms ? leg->heard_ms : now_ms;
    leg->next_ping_ms = heard_ms + config->ping_interval_ms;
    return true;
  }
  trk_leg_send_parts(leg, TRK_WS_PING, NULL, 0);
  leg->ping_ms = now_ms;
  leg->next_ping_ms = now_ms + config->ping_interval_ms;
  return true;
}

/* An open leg is looked after at its next ping, or when a write may be stuck. */
static void keep_alive(trk_leg *leg) {
  const int64_t now_ms = leg->loop->now_us / TRK_US_PER_MS;
  if (is_stuck(leg, now_ms)) {
    leg->loop->stats.dead_peers++;
    /* Should it read again within the moment that is left, it finds out why. */
    trk_leg_break(leg, 1008, TRK_CLOSE_TIMEOUT, "the peer takes no data");
    return;
  }
  if (!ping(leg, now_ms)) {
    leg->loop->stats.dead_peers++;
    trk_leg_fail(leg, 1006, TRK_CLOSE_TIMEOUT, 0, "no answer to a ping");
    return;
  }
  trk_leg_arm_keepalive(leg);
}

/* The words say which step it was: a log that only says "too long" sends one looking everywhere. */
static void set_up_is_late(trk_leg *leg) {
  const char *step = leg->state == TRK_LEG_TLS        ? "no TLS handshake in time"
                     : leg->state == TRK_LEG_RESPONSE ? "no answer to the upgrade in time"
                                                      : "no connection in time";
  if (leg->is_server)
    leg->loop->stats.head_timeouts++;
  else
    leg->loop->stats.dial_timeouts++;
  trk_leg_fail(leg, 1006, TRK_CLOSE_TIMEOUT, 0, step);
}

void trk_leg_on_deadline(trk_leg *leg) {
  switch (leg->state) {
    case TRK_LEG_OPEN: keep_alive(leg); return;
    case TRK_LEG_REQUEST:
      leg->loop->stats.head_timeouts++;
      trk_leg_answer_error(leg, leg->head.count > 0 ? 408 : 0);
      return;
    case TRK_LEG_AWAIT: trk_leg_answer_error(leg, 503); return;
    case TRK_LEG_TLS:
    case TRK_LEG_DIALLING:
    case TRK_LEG_RESPONSE: set_up_is_late(leg); return;
    case TRK_LEG_CLOSING:
      trk_leg_record_close(leg, 1006, TRK_CLOSE_TIMEOUT, 0, "no answer to close", 18);
      trk_leg_kill(leg);
      return;
    case TRK_LEG_LINGER: trk_leg_kill(leg); return;
    case TRK_LEG_PUMP: /* The HTTP server has its own. */
    case TRK_LEG_DEAD: return;
  }
}

/* ---- Public functions ---- */

trk_status trk_leg_close(trk_loop *loop, trk_leg_id id, uint16_t code, const char *reason) {
  trk_leg *leg = trk_leg_find(loop, id);
  if (!leg) return TRK_ESTALE;
  if (code != 0 && !trk_ws_close_code_valid(code)) return TRK_EINVALID;
  switch (leg->state) {
    case TRK_LEG_OPEN:
      trk_leg_record_close(leg, code, TRK_CLOSE_LOCAL, 0, reason, strlen(reason));
      trk_leg_send_close(leg, code, reason);
      leg->state = TRK_LEG_CLOSING;
      leg->held = false;
      trk_leg_update_reading(leg);
      trk_leg_set_deadline(leg, loop->config.close_deadline_ms);
      return TRK_OK;
    case TRK_LEG_CLOSING:
    case TRK_LEG_LINGER:
    case TRK_LEG_DEAD: return TRK_OK;
    case TRK_LEG_AWAIT: return trk_leg_refuse(loop, id, 503);
    default: return trk_leg_abort(loop, id);
  }
}

trk_status trk_leg_abort(trk_loop *loop, trk_leg_id id) {
  trk_leg *leg = trk_leg_find(loop, id);
  if (!leg) return TRK_ESTALE;
  trk_leg_fail(leg, 1006, TRK_CLOSE_LOCAL, 0, "");
  return TRK_OK;
}

trk_status trk_leg_set_timer(trk_loop *loop, trk_leg_id id, int64_t delay_ms) {
  trk_leg *leg = trk_leg_find(loop, id);
  if (!leg) return TRK_ESTALE;
  if (leg->state == TRK_LEG_DEAD) return TRK_ECLOSING;
  if (delay_ms < 0)
    trk_wheel_cancel(loop, &leg->user_timer);
  else
    trk_wheel_arm(loop, &leg->user_timer, loop->now_us / TRK_US_PER_MS + delay_ms);
  return TRK_OK;
}

trk_status trk_leg_set_reading(trk_loop *loop, trk_leg_id id, bool reading) {
  trk_leg *leg = trk_leg_find(loop, id);
  if (!leg) return TRK_ESTALE;
  leg->held = !reading;
  trk_leg_update_reading(leg);
  return TRK_OK;
}

size_t trk_leg_pending(trk_loop *loop, trk_leg_id id) {
  const trk_leg *leg = trk_leg_find(loop, id);
  return leg ? trk_leg_pending_bytes(leg) : 0;
}
