/* loop.c - one thread, one libuv loop, and the only place that calls into Swift.
 *
 * A turn: poll: sockets are read, parsed, audio moved on, events gathered -> check: timers fire,
 * drain -> closing callbacks -> prepare: drain. drain() is rounds of { deliver events; run jobs;
 * legs that waited for room; flush } and only there is Swift called. A round is small, and none
 * begins after DRAIN_US, or after as long as the sockets took if that was longer: so audio waits
 * for calls that end together, and calls for audio, no longer than for their equal share.
 */
#include "listen.h"

#include <signal.h>

enum {
  SLOW_TURN_US = 5000,
  NS_PER_US = 1000,
  DRAIN_US = 3000,   /* Of a turn, at least; more rounds wait for the next one. */
  DRAIN_ROUNDS = 64, /* And no more than these, whatever the clock says. */
  JOBS_PER_ROUND = 8 /* Like the events of a round: each can be an end of a call. */
};

trk_loop_config trk_loop_config_default(void) {
  return (trk_loop_config){
      .legs_max = 20000,
      .calls_max = 10000,
      .events_max = 4096,
      .batch_bytes_max = 8 << 20,
      .pool_bytes_max = 1u << 30,
      .head_bytes_max = 16384,
      .head_line_max = 8192,
      .head_deadline_ms = 5000,
      .accept_deadline_ms = 5000,
      .dial_deadline_ms = 10000,
      .connect_deadline_ms = 2000,
      .tls_deadline_ms = 3000,
      .answer_deadline_ms = 5000,
      .attempt_delay_ms = 250,
      .close_deadline_ms = 5000,
      .ping_interval_ms = 5000,
      .ping_timeout_ms = 5000,
      .server_message_max = 65536,
      .client_message_max = 4 << 20,
      .fragments_max = 256,
      .pings_max = 64,
      .queue_bytes_max = 1 << 20,
      .stuck_deadline_ms = 10000,
      .malformed_max = 20,
      .lead_ms = 300,
      .slice_ms = 100,
      .mark_ms = 200,
      .waiting_ms_max = 10000,
      .blocked_ms_max = 2000,
      .playback_ms_max = 600000,
      .append_ms = 20,
      .heads_per_address_max = 1024,
      .accept_pause_ms = 100,
      .read_turn_max = TRK_RECEIVE_BYTES,
      .pong_bytes_max = 8192,
      .early_media_max = 50,
      .media_speed_max = 200,
      .media_window_ms = 5000,
      .media_timeout_ms = 10000,
      .digits_per_s_max = 20,
      .tap_bytes = 65536,
  };
}

/* ---- Turns ---- */

static int64_t clock_us(void) {
  return (int64_t)(uv_hrtime() / NS_PER_US);
}

static void read_clock(trk_loop *loop) {
  loop->now_us = clock_us();
}

void trk_loop_touch(trk_loop *loop) {
  read_clock(loop);
  if (loop->work_began_us == 0) loop->work_began_us = loop->now_us;
}

static bool deliver(trk_loop *loop) {
  trk_batch *batch = &loop->batches[loop->batch_filling];
  if (batch->count == 0) return false;
  /* Events caused by the callee land in the other batch. */
  loop->batch_filling ^= 1;
  loop->round++;
  loop->stats.batches++;
  loop->stats.events += batch->count;
  if (batch->count > loop->stats.batch_events_high) loop->stats.batch_events_high = batch->count;
  loop->callbacks.on_events(loop->context, batch->events, batch->count);
  trk_batch_clear(loop, batch);
  return true;
}

/* The oldest jobs; the others wait for the next round. */
static bool run_jobs(trk_loop *loop) {
  if (loop->jobs_run == loop->jobs_running_count) {
    pthread_mutex_lock(&loop->lock);
    void **jobs = loop->jobs;
    const size_t capacity = loop->job_capacity;
    loop->jobs_running_count = loop->job_count;
    loop->jobs = loop->jobs_running;
    loop->job_capacity = loop->jobs_running_capacity;
    loop->job_count = 0;
    pthread_mutex_unlock(&loop->lock);
    loop->jobs_running = jobs;
    loop->jobs_running_capacity = capacity;
    loop->jobs_run = 0;
  }
  size_t count = loop->jobs_running_count - loop->jobs_run;
  if (count == 0) return false;
  if (count > JOBS_PER_ROUND) count = JOBS_PER_ROUND;
  void **jobs = loop->jobs_running + loop->jobs_run;
  loop->jobs_run += count;
  loop->callbacks.run_jobs(loop->context, jobs, count);
  return true;
}

static void begin_closing(trk_loop *loop) {
  loop->closing = true;
  trk_listen_close_all(loop);
  for (uint32_t slot = 0; slot < loop->legs.capacity; slot++) {
    trk_leg *leg = loop->legs.entries[slot];
    if (!leg) continue;
    const trk_leg_id id = leg->id;
    if (leg->state == TRK_LEG_OPEN)
      trk_leg_close(loop, id, 1001, "server is stopping");
    else if (leg->state != TRK_LEG_CLOSING && leg->state != TRK_LEG_LINGER)
      trk_leg_abort(loop, id);
    /* A stop is short: peers that do not answer do not hold it up. */
    if (leg->state == TRK_LEG_CLOSING) trk_leg_set_deadline(leg, TRK_LINGER_MS);
  }
}

