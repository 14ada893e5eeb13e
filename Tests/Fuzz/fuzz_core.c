/* fuzz_core.c - the whole core on fake sockets. One input is a script: peers connect and say what
 * they like in any pieces, take what they like, time passes, and the Swift side does anything that
 * it may do, also from inside of on_events. What must hold stands in fuzz_core_check.c. */
#include "fuzz_core.h"

enum {
  STEPS_PER_TURN = 6,
  STOP_STEP_MS = 250, /* Of time in each turn once the script is over. */
};

world core;
uint32_t core_refused_allocation;

/* ---- Things to choose from ---- */

static trk_leg_id pick_leg(void) {
  const uint8_t choice = fuzz_byte(&core.in);
  /* Sometimes an id that never was, or one that is long gone. */
  if (core.leg_count == 0 || choice == 255) return (trk_leg_id){choice, 77};
  return core.legs[choice % core.leg_count].id;
}

static trk_call_id pick_call(void) {
  const uint8_t choice = fuzz_byte(&core.in);
  if (core.call_count == 0 || choice == 255) return (trk_call_id){choice, 77};
  return core.calls[choice % core.call_count];
}

/* A place whose connection is open for the peer. */
static fake_socket *pick_socket(void) {
  const uint8_t from = fuzz_byte(&core.in);
  for (size_t i = 0; i < FAKE_SOCKETS; i++) {
    fake_socket *const socket = &fake.sockets[(from + i) % FAKE_SOCKETS];
    if (socket->tcp != NULL && !socket->is_listener) return socket;
  }
  return NULL;
}

/* ---- What Swift does ---- */

static void dial(void) {
  static const char *const hosts[] = {"127.0.0.1", "::1", "a.example", "", "bad host"};
  const uint8_t choice = fuzz_byte(&core.in);
  const trk_dial_config config = {.host = hosts[choice % 5],
                                  .port = (choice & 0x70) == 0 ? 1 : 443,
                                  .target = (choice & 0x88) == 0x88 ? "bad" : "/v1?model=m",
                                  .headers = (choice & 8) != 0 ? "Authorization: b\r\n" : NULL};
  trk_leg_id id = {0};
  const trk_status status = trk_leg_dial(core.loop, &config, &id);
  if (status == TRK_OK) core_add_leg(id, true);
}

/* What the next carrier speaks: in most scripts Twilio's words. */
static trk_dialect next_dialect(void) {
  if ((core.habits & 128) == 0) return TRK_DIALECT_TWILIO;
  return core.calls_opened % 2 == 0 ? TRK_DIALECT_BINARY : TRK_DIALECT_TELNYX;
}

static trk_bytes text_of(const char *text) {
  return (trk_bytes){(const uint8_t *)text, strlen(text)};
}

static void set_line(trk_call_id call, uint32_t choice) {
  static const trk_framing framings[] = {TRK_FRAMING_NONE, TRK_FRAMING_STAMP, TRK_FRAMING_SIZE};
  static const trk_coding codings[] = {TRK_CODING_OPUS, TRK_CODING_ULAW, TRK_CODING_OPUS,
                                       TRK_CODING_ALAW};
  static const uint32_t frames[] = {20, 60, 40, 10};
  const trk_line_config config = {
      .coding = codings[choice % 4],
      .framing = framings[choice / 4 % 3],
      .narrow = choice % 5 == 1,
      .has_marks = choice % 3 != 1,
      .may_rest = choice % 2 == 0,
      .fec = choice % 2 == 1,
      .dtx = choice % 7 == 1,
      .frame_ms = frames[choice / 3 % 4],
      .bitrate = 24000,
      .complexity = 0,
      .lead_ms = choice % 2 * 100,
      .texts = {.begin = text_of("{\"begin\":1}"),
                .end = text_of("{\"end\":1}"),
                .clear = choice % 3 == 2 ? (trk_bytes){0} : text_of("{\"clear\":1}"),
                .mark_head = text_of("{\"mark\":\""),
                .mark_tail = text_of("\"}")},
  };
  trk_call_set_line(core.loop, call, &config);
}

