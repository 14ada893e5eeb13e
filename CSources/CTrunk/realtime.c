/* realtime.c - classifies the server events of a Realtime session. */
#include "trk_realtime.h"

#include "codec_internal.h"

#include <string.h>

enum field {
  TYPE,
  RESPONSE_ID,
  RESPONSE_OBJECT_ID,
  ITEM_ID,
  ITEM_OBJECT_ID,
  CONTENT_INDEX,
  DELTA,
  FIELDS,
};

static const trk_json_field fields[FIELDS] = {
    [TYPE] = {{"type"}},
    [RESPONSE_ID] = {{"response_id"}},
    [RESPONSE_OBJECT_ID] = {{"response", "id"}},
    [ITEM_ID] = {{"item_id"}},
    [ITEM_OBJECT_ID] = {{"item", "id"}},
    [CONTENT_INDEX] = {{"content_index"}},
    [DELTA] = {{"delta"}},
};
_Static_assert((int)FIELDS <= (int)TRK_JSON_FIELDS_MAX, "one scan must find them all");

typedef struct event_name {
  const char *name;
  size_t count;
  trk_rt_kind kind;
} event_name;

#define NAME(text, kind)                                                                           \
  { text, sizeof(text) - 1, kind }

/* The frequent ones first: of the events of a turn nine in ten are deltas. Few names share a
 * length, so a miss costs one comparison of numbers. */
static const event_name names[] = {
    NAME("response.output_audio.delta", TRK_RT_AUDIO_DELTA),
    NAME("response.output_audio_transcript.delta", TRK_RT_TRANSCRIPT_DELTA),
    NAME("conversation.item.input_audio_transcription.delta", TRK_RT_INPUT_TRANSCRIPT_DELTA),
    NAME("response.function_call_arguments.delta", TRK_RT_ARGUMENTS_DELTA),
    NAME("response.output_text.delta", TRK_RT_TEXT_DELTA),
    NAME("conversation.item.added", TRK_RT_ITEM_ADDED),
    NAME("conversation.item.done", TRK_RT_ITEM_DONE),
    NAME("conversation.item.deleted", TRK_RT_ITEM_DELETED),
    NAME("conversation.item.input_audio_transcription.completed", TRK_RT_INPUT_TRANSCRIPT_DONE),
    NAME("conversation.item.input_audio_transcription.failed", TRK_RT_INPUT_TRANSCRIPT_FAILED),
    NAME("conversation.item.retrieved", TRK_RT_ITEM_RETRIEVED),
    NAME("conversation.item.truncated", TRK_RT_ITEM_TRUNCATED),
    NAME("error", TRK_RT_ERROR),
    NAME("input_audio_buffer.cleared", TRK_RT_INPUT_CLEARED),
    NAME("input_audio_buffer.committed", TRK_RT_INPUT_COMMITTED),
    NAME("input_audio_buffer.speech_started", TRK_RT_SPEECH_STARTED),
    NAME("input_audio_buffer.speech_stopped", TRK_RT_SPEECH_STOPPED),
    NAME("input_audio_buffer.timeout_triggered", TRK_RT_INPUT_TIMEOUT),
    NAME("rate_limits.updated", TRK_RT_RATE_LIMITS),
    NAME("response.content_part.added", TRK_RT_CONTENT_PART_ADDED),
    NAME("response.content_part.done", TRK_RT_CONTENT_PART_DONE),
    NAME("response.created", TRK_RT_RESPONSE_CREATED),
    NAME("response.done", TRK_RT_RESPONSE_DONE),
    NAME("response.function_call_arguments.done", TRK_RT_ARGUMENTS_DONE),
    NAME("response.output_audio.done", TRK_RT_AUDIO_DONE),
    NAME("response.output_audio_transcript.done", TRK_RT_TRANSCRIPT_DONE),
    NAME("response.output_item.added", TRK_RT_OUTPUT_ITEM_ADDED),
    NAME("response.output_item.done", TRK_RT_OUTPUT_ITEM_DONE),
    NAME("response.output_text.done", TRK_RT_TEXT_DONE),
    NAME("session.created", TRK_RT_SESSION_CREATED),
    NAME("session.updated", TRK_RT_SESSION_UPDATED),
};
_Static_assert(sizeof names / sizeof *names == TRK_RT_RATE_LIMITS, "a name for each known kind");

static trk_rt_kind kind_of(trk_bytes type) {
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const event_name *const known = &names[i];
    if (type.count == known->count && memcmp(type.data, known->name, known->count) == 0)
      return known->kind;
  }
  return TRK_RT_OTHER;
}

/* An id of an unexpected type is taken as absent: an event of a later protocol version may mean
 * something else by the name, and is handed on as text. */
static bool read_id(trk_bytes *out, const trk_json_value *direct, const trk_json_value *nested,
                    trk_json_scratch *scratch) {
  const trk_json_value *const value = direct->kind == TRK_JSON_STRING ? direct : nested;
  *out = (trk_bytes){0};
  if (value->kind != TRK_JSON_STRING) return true;
  return trk_json_text_id(out, value, TRK_REALTIME_ID_MAX, scratch);
}

static bool read_event(trk_rt_event *out, const trk_json_value *values, trk_json_scratch *scratch) {
  /* Also refuses everything that is not an object: nothing stands at `type` then. */
  if (values[TYPE].kind != TRK_JSON_STRING) return false;
  out->type = trk_json_text_bytes(&values[TYPE], scratch);
  out->kind = kind_of(out->type);
  if (!read_id(&out->response_id, &values[RESPONSE_ID], &values[RESPONSE_OBJECT_ID], scratch))
    return false;
  if (!read_id(&out->item_id, &values[ITEM_ID], &values[ITEM_OBJECT_ID], scratch)) return false;
  int64_t index = 0;
  if (trk_json_integer(&values[CONTENT_INDEX], &index) && index >= 0) out->content_index = index;
  if (out->kind != TRK_RT_AUDIO_DELTA) return true;
  if (values[DELTA].kind != TRK_JSON_STRING) return false;
  out->delta = trk_json_text_bytes(&values[DELTA], scratch);
  return true;
}

trk_status trk_rt_scan(trk_rt_event *out, const uint8_t *text, size_t count, uint8_t *scratch) {
  static const trk_rt_event nothing = {.content_index = -1};
  *out = nothing;
  trk_json_value values[FIELDS];
  const trk_status status = trk_json_scan(text, count, fields, FIELDS, values);
  if (status != TRK_OK) return status;
  trk_json_scratch pieces = {scratch};
  if (read_event(out, values, &pieces)) return TRK_OK;
  *out = nothing;
  return TRK_EINVALID;
}

const char trk_rt_append_head[] = "{\"type\":\"input_audio_buffer.append\",\"audio\":\"";
const char trk_rt_append_tail[] = "\"}";
_Static_assert(sizeof trk_rt_append_head == TRK_RT_APPEND_HEAD_COUNT + 1, "bytes and a NUL");
_Static_assert(sizeof trk_rt_append_tail == TRK_RT_APPEND_TAIL_COUNT + 1, "bytes and a NUL");