static bool stop_asked(trk_loop *loop) {
  pthread_mutex_lock(&loop->lock);
  const bool asked = loop->stop_asked;
  pthread_mutex_unlock(&loop->lock);
  return asked;
}

static void close_handles(trk_loop *loop) {
  loop->handles_closed = true;
  uv_close((uv_handle_t *)&loop->prepare, NULL);
  uv_close((uv_handle_t *)&loop->check, NULL);
  uv_close((uv_handle_t *)&loop->timer, NULL);
  uv_close((uv_handle_t *)&loop->wake, NULL);
}

/* Everything is closed and told: refuse jobs from now on, unless one came just now. */
static void finish_closing(trk_loop *loop) {
  if (loop->leg_count > 0 || loop->dial_count > 0 || loop->deferred) return;
  if (loop->batches[loop->batch_filling].count > 0) return;
  trk_call_end_all(loop);
  pthread_mutex_lock(&loop->lock);
  loop->jobs_refused = loop->job_count == 0 && loop->jobs_run == loop->jobs_running_count;
  const bool done = loop->jobs_refused;
  pthread_mutex_unlock(&loop->lock);
  if (done) close_handles(loop);
}

static bool has_time(const trk_loop *loop) {
  return clock_us() < loop->drain_until_us;
}

static void drain(trk_loop *loop) {
  if (loop->handles_closed) return;
  atomic_store(&loop->wake_sent, false);
  bool busy = true;
  for (int round = 0; busy && round < DRAIN_ROUNDS; round++) {
    if (round > 0 && !has_time(loop)) {
      loop->stats.drains_cut++;
      break;
    }
    busy = deliver(loop);
    busy = run_jobs(loop) || busy;
    /* Ends first: legs with more to say would take the room each time. */
    if (loop->closed) {
      trk_leg_tell_closed(loop);
      busy = true;
    }
    if (loop->deferred) {
      trk_leg_run_deferred(loop);
      busy = true;
    }
    trk_leg_flush_dirty(loop);
    trk_leg_free_dead(loop);
  }
  if (!loop->closing && stop_asked(loop)) {
    begin_closing(loop);
    busy = true;
  }
  if (loop->closing) finish_closing(loop);
  if (busy && !loop->handles_closed) uv_async_send(&loop->wake);
}

/* The end of a turn, before the sockets are waited for. */
static void count_turn(trk_loop *loop) {
  const int64_t spent_us = clock_us() - loop->work_began_us;
  loop->work_began_us = 0;
  loop->stats.turns_over_5ms += spent_us > SLOW_TURN_US;
  if ((uint64_t)spent_us > loop->stats.turn_longest_us)
    loop->stats.turn_longest_us = (uint64_t)spent_us;
}

static void on_prepare(uv_prepare_t *prepare) {
  trk_loop *loop = TRK_OWNER_OF(prepare, trk_loop, prepare);
  trk_loop_touch(loop);
  loop->turn++;
  loop->stats.turns++;
  loop->paced_this_turn = 0;
  /* What check left is still there, and its wake-up keeps the loop from waiting. */
  if (has_time(loop))
    drain(loop);
  else if (!loop->handles_closed)
    uv_async_send(&loop->wake);
  if (!loop->handles_closed) trk_wheel_schedule(loop);
  count_turn(loop);
}

static void on_check(uv_check_t *check) {
  trk_loop *loop = TRK_OWNER_OF(check, trk_loop, check);
  trk_loop_touch(loop);
  trk_wheel_advance(loop);
  const int64_t now_us = clock_us();
  const int64_t spent_us = now_us - loop->work_began_us;
  loop->drain_until_us = now_us + (spent_us > DRAIN_US ? spent_us : DRAIN_US);
  drain(loop);
}

static void on_wake(uv_async_t *wake) {
  (void)wake;
}

/* ---- Thread ---- */

static _Thread_local trk_loop *current;

static void free_loop(trk_loop *loop) {
  trk_batch_release(loop, &loop->batches[0]);
  trk_batch_release(loop, &loop->batches[1]);
  trk_table_release(loop, &loop->legs);
  trk_table_release(loop, &loop->calls);
  trk_buffer_release(loop, &loop->scratch);
  trk_buffer_drop_cache(loop);
  trk_pool_reset(loop);
  trk_tls_release_loop(loop);
  trk_line_release_loop(loop);
  trk_listen_release_all(loop);
  free(loop->jobs);
  free(loop->jobs_running);
  pthread_mutex_destroy(&loop->lock);
  TRK_ASSERT(loop->stats.allocations == loop->stats.frees);
  free(loop);
}

