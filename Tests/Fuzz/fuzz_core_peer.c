/* fuzz_core_peer.c - what peers say: heads, frames, the carrier's and the model's messages. */
#include "fuzz_core.h"

#include <stdarg.h>

#include "trk_base64.h"

enum { TEXT_MAX = 8192 };

typedef struct said {
  uint8_t bytes[2 * TEXT_MAX];
  size_t count;
} said;

static pending_bytes *pending[FAKE_SOCKETS];

/* ---- The way to the core ---- */

static size_t index_of(const fake_socket *socket) {
  return (size_t)(socket - fake.sockets);
}

bool core_has_pending(const fake_socket *socket) {
  const pending_bytes *const p = pending[index_of(socket)];
  return p != NULL && p->serial == socket->serial && p->count > 0;
}

static void deliver(fake_socket *socket, fuzz_splits splits) {
  pending_bytes *const p = pending[index_of(socket)];
  while (core_has_pending(socket)) {
    const size_t taken = fake_deliver(socket, p->bytes, fuzz_split(&splits, p->count));
    if (taken == 0) return;
    p->count -= taken;
    memmove(p->bytes, p->bytes + taken, p->count);
  }
}

void core_deliver_pending(void) {
  for (size_t i = 0; i < FAKE_SOCKETS; i++)
    if (fake.sockets[i].tcp != NULL) deliver(&fake.sockets[i], (fuzz_splits){0});
}

void core_forget_pending(void) {
  for (size_t i = 0; i < FAKE_SOCKETS; i++) {
    free(pending[i]);
    pending[i] = NULL;
  }
}

static void say(fake_socket *socket, const uint8_t *bytes, size_t count) {
  const uint8_t how = fuzz_byte(&core.in);
  pending_bytes **const p = &pending[index_of(socket)];
  if (*p == NULL) *p = (pending_bytes *)(void *)fuzz_zeros(sizeof **p);
  if ((*p)->serial != socket->serial) **p = (pending_bytes){.serial = socket->serial};
  if ((*p)->count + count > CORE_PENDING) return;
  if (count != 0) memcpy((*p)->bytes + (*p)->count, bytes, count);
  (*p)->count += count;
  /* Some of it stays until more is said: then one read holds several messages. */
  if ((how & 3) != 3) deliver(socket, (fuzz_splits){(how & 3) == 0 ? 0 : how});
}

/* ---- Frames ---- */

static void add_frame(said *s, bool masked, uint8_t first, const uint8_t *bytes, size_t count) {
  static const uint8_t mask[4] = {0x11, 0x22, 0x33, 0x44};
  uint8_t *const at = s->bytes + s->count;
  const size_t head =
      trk_ws_write_header(at, (trk_ws_opcode)(first & 15), count, masked ? mask : NULL);
  at[0] = first;
  if (count != 0) memcpy(at + head, bytes, count);
  if (masked) trk_ws_mask(at + head, count, mask, 0);
  s->count += head + count;
}