static void open_call(void) {
  trk_call_id call = {0};
  if (trk_call_open(core.loop, pick_leg(), next_dialect(), &call) != TRK_OK) return;
  core.calls[core.calls_opened++ % CORE_CALLS] = call;
  core.call_count = core.calls_opened < CORE_CALLS ? core.calls_opened : CORE_CALLS;
}

static void send_something(void) {
  static const uint8_t zeros[70000];
  const uint8_t choice = fuzz_byte(&core.in);
  const trk_leg_id leg = pick_leg();
  const trk_bytes said = fuzz_bytes(&core.in, choice & 15);
  uint8_t *const exact = fuzz_copy(said.data, said.count);
  switch (choice >> 4 & 3) {
    case 0: trk_leg_send_binary(core.loop, leg, exact, said.count); break;
    case 1: trk_leg_send_text(core.loop, leg, "{\"said\":1}", 10); break;
    case 2: trk_leg_ping(core.loop, leg, exact, said.count); break;
    default: trk_leg_send_binary(core.loop, leg, zeros, fuzz_number(&core.in, 2)); break;
  }
  free(exact);
}

static void ask_call(void) {
  const trk_call_id call = pick_call();
  trk_playback_item items[TRK_LEDGER_ITEMS_MAX];
  size_t count = 0;
  uint32_t queued_ms = 0;
  trk_call_stats stats;
  if (trk_call_playback(core.loop, call, items, TRK_LEDGER_ITEMS_MAX, &count, &queued_ms) != TRK_OK)
    return;
  for (size_t i = 0; i < count; i++) {
    FUZZ_CHECK(items[i].heard_ms <= items[i].sent_ms && items[i].sent_ms <= items[i].received_ms);
    FUZZ_CHECK(items[i].id_count > 0 && items[i].id_count <= sizeof items[i].id);
  }
  FUZZ_CHECK(trk_call_get_stats(core.loop, call, &stats) == TRK_OK);
  FUZZ_CHECK(stats.queued_ms == queued_ms);
}

/* What goes away and what comes back is told apart by counting; a whole head goes with it. */
static void hand_over(trk_leg_id leg) {
  trk_handed handed;
  if (trk_leg_hand_over(core.loop, leg, &handed) != TRK_OK) return;
  core.handed_over++;
  FUZZ_CHECK(handed.descriptor == FAKE_DESCRIPTOR);
  size_t from = 0;
  const trk_http_limits limits = {.head_max = core.config.head_bytes_max,
                                  .line_max = core.config.head_line_max};
  FUZZ_CHECK(trk_http_head_end(handed.head.data, handed.head.count, &from, limits) ==
             (int32_t)handed.head.count);
  free(fuzz_copy(handed.rest.data, handed.rest.count)); /* All of it can be read. */
}

static void adopt(uint8_t choice) {
  static const char upgrade[] =
      "GET /media HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
  static const char *const heads[] = {upgrade, "GET /none HTTP/1.1\r\nHost: a\r\n\r\n", "GET /m",
                                      ""};
  if (!fake_has_room()) return;
  const char *const head = heads[choice % 4];
  const trk_adopt_config config = {.descriptor = FAKE_DESCRIPTOR,
                                   .tag = choice % 8 == 7 ? 7 : 0,
                                   .peer = "192.0.2.1",
                                   .bytes = head,
                                   .count = strlen(head)};
  core.adopted += trk_loop_adopt(core.loop, &config) == TRK_OK;
}

