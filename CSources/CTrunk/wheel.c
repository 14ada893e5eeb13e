/* wheel.c - a hashed timer wheel: arming and cancelling cost the same whatever the number.
 *
 * Timers further away than one round stay in their slot and are passed over once a round (4.1 s).
 */
#include "listen.h"

void trk_wheel_init(trk_wheel *wheel, int64_t now_ms) {
  memset(wheel, 0, sizeof *wheel);
  for (size_t i = 0; i < TRK_WHEEL_SLOTS; i++)
    wheel->slots[i].next = wheel->slots[i].previous = &wheel->slots[i];
  wheel->now_ms = now_ms;
  wheel->scheduled_ms = -1;
}

static size_t slot_of(int64_t ms) {
  return (size_t)ms & (TRK_WHEEL_SLOTS - 1);
}

static void link_timer(trk_timer *head, trk_timer *timer) {
  timer->previous = head->previous;
  timer->next = head;
  head->previous->next = timer;
  head->previous = timer;
}

static void unlink_timer(trk_timer *timer) {
  timer->previous->next = timer->next;
  timer->next->previous = timer->previous;
}

void trk_wheel_cancel(trk_loop *loop, trk_timer *timer) {
  if (!timer->armed) return;
  unlink_timer(timer);
  timer->armed = false;
  loop->wheel.armed--;
}

void trk_wheel_arm(trk_loop *loop, trk_timer *timer, int64_t due_ms) {
  trk_wheel *wheel = &loop->wheel;
  trk_wheel_cancel(loop, timer);
  timer->due_ms = due_ms > wheel->now_ms ? due_ms : wheel->now_ms + 1;
  const size_t slot = slot_of(timer->due_ms);
  link_timer(&wheel->slots[slot], timer);
  wheel->filled[slot / 64] |= 1ull << (slot % 64);
  timer->armed = true;
  wheel->armed++;
}

static void fire(trk_loop *loop, trk_timer *timer) {
  const bool is_told = timer->kind == TRK_TIMER_LEG_USER || timer->kind == TRK_TIMER_CALL_USER;
  /* Timers have a share of their own: messages that fill each batch must not hold them up. */
  if (is_told && ++loop->wheel.told > loop->config.events_max) {
    loop->stats.batch_waits++;
    trk_wheel_arm(loop, timer, loop->wheel.now_ms + 1);
    return;
  }
  switch (timer->kind) {
    case TRK_TIMER_LEG_DEADLINE:
      trk_leg_on_deadline(TRK_OWNER_OF(timer, trk_leg, deadline));
      return;
    case TRK_TIMER_LEG_USER: {
      trk_leg *leg = TRK_OWNER_OF(timer, trk_leg, user_timer);
      trk_batch_push(loop, (trk_event){.kind = TRK_EVENT_LEG_TIMER, .leg = leg->id});
      return;
    }
    case TRK_TIMER_CALL_PACE: trk_pacer_on_timer(TRK_OWNER_OF(timer, trk_call, pace)); return;
    case TRK_TIMER_CALL_USER: {
      trk_call *call = TRK_OWNER_OF(timer, trk_call, user_timer);
      trk_call_push(call, TRK_EVENT_CALL_TIMER, NULL, 0, (trk_bytes){0});
      return;
    }
    case TRK_TIMER_CALL_GRACE: trk_pacer_finish_items(TRK_OWNER_OF(timer, trk_call, grace)); return;
    case TRK_TIMER_CALL_FILL: trk_line_on_timer(TRK_OWNER_OF(timer, trk_line, fill)); return;
    case TRK_TIMER_CALL_MEDIA:
      trk_call_on_media_timer(TRK_OWNER_OF(timer, trk_call, media));
      return;
    case TRK_TIMER_DIAL: trk_dial_on_timer(timer); return;
    case TRK_TIMER_LISTEN: trk_listen_on_timer(timer); return;
  }
}

/* Moves what is due in one slot to `due`, and keeps the slot's bit true to its list. */
static void collect(trk_wheel *wheel, size_t slot, int64_t now_ms, trk_timer *due) {
  trk_timer *head = &wheel->slots[slot];
  for (trk_timer *timer = head->next; timer != head;) {
    trk_timer *next = timer->next;
    if (timer->due_ms <= now_ms) {
      unlink_timer(timer);
      link_timer(due, timer);
    }
    timer = next;
  }
  if (head->next == head) wheel->filled[slot / 64] &= ~(1ull << (slot % 64));
}

void trk_wheel_advance(trk_loop *loop) {
  trk_wheel *wheel = &loop->wheel;
  const int64_t now_ms = loop->now_us / TRK_US_PER_MS;
  if (now_ms <= wheel->now_ms) return;
  trk_timer due = {.next = &due, .previous = &due};
  const int64_t behind = now_ms - wheel->now_ms;
  const int64_t steps = behind < TRK_WHEEL_SLOTS ? behind : TRK_WHEEL_SLOTS;
  for (int64_t ms = now_ms - steps + 1; ms <= now_ms; ms++) {
    const size_t slot = slot_of(ms);
    if (wheel->filled[slot / 64] >> (slot % 64) & 1) collect(wheel, slot, now_ms, &due);
  }
  wheel->now_ms = now_ms;
  wheel->told = 0;
  /* A timer that fires may cancel others: they leave this list by themselves. */
  while (due.next != &due) {
    trk_timer *timer = due.next;
    unlink_timer(timer);
    timer->armed = false;
    wheel->armed--;
    fire(loop, timer);
  }
}

/* libuv's clock may be coarser than ours and wake us just before the slot is due: it is set anew
 * then, also to the same moment. */
static void on_timer(uv_timer_t *timer) {
  TRK_OWNER_OF(timer, trk_loop, timer)->wheel.scheduled_ms = -1;
}

/* Milliseconds to the next filled slot, 1 to TRK_WHEEL_SLOTS. */
static int64_t next_filled(const trk_wheel *wheel) {
  for (int64_t step = 1; step <= TRK_WHEEL_SLOTS;) {
    const size_t slot = slot_of(wheel->now_ms + step);
    const uint64_t word = wheel->filled[slot / 64] >> (slot % 64);
    if (word != 0) return step + __builtin_ctzll(word);
    step += 64 - (int64_t)(slot % 64);
  }
  return TRK_WHEEL_SLOTS;
}

void trk_wheel_schedule(trk_loop *loop) {
  trk_wheel *wheel = &loop->wheel;
  if (wheel->armed == 0) {
    if (wheel->scheduled_ms >= 0) uv_timer_stop(&loop->timer);
    wheel->scheduled_ms = -1;
    return;
  }
  const int64_t due_ms = wheel->now_ms + next_filled(wheel);
  if (due_ms == wheel->scheduled_ms) return;
  /* libuv counts from its own cached time: round up, so that the slot is due when we wake. */
  const int64_t now_ms = (int64_t)(uv_hrtime() / 1000000);
  const int64_t delay = due_ms > now_ms ? due_ms - now_ms : 0;
  uv_update_time(&loop->uv);
  uv_timer_start(&loop->timer, on_timer, (uint64_t)delay, 0);
  wheel->scheduled_ms = due_ms;
}