static void *run_thread(void *argument) {
  trk_loop *loop = argument;
  current = loop;
  read_clock(loop);
  trk_wheel_init(&loop->wheel, loop->now_us / TRK_US_PER_MS);
  uv_run(&loop->uv, UV_RUN_DEFAULT);
  uv_loop_close(&loop->uv);
  loop->callbacks.on_stopped(loop->context);
  current = NULL;
  if (atomic_load(&loop->detached)) free_loop(loop);
  return NULL;
}

static bool init_parts(trk_loop *loop) {
  const trk_loop_config *config = &loop->config;
  return trk_table_init(loop, &loop->legs, config->legs_max) &&
         trk_table_init(loop, &loop->calls, config->calls_max) &&
         trk_batch_init(loop, &loop->batches[0]) && trk_batch_init(loop, &loop->batches[1]) &&
         trk_buffer_ensure(loop, &loop->scratch, TRK_RECEIVE_BYTES) && trk_address_init(loop);
}

static bool init_uv(trk_loop *loop) {
  if (uv_loop_init(&loop->uv) < 0) return false;
  if (uv_async_init(&loop->uv, &loop->wake, on_wake) < 0) return false;
  uv_prepare_init(&loop->uv, &loop->prepare);
  uv_prepare_start(&loop->prepare, on_prepare);
  uv_check_init(&loop->uv, &loop->check);
  uv_check_start(&loop->check, on_check);
  uv_timer_init(&loop->uv, &loop->timer);
  return true;
}

trk_loop *trk_loop_create(const trk_loop_config *config, const trk_callbacks *callbacks,
                          void *context) {
  signal(SIGPIPE, SIG_IGN); /* A peer that is gone is an error of that write, not of the process. */
  trk_tls_process_init();
  trk_loop *loop = calloc(1, sizeof *loop);
  if (!loop) return NULL;
  pthread_mutex_init(&loop->lock, NULL);
  loop->config = *config;
  if (loop->config.read_turn_max > TRK_RECEIVE_BYTES)
    loop->config.read_turn_max = TRK_RECEIVE_BYTES;
  loop->callbacks = *callbacks;
  loop->context = context;
  if (init_parts(loop) && init_uv(loop)) return loop;
  free_loop(loop);
  return NULL;
}

trk_status trk_loop_run(trk_loop *loop) {
  TRK_ASSERT(!loop->running);
  loop->running = pthread_create(&loop->thread, NULL, run_thread, loop) == 0;
  return loop->running ? TRK_OK : TRK_ESYSTEM;
}

void trk_loop_stop(trk_loop *loop) {
  pthread_mutex_lock(&loop->lock);
  const bool first = !loop->stop_asked;
  loop->stop_asked = true;
  /* Under the lock: a loop that sees the stop may have closed the handle right after it. */
  if (first && loop->running) uv_async_send(&loop->wake);
  pthread_mutex_unlock(&loop->lock);
}

static void free_never_run(trk_loop *loop) {
  close_handles(loop);
  uv_run(&loop->uv, UV_RUN_DEFAULT);
  uv_loop_close(&loop->uv);
  free_loop(loop);
}

void trk_loop_release(trk_loop *loop) {
  if (!loop->running) {
    free_never_run(loop);
  } else if (trk_loop_is_current(loop)) {
    /* The last reference died on the loop's own thread, which can not join itself. */
    atomic_store(&loop->detached, true);
    pthread_detach(loop->thread);
  } else {
    trk_loop_stop(loop);
    pthread_join(loop->thread, NULL);
    free_loop(loop);
  }
}

static bool grow_jobs(trk_loop *loop) {
  const size_t capacity = loop->job_capacity ? loop->job_capacity * 2 : 64;
  void **jobs = realloc(loop->jobs, capacity * sizeof *jobs);
  if (!jobs) return false;
  loop->jobs = jobs;
  loop->job_capacity = capacity;
  return true;
}

/* Jobs are not bounded here: the runtime must not lose one, and each belongs to a task that its
 * creator has bounded. */
bool trk_loop_enqueue(trk_loop *loop, void *job) {
  pthread_mutex_lock(&loop->lock);
  bool taken = !loop->jobs_refused;
  if (taken && loop->job_count == loop->job_capacity) taken = grow_jobs(loop);
  if (taken) loop->jobs[loop->job_count++] = job;
  /* The wake-up is sent under the lock: a stop closes the handle only after it has refused jobs. */
  if (taken && !trk_loop_is_current(loop) && !atomic_exchange(&loop->wake_sent, true))
    uv_async_send(&loop->wake);
  pthread_mutex_unlock(&loop->lock);
  return taken;
}

bool trk_loop_is_current(const trk_loop *loop) {
  return current == loop;
}

int64_t trk_loop_now_us(const trk_loop *loop) {
  return loop->now_us;
}

uint64_t trk_loop_turn(const trk_loop *loop) {
  return loop->turn;
}

void trk_loop_get_stats(const trk_loop *loop, trk_loop_stats *out) {
  *out = loop->stats;
  out->tls_allocations = trk_tls_allocations();
}