static void act_on_leg(uint8_t choice) {
  trk_loop *const loop = core.loop;
  const trk_leg_id leg = pick_leg();
  static const uint16_t codes[] = {1000, 0, 1001, 4000, 1005, 999};
  static const char *const reasons[] = {"", "bye", "gr\xc3\xbc\xc3\x9f"};
  switch (choice % 8) {
    case 0: trk_leg_accept(loop, leg); return;
    case 1: trk_leg_refuse(loop, leg, fuzz_byte(&core.in) * 3); return;
    case 2: trk_leg_abort(loop, leg); return;
    case 3: trk_leg_set_timer(loop, leg, (int64_t)fuzz_number(&core.in, 2) - 100); return;
    case 4: trk_leg_set_reading(loop, leg, (fuzz_byte(&core.in) & 1) != 0); return;
    case 5: trk_leg_pending(loop, leg); return;
    case 6: hand_over(leg); return;
    default: {
      const uint8_t how = fuzz_byte(&core.in);
      trk_leg_close(loop, leg, codes[how % 6], reasons[how % 3]);
    }
  }
}

static void act_on_call(uint8_t choice) {
  trk_loop *const loop = core.loop;
  const trk_call_id call = pick_call();
  switch (choice % 10) {
    case 0: trk_call_add_model(loop, call, pick_leg(), fuzz_byte(&core.in) & 3); return;
    case 1:
      if ((core.habits & 128) == 0) {
        trk_call_add_model(loop, call, pick_leg(), fuzz_byte(&core.in) & 3);
      } else if ((choice & 4) != 0) {
        trk_call_hold(loop, call, (choice & 8) != 0);
      } else if ((choice & 8) != 0) {
        trk_call_echo(loop, call, "g0.160", 6);
      } else {
        set_line(call, choice);
      }
      return;
    case 2:
    case 3: trk_call_route(loop, call, pick_leg()); return;
    case 4: {
      static const uint8_t tone[7 * 255];
      trk_call_route(loop, call, (trk_leg_id){0});
      if ((choice & 32) != 0) trk_call_play(loop, call, tone, (size_t)choice * 7);
      return;
    }
    case 5: trk_call_interrupt(loop, call); return;
    case 6: trk_call_mute_response(loop, call, "r1", fuzz_byte(&core.in) % 3); return;
    case 7: trk_call_mute_agent(loop, call, (fuzz_byte(&core.in) & 1) != 0); return;
    case 8: {
      const uint64_t delay_us = fuzz_number(&core.in, 3);
      trk_call_set_timer(
          loop, call, delay_us == 0 ? INT64_MAX : trk_loop_now_us(loop) + (int64_t)delay_us * 10);
      return;
    }
    default: trk_call_end(loop, call, (choice & 64) != 0 ? 1000 : 0, "over");
  }
}

/* One thing that Swift does. */
static void act(void) {
  const uint8_t choice = fuzz_byte(&core.in);
  switch (choice >> 5) {
    case 0:
    case 1: act_on_leg(choice); return;
    case 2: act_on_call(choice); return;
    case 3: send_something(); return;
    case 4: dial(); return;
    case 5: open_call(); return;
    case 6: ask_call(); return;
    default:
      if (choice == 255) trk_loop_stop(core.loop);
      if (choice == 254) trk_loop_unlisten(core.loop);
      if (choice < 232) trk_loop_enqueue(core.loop, &core);
      if (choice >= 232 && choice < 240) adopt(choice);
      if (choice >= 240 && choice < 254) act_on_call(choice);
  }
}

/* ---- What Swift hears ---- */