static void add_text(said *s, bool masked, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void add_text(said *s, bool masked, const char *format, ...) {
  char text[TEXT_MAX];
  va_list arguments;
  va_start(arguments, format);
  const int written = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  const size_t count = (size_t)written < sizeof text ? (size_t)written : sizeof text - 1;
  const size_t cut = count / 3;
  const bool parts = fuzz_byte(&core.in) == 7;
  if (parts) add_frame(s, masked, TRK_WS_TEXT, (const uint8_t *)text, cut);
  if (parts) add_frame(s, masked, 0x80, (const uint8_t *)text + cut, count - cut);
  if (!parts) add_frame(s, masked, 0x81, (const uint8_t *)text, count);
}

/* What either role may say. */
static void add_common(said *s, bool masked, uint8_t kind) {
  static const uint8_t reason[] = {0x03, 0xE8, 'b', 'y', 'e'};
  switch (kind % 8) {
    case 0: add_frame(s, masked, 0x88, reason, sizeof reason); return;
    case 1: add_frame(s, masked, 0x88, NULL, 0); return;
    case 2: add_frame(s, masked, 0x82, reason, sizeof reason); return;
    case 3: add_frame(s, masked, 0x81, (const uint8_t *)"\xff", 1); return;
    case 4: add_frame(s, masked, 0x01, reason + 2, 3); return;
    case 5: add_frame(s, masked, 0x8A, reason, sizeof reason); return;
    case 6: add_text(s, masked, "{\"event\":\"other\",\"type\":\"other\"}"); return;
    default: add_frame(s, masked, 0x89, reason, sizeof reason); return;
  }
}

/* base64 of `count` bytes of a tone that is none. */
static const char *audio_of(size_t count) {
  static char text[TEXT_MAX];
  static uint8_t bytes[TEXT_MAX / 2];
  if (count > TEXT_MAX / 2) count = TEXT_MAX / 2;
  for (size_t i = 0; i < count; i++) bytes[i] = (uint8_t)i;
  text[trk_base64_encode(text, bytes, count)] = '\0';
  return text;
}

/* ---- The carrier ---- */

static void add_carrier(said *s, const trk_leg *leg, uint8_t kind) {
  const uint8_t extra = fuzz_byte(&core.in);
  switch (kind & 15) {
    case 0:
    case 1:
      add_text(s, true, "{\"event\":\"start\",\"streamSid\":\"MZ\",\"start\":{\"callSid\":\"%s\"}}",
               extra == 9 ? "" : "CA");
      return;
    case 2:
    case 3:
    case 4:
      add_text(s, true,
               "{\"event\":\"media\",\"streamSid\":\"%s\",\"media\":{\"timestamp\":\"%u\","
               "\"payload\":\"%s\"}}",
               extra == 9 ? "no" : "MZ", extra * 20u, audio_of(extra < 128 ? 160 : extra * 16u));
      return;
    case 5:
    case 6:
    case 7: {
      const trk_ledger *const ledger = leg->call != NULL ? &leg->call->ledger : NULL;
      const uint64_t position = ledger == NULL ? 0
                                : extra < 128 && ledger->mark_count > 0
                                    ? ledger->marks[extra % ledger->mark_count].position
                                    : ledger->marked;
      add_text(
          s, true, "{\"event\":\"mark\",\"streamSid\":\"MZ\",\"mark\":{\"name\":\"g%u.%llu\"}}",
          ledger == NULL ? 0 : ledger->generation - (extra == 3), (unsigned long long)position);
      return;
    }
    case 8: add_text(s, true, "{\"event\":\"connected\"}"); return;
    case 9:
      add_text(s, true, "{\"event\":\"dtmf\",\"streamSid\":\"MZ\",\"dtmf\":{\"digit\":\"%c\"}}",
               '0' + extra % 12);
      return;
    case 10: add_text(s, true, "{\"event\":\"stop\",\"streamSid\":\"MZ\"}"); return;
    case 11: add_text(s, true, "{\"event\":"); return;
    default: add_common(s, true, extra); return;
  }
}

/* ---- The model ---- */

static void add_model(said *s, uint8_t kind) {
  const uint8_t extra = fuzz_byte(&core.in);
  switch (kind & 15) {
    case 0:
    case 1:
      add_text(s, false, "{\"type\":\"response.created\",\"response\":{\"id\":\"r%u\"}}",
               extra % 6);
      return;
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
      add_text(s, false,
               "{\"type\":\"response.output_audio.delta\",\"response_id\":\"r%u\",\"item_id\":"
               "\"i%u\",\"content_index\":%d,\"delta\":\"%s\"}",
               extra % 6, extra / 6, extra & 1, audio_of((size_t)fuzz_byte(&core.in) * 16 + 1));
      return;
    case 7:
    case 8:
      add_text(s, false, "{\"type\":\"response.output_audio.done\",\"item_id\":\"i%u\"}",
               extra / 6);
      return;
    case 9:
    case 10:
      add_text(s, false, "{\"type\":\"response.done\",\"response\":{\"id\":\"r%u\"}}", extra % 6);
      return;
    case 11: add_text(s, false, "{\"type\":\"input_audio_buffer.speech_started\"}"); return;
    case 12:
      add_text(s, false,
               "{\"type\":\"response.output_audio.delta\",\"response_id\":\"r%u\",\"item_id\":"
               "\"i1\",\"delta\":\"Q\"}",
               extra % 6);
      return;
    case 13: add_text(s, false, "{\"type\":"); return;
    default: add_common(s, false, extra); return;
  }
}

/* ---- Heads ---- */

static void add_request(said *s, uint8_t kind) {
  s->count += (size_t)snprintf(
      (char *)s->bytes, TEXT_MAX,
      "%s %s HTTP/1.1\r\nHost: a\r\n%sUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: %d\r\n\r\n",
      kind == 31 ? "POST" : "GET", kind == 30 ? "/none" : "/media", kind == 29 ? "Host: b\r\n" : "",
      kind == 28 ? 8 : 13);
  /* Frames may come with the request. */
  if (kind == 27) add_text(s, true, "{\"event\":\"connected\"}");
}

static void add_response(said *s, const trk_leg *leg, uint8_t kind) {
  const int status = kind == 31 ? 401 : 101;
  s->count += (size_t)snprintf((char *)s->bytes, TEXT_MAX,
                               "%sHTTP/1.1 %d X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               "Sec-WebSocket-Accept: %.*s%s\r\n\r\n",
                               kind == 30 ? "HTTP/1.1 103 Y\r\n\r\n" : "", status,
                               TRK_HTTP_ACCEPT_COUNT, leg->accept, kind == 29 ? "x" : "");
  if (kind == 28) add_text(s, false, "{\"type\":\"session.created\"}");
}

static const trk_leg *leg_of(const fake_socket *socket) {
  for (uint32_t slot = 0; slot < core.loop->legs.capacity; slot++) {
    const trk_leg *const leg = core.loop->legs.entries[slot];
    if (leg != NULL && leg->socket != NULL && &leg->socket->tcp == socket->tcp) return leg;
  }
  return NULL;
}

void core_say_scripted(fake_socket *socket, uint8_t kind) {
  if (socket == NULL) return;
  const trk_leg *const leg = leg_of(socket);
  if (leg == NULL) return;
  static said s;
  s.count = 0;
  if (leg->state == TRK_LEG_REQUEST)
    add_request(&s, kind);
  else if (leg->state == TRK_LEG_RESPONSE)
    add_response(&s, leg, kind);
  else if (leg->is_server)
    add_carrier(&s, leg, kind);
  else
    add_model(&s, kind);
  say(socket, s.bytes, s.count);
}

void core_say_raw(fake_socket *socket) {
  const trk_bytes bytes = fuzz_bytes(&core.in, fuzz_byte(&core.in) & 63);
  if (socket != NULL) say(socket, bytes.data, bytes.count);
}
