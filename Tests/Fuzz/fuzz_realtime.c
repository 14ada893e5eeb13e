/* fuzz_realtime.c - any text as an event of the model, and our own append around any audio. */
#include "fuzz.h"

#include "trk_base64.h"
#include "trk_json.h"
#include "trk_realtime.h"

static bool is_id(trk_bytes id) {
  for (size_t i = 0; i < id.count; i++)
    if (id.data[i] < 0x20 || id.data[i] > 0x7E) return false;
  return id.count <= TRK_REALTIME_ID_MAX;
}

static void check_event(const trk_rt_event *event, const uint8_t *text, const uint8_t *scratch,
                        size_t count) {
  const trk_bytes all[] = {event->type, event->response_id, event->item_id, event->delta};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    FUZZ_CHECK(fuzz_inside(all[i], text, count) || fuzz_inside(all[i], scratch, count));
  FUZZ_CHECK(is_id(event->response_id) && is_id(event->item_id));
  FUZZ_CHECK(event->content_index >= -1);
  FUZZ_CHECK(event->kind >= TRK_RT_OTHER && event->kind <= TRK_RT_RATE_LIMITS);
  FUZZ_CHECK(event->kind == TRK_RT_AUDIO_DELTA || event->delta.count == 0);
  /* A known kind goes with its name only. */
  static const char delta[] = "response.output_audio.delta";
  const bool named = fuzz_same(event->type, delta, sizeof delta - 1);
  FUZZ_CHECK((event->kind == TRK_RT_AUDIO_DELTA) == named);
  static const char created[] = "response.created";
  FUZZ_CHECK((event->kind == TRK_RT_RESPONSE_CREATED) ==
             fuzz_same(event->type, created, sizeof created - 1));
}

static trk_status check_text(const uint8_t *bytes, size_t count) {
  uint8_t *const text = fuzz_copy(bytes, count);
  uint8_t *const scratch = fuzz_block(count);
  trk_rt_event event;
  const trk_status status = trk_rt_scan(&event, text, count, scratch);
  FUZZ_CHECK(status == TRK_OK || status == TRK_EINVALID || status == TRK_EFULL);
  if (status == TRK_OK)
    FUZZ_CHECK(trk_json_scan(text, count, NULL, 0, NULL) == TRK_OK);
  else
    FUZZ_CHECK(event.kind == TRK_RT_OTHER && event.type.count == 0 && event.content_index == -1);
  check_event(&event, text, scratch, count);
  free(scratch);
  free(text);
  return status;
}

/* An append of ours is a valid event of a kind that a model does not send, with this audio. */
static void check_append(const uint8_t *bytes, size_t count) {
  const size_t encoded = trk_base64_encoded_count(count);
  const size_t total = TRK_RT_APPEND_HEAD_COUNT + encoded + TRK_RT_APPEND_TAIL_COUNT;
  uint8_t *const text = fuzz_block(total);
  memcpy(text, trk_rt_append_head, TRK_RT_APPEND_HEAD_COUNT);
  trk_base64_encode((char *)text + TRK_RT_APPEND_HEAD_COUNT, bytes, count);
  memcpy(text + total - TRK_RT_APPEND_TAIL_COUNT, trk_rt_append_tail, TRK_RT_APPEND_TAIL_COUNT);
  FUZZ_CHECK(check_text(text, total) == TRK_OK);
  static const trk_json_field field = {{"audio"}};
  trk_json_value audio;
  FUZZ_CHECK(trk_json_scan(text, total, &field, 1, &audio) == TRK_OK);
  FUZZ_CHECK(audio.kind == TRK_JSON_STRING && !audio.escaped && audio.text.count == encoded);
  free(text);
}

/* An event whose ids are the input's bytes, escaped: read back, or refused for what they are. */
static void check_ids(fuzz_input *in) {
  const trk_bytes response = fuzz_bytes(in, fuzz_byte(in) & 127);
  const trk_bytes item = fuzz_bytes(in, fuzz_byte(in) & 127);
  const trk_bytes delta = {in->at, in->left};
  const size_t room = 200 + 6 * (response.count + item.count + delta.count);
  uint8_t *const text = fuzz_block(room);
  size_t at = (size_t)snprintf((char *)text, room,
                               "{\"type\":\"response.output_audio\\u002Edelta\",\"response\":{"
                               "\"id\":\"");
  at += trk_json_escape(text + at, room - at, response.data, response.count);
  at += (size_t)snprintf((char *)text + at, room - at, "\"},\"item_id\":\"");
  at += trk_json_escape(text + at, room - at, item.data, item.count);
  at += (size_t)snprintf((char *)text + at, room - at, "\",\"content_index\":7,\"delta\":\"");
  at += trk_json_escape(text + at, room - at, delta.data, delta.count);
  at += (size_t)snprintf((char *)text + at, room - at, "\"}");
  uint8_t *const scratch = fuzz_block(at);
  uint8_t *const exact = fuzz_copy(text, at);
  trk_rt_event event;
  const bool fine = is_id(response) && is_id(item);
  FUZZ_CHECK(trk_rt_scan(&event, exact, at, scratch) == (fine ? TRK_OK : TRK_EINVALID));
  if (fine) {
    FUZZ_CHECK(event.kind == TRK_RT_AUDIO_DELTA && event.content_index == 7);
    FUZZ_CHECK(fuzz_same(event.response_id, response.data, response.count));
    FUZZ_CHECK(fuzz_same(event.item_id, item.data, item.count));
    FUZZ_CHECK(fuzz_same(event.delta, delta.data, delta.count));
  }
  free(exact);
  free(scratch);
  free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count) {
  fuzz_input in = {data, count};
  const uint8_t mode = fuzz_byte(&in);
  if ((mode & 1) == 0) {
    check_text(in.at, in.left);
    return 0;
  }
  check_append(in.at, in.left);
  check_ids(&in);
  return 0;
}