/* Mostly Swift does what the bridge does, so that scripts reach calls; the rest is by chance. */
static void answer(const trk_event *event) {
  if (event->kind == TRK_EVENT_LEG_REQUEST && (core.habits & 1) != 0)
    trk_leg_accept(core.loop, event->leg);
  if (event->kind == TRK_EVENT_LEG_PLAIN && (core.habits & 1) != 0) hand_over(event->leg);
  if (event->kind == TRK_EVENT_LEG_OPENED && !event->is_dialled && (core.habits & 2) != 0) {
    trk_call_id call = {0};
    const trk_dialect dialect = next_dialect();
    if (trk_call_open(core.loop, event->leg, dialect, &call) == TRK_OK) {
      if (dialect == TRK_DIALECT_BINARY) set_line(call, (uint32_t)core.calls_opened);
      core.calls[core.calls_opened++ % CORE_CALLS] = call;
      core.call_count = core.calls_opened < CORE_CALLS ? core.calls_opened : CORE_CALLS;
    }
  }
  if (event->kind == TRK_EVENT_CARRIER_START && (core.habits & 128) != 0)
    set_line(event->call, (uint32_t)core.calls_opened);
  if (event->kind == TRK_EVENT_LEG_OPENED && event->is_dialled && (core.habits & 4) != 0 &&
      core.call_count > 0) {
    const trk_call_id call = core.calls[(core.calls_opened - 1) % CORE_CALLS];
    trk_call_add_model(core.loop, call, event->leg, 1);
    trk_call_route(core.loop, call, event->leg);
  }
  if (event->kind == TRK_EVENT_LEG_CLOSED && event->call.generation != 0 && (core.habits & 8) != 0)
    trk_call_end(core.loop, event->call, 1000, "");
}

static void on_events(void *context, const trk_event *events, size_t count) {
  FUZZ_CHECK(context == &core && count > 0 && !core.stopped && !core.in_callback);
  core.in_callback = true;
  for (size_t i = 0; i < count; i++) core_check_event(&events[i]);
  for (size_t i = 0; i < count; i++) {
    answer(&events[i]);
    if ((core.habits & 16) != 0 && (fuzz_byte(&core.in) & 1) != 0) act();
  }
  core.in_callback = false;
}

static void run_jobs(void *context, void *const *jobs, size_t count) {
  FUZZ_CHECK(context == &core && count > 0 && !core.stopped && !core.in_callback);
  core.in_callback = true;
  for (size_t i = 0; i < count; i++) {
    FUZZ_CHECK(jobs[i] == &core);
    act();
  }
  core.in_callback = false;
}

static void on_stopped(void *context) {
  FUZZ_CHECK(context == &core && !core.stopped);
  core.stopped = true;
  FUZZ_CHECK(!trk_loop_enqueue(core.loop, &core));
}

/* ---- What the peers and the system do ---- */

static void end_something(uint8_t choice) {
  fake_socket *const socket = pick_socket();
  if (socket == NULL || core_has_pending(socket)) return;
  if ((choice & 3) == 0) socket->broken = true;
  if ((choice & 3) == 1) fake_end(socket, UV_ECONNRESET);
  if ((choice & 3) >= 2) fake_end(socket, UV_EOF);
}

static void let_connect(uint8_t choice) {
  const int status = (choice & 7) == 0 ? UV_ECONNREFUSED : 0;
  for (size_t i = 0; i < FAKE_LOOKUPS; i++) {
    if (fake.lookups[i].request == NULL) continue;
    fake_finish_lookup(&fake.lookups[i], status, choice >> 3 & 15);
    return;
  }
  for (size_t i = 0; i < FAKE_SOCKETS; i++) {
    if (fake.sockets[i].connect == NULL) continue;
    fake_finish_connect(&fake.sockets[i], status, (choice & 128) != 0 ? 100 : 1 << 19);
    return;
  }
}

static void one_step(void) {
  const uint8_t choice = fuzz_byte(&core.in);
  switch (choice >> 4) {
    case 0:
    case 1:
    case 2:
    case 3: act(); return;
    case 4:
      if ((choice & 15) == 15)
        fake_connect(FAKE_WINDOW_SHORT);
      else
        fake_connect((choice & 1) != 0 ? 1 << 19 : 200);
      return;
    case 5:
    case 6:
    case 7: core_say_scripted(pick_socket(), choice & 31); return;
    case 8: core_say_raw(pick_socket()); return;
    case 9:
    case 10: {
      fake_socket *const socket = pick_socket();
      if (socket != NULL) fake_open_window(socket, fuzz_number(&core.in, 2));
      return;
    }
    case 11: fake.now_ns += fuzz_number(&core.in, 1) * 1000000; return;
    case 12: fake.now_ns += fuzz_number(&core.in, 2) * 1000000; return;
    case 13: end_something(choice); return;
    case 14: let_connect(fuzz_byte(&core.in)); return;
    default: fake.cancel_refused = (choice & 1) != 0;
  }
}

/* The script is over: the loop is asked to stop, names and connections come to an end, and time
 * does the rest. */
static void wind_down(void) {
  trk_loop_stop(core.loop);
  fake.now_ns += STOP_STEP_MS * 1000000ull;
  for (size_t i = 0; i < FAKE_LOOKUPS; i++) fake_finish_lookup(&fake.lookups[i], UV_EAI_NONAME, 0);
  /* Nothing may hold the stop up for longer than its deadlines. */
  FUZZ_CHECK(++core.stop_turns < 400);
}

bool fake_step(void) {
  if (core.in.left == 0) {
    wind_down();
  } else {
    for (size_t i = 0; i < STEPS_PER_TURN && core.in.left > 0; i++) {
      const bool turn_ends = (*core.in.at & 0xF8) == 0xF8;
      one_step();
      if (turn_ends) break;
    }
  }
  core_deliver_pending();
  core_check_loop();
  return core.in.left > 0;
}

/* ---- A run ---- */

static trk_loop_config config_of(uint8_t choice) {
  trk_loop_config config = trk_loop_config_default();
  config.legs_max = 6;
  config.calls_max = 2;
  config.events_max = (choice & 1) != 0 ? 2 : 64;
  config.batch_bytes_max = (choice & 2) != 0 ? 64 : 1 << 16;
  config.pool_bytes_max = (choice & 4) != 0 ? 300 << 10 : 2 << 20;
  config.server_message_max = (choice & 8) != 0 ? 400 : 65536;
  config.client_message_max = 65536;
  config.fragments_max = 4;
  config.pings_max = 6;
  config.malformed_max = 3;
  config.queue_bytes_max = (choice & 16) != 0 ? 8192 : 1 << 17;
  config.lead_ms = (choice & 32) != 0 ? 0 : 300;
  config.append_ms = (choice & 64) != 0 ? 60 : 20;
  config.playback_ms_max = 3000;
  config.waiting_ms_max = 500;
  config.heads_per_address_max = 2;
  config.pong_bytes_max = 64;
  config.early_media_max = 2;
  config.media_window_ms = 300;
  config.media_timeout_ms = 100;
  config.digits_per_s_max = 2;
  config.head_bytes_max = 1024;
  config.head_line_max = 512;
  return config;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count) {
  fake_reset();
  memset(&core, 0, sizeof core);
  core.in = (fuzz_input){data, count};
  core.config = config_of(fuzz_byte(&core.in));
  core.habits = fuzz_byte(&core.in);
  /* The first allocations make the loop: its parts, then what runs. */
  if ((core.habits & 32) != 0) fake.refuse_after = (uint32_t)fuzz_number(&core.in, 1) + 1;
  if (core_refused_allocation != 0) fake.refuse_after = core_refused_allocation;
  const trk_callbacks callbacks = {on_events, run_jobs, on_stopped};
  core.loop = trk_loop_create(&core.config, &callbacks, &core);
  FUZZ_CHECK(core.loop != NULL || fake.refused);
  if (core.loop == NULL) return 0;
  static const char *const paths[] = {"/media", "/other"};
  const trk_listen_config listen = {
      .host = "127.0.0.1", .paths = paths, .path_count = 2, .hands_over = (core.habits & 64) != 0};
  uint16_t port = 0;
  int32_t detail = 0;
  const trk_status status = trk_loop_listen(core.loop, &listen, &port, &detail);
  FUZZ_CHECK(status == TRK_OK ? port == 80 : status == TRK_ENOMEM && fake.refused);
  FUZZ_CHECK(trk_loop_run(core.loop) == TRK_OK);
  FUZZ_CHECK(core.stopped);
  core_check_end();
  trk_loop_release(core.loop); /* Also asserts that allocations equal frees. */
  return 0;
}
