/* twilio.c - reads and writes the messages of a Twilio media stream, and of Telnyx's, which differ
 * in the spelling of the keys alone. */
#include "trk_twilio.h"

#include "codec_internal.h"

#include <string.h>

enum field {
  EVENT,
  SEQUENCE,
  STREAM_SID,
  MEDIA_TRACK,
  MEDIA_CHUNK,
  MEDIA_TIMESTAMP,
  MEDIA_PAYLOAD,
  START_STREAM_SID,
  START_CALL_SID,
  START_ACCOUNT_SID,
  START_ENCODING,
  START_SAMPLE_RATE,
  START_CHANNELS,
  MARK_NAME,
  DTMF_TRACK,
  DTMF_DIGIT,
  STOP_CALL_SID,
  STOP_ACCOUNT_SID,
  FIELDS,
};

static const trk_json_field twilio_fields[FIELDS] = {
    [EVENT] = {{"event"}},
    [SEQUENCE] = {{"sequenceNumber"}},
    [STREAM_SID] = {{"streamSid"}},
    [MEDIA_TRACK] = {{"media", "track"}},
    [MEDIA_CHUNK] = {{"media", "chunk"}},
    [MEDIA_TIMESTAMP] = {{"media", "timestamp"}},
    [MEDIA_PAYLOAD] = {{"media", "payload"}},
    [START_STREAM_SID] = {{"start", "streamSid"}},
    [START_CALL_SID] = {{"start", "callSid"}},
    [START_ACCOUNT_SID] = {{"start", "accountSid"}},
    [START_ENCODING] = {{"start", "mediaFormat", "encoding"}},
    [START_SAMPLE_RATE] = {{"start", "mediaFormat", "sampleRate"}},
    [START_CHANNELS] = {{"start", "mediaFormat", "channels"}},
    [MARK_NAME] = {{"mark", "name"}},
    [DTMF_TRACK] = {{"dtmf", "track"}},
    [DTMF_DIGIT] = {{"dtmf", "digit"}},
    [STOP_CALL_SID] = {{"stop", "callSid"}},
    [STOP_ACCOUNT_SID] = {{"stop", "accountSid"}},
};
static const trk_json_field telnyx_fields[FIELDS] = {
    [EVENT] = {{"event"}},
    [SEQUENCE] = {{"sequence_number"}},
    [STREAM_SID] = {{"stream_id"}},
    [MEDIA_TRACK] = {{"media", "track"}},
    [MEDIA_CHUNK] = {{"media", "chunk"}},
    [MEDIA_TIMESTAMP] = {{"media", "timestamp"}},
    [MEDIA_PAYLOAD] = {{"media", "payload"}},
    [START_STREAM_SID] = {{"start", "stream_id"}},
    [START_CALL_SID] = {{"start", "call_control_id"}},
    [START_ACCOUNT_SID] = {{"start", "user_id"}},
    [START_ENCODING] = {{"start", "media_format", "encoding"}},
    [START_SAMPLE_RATE] = {{"start", "media_format", "sample_rate"}},
    [START_CHANNELS] = {{"start", "media_format", "channels"}},
    [MARK_NAME] = {{"mark", "name"}},
    [DTMF_TRACK] = {{"dtmf", "track"}},
    [DTMF_DIGIT] = {{"dtmf", "digit"}},
    [STOP_CALL_SID] = {{"stop", "call_control_id"}},
    [STOP_ACCOUNT_SID] = {{"stop", "user_id"}},
};
_Static_assert((int)FIELDS <= (int)TRK_JSON_FIELDS_MAX, "one scan must find them all");

/* ---- Reading ---- */

static trk_twilio_kind kind_of(const trk_json_value *event) {
  static const struct {
    const char *name;
    trk_twilio_kind kind;
  } events[] = {
      {"media", TRK_TWILIO_MEDIA}, {"mark", TRK_TWILIO_MARK}, {"dtmf", TRK_TWILIO_DTMF},
      {"start", TRK_TWILIO_START}, {"stop", TRK_TWILIO_STOP}, {"connected", TRK_TWILIO_CONNECTED},
  };
  for (size_t i = 0; i < sizeof events / sizeof *events; i++)
    if (trk_json_equals(event, events[i].name)) return events[i].kind;
  return TRK_TWILIO_UNKNOWN;
}

static bool is_missing(const trk_json_value *value) {
  return value->kind == TRK_JSON_ABSENT || value->kind == TRK_JSON_NULL;
}

/* A count or a time: -1 when it is absent, null or negative (nothing that is counted here can be).
 * False when it is not an integer at all. */
static bool read_count(int64_t *out, const trk_json_value *value) {
  *out = -1;
  if (is_missing(value)) return true;
  int64_t number = 0;
  if (!trk_json_integer(value, &number)) return false;
  if (number >= 0) *out = number;
  return true;
}

static bool read_sid(trk_bytes *out, const trk_json_value *value, trk_json_scratch *scratch) {
  return trk_json_text_id(out, value, TRK_TWILIO_SID_MAX, scratch);
}

/* One spelling of the messages. */
typedef struct dialect {
  const trk_json_field *fields;
  size_t call_id_max; /* Bytes: Telnyx's ids of calls are longer than any sid. */
} dialect;
static const dialect twilio = {twilio_fields, TRK_TWILIO_SID_MAX};
static const dialect telnyx = {telnyx_fields, TRK_TELNYX_CALL_ID_MAX};

/* Twilio names the caller's track `inbound` in media and `inbound_track` in dtmf. */
static bool read_track(bool *inbound, const trk_json_value *track) {
  *inbound = is_missing(track) || trk_json_equals(track, "inbound") ||
             trk_json_equals(track, "inbound_track");
  return is_missing(track) || track->kind == TRK_JSON_STRING;
}

static bool read_media(trk_twilio_message *out, const trk_json_value *values,
                       trk_json_scratch *scratch) {
  if (values[MEDIA_PAYLOAD].kind != TRK_JSON_STRING) return false;
  out->payload = trk_json_text_bytes(&values[MEDIA_PAYLOAD], scratch);
  return read_track(&out->inbound, &values[MEDIA_TRACK]) &&
         read_count(&out->chunk, &values[MEDIA_CHUNK]) &&
         read_count(&out->timestamp_ms, &values[MEDIA_TIMESTAMP]);
}

static bool read_start(trk_twilio_message *out, const trk_json_value *values,
                       trk_json_scratch *scratch, size_t call_id_max) {
  trk_bytes inner = {0};
  if (!read_sid(&inner, &values[START_STREAM_SID], scratch)) return false;
  if (out->stream_sid.count == 0) out->stream_sid = inner;
  const trk_json_value *const encoding = &values[START_ENCODING];
  if (!is_missing(encoding) && encoding->kind != TRK_JSON_STRING) return false;
  out->encoding = trk_json_text_bytes(encoding, scratch);
  return trk_json_text_id(&out->call_sid, &values[START_CALL_SID], call_id_max, scratch) &&
         read_sid(&out->account_sid, &values[START_ACCOUNT_SID], scratch) &&
         read_count(&out->sample_rate, &values[START_SAMPLE_RATE]) &&
         read_count(&out->channels, &values[START_CHANNELS]);
}

/* A digit that is not a key of a telephone is left absent: the press is ignored, not the stream.
 * Clones send numerals as numbers. */
static bool read_dtmf(trk_twilio_message *out, const trk_json_value *values,
                      trk_json_scratch *scratch) {
  const trk_json_value *const digit = &values[DTMF_DIGIT];
  const trk_bytes text =
      digit->kind == TRK_JSON_NUMBER ? digit->text : trk_json_text_bytes(digit, scratch);
  static const char keys[] = "0123456789*#ABCD";
  if (text.count == 1 && memchr(keys, text.data[0], sizeof keys - 1) != NULL) out->digit = text;
  return read_track(&out->inbound, &values[DTMF_TRACK]);
}

static bool read_fields(trk_twilio_message *out, const trk_json_value *values,
                        trk_json_scratch *scratch, size_t call_id_max) {
  if (!read_count(&out->sequence, &values[SEQUENCE])) return false;
  if (!read_sid(&out->stream_sid, &values[STREAM_SID], scratch)) return false;
  switch (out->kind) {
    case TRK_TWILIO_UNKNOWN:
    case TRK_TWILIO_CONNECTED: return true;
    case TRK_TWILIO_START: return read_start(out, values, scratch, call_id_max);
    case TRK_TWILIO_MEDIA: return read_media(out, values, scratch);
    case TRK_TWILIO_DTMF: return read_dtmf(out, values, scratch);
    case TRK_TWILIO_MARK:
      return trk_json_text_id(&out->mark_name, &values[MARK_NAME], TRK_TWILIO_MARK_MAX, scratch);
    case TRK_TWILIO_STOP:
      return trk_json_text_id(&out->call_sid, &values[STOP_CALL_SID], call_id_max, scratch) &&
             read_sid(&out->account_sid, &values[STOP_ACCOUNT_SID], scratch);
  }
  return false;
}

static const trk_twilio_message nothing = {
    .sequence = -1, .chunk = -1, .timestamp_ms = -1, .sample_rate = -1, .channels = -1};

static trk_status parse(trk_twilio_message *out, const dialect *words, const uint8_t *text,
                        size_t count, uint8_t *scratch) {
  *out = nothing;
  trk_json_value values[FIELDS];
  const trk_status status = trk_json_scan(text, count, words->fields, FIELDS, values);
  if (status != TRK_OK) return status;
  /* Also refuses everything that is not an object: nothing stands at `event` then. */
  if (values[EVENT].kind != TRK_JSON_STRING) return TRK_EINVALID;
  out->kind = kind_of(&values[EVENT]);
  trk_json_scratch pieces = {scratch};
  if (read_fields(out, values, &pieces, words->call_id_max)) return TRK_OK;
  *out = nothing;
  return TRK_EINVALID;
}

trk_status trk_twilio_parse(trk_twilio_message *out, const uint8_t *text, size_t count,
                            uint8_t *scratch) {
  return parse(out, &twilio, text, count, scratch);
}

trk_status trk_telnyx_parse(trk_twilio_message *out, const uint8_t *text, size_t count,
                            uint8_t *scratch) {
  return parse(out, &telnyx, text, count, scratch);
}

/* ---- Writing ---- */

/* Where the next byte goes. Once something did not fit, nothing more is written. */
typedef struct writer {
  uint8_t *out;
  size_t capacity;
  size_t count;
  bool full;
} writer;

static void put(writer *w, const char *text, size_t count) {
  if (w->full || count > w->capacity - w->count) {
    w->full = true;
    return;
  }
  memcpy(w->out + w->count, text, count);
  w->count += count;
}

static void put_escaped(writer *w, trk_bytes text) {
  if (w->full || text.data == NULL || text.count == 0) return;
  const size_t count =
      trk_json_escape(w->out + w->count, w->capacity - w->count, text.data, text.count);
  w->full = count == 0;
  w->count += count;
}

static void put_base64(writer *w, const uint8_t *bytes, size_t count) {
  /* The same as encoded_count(count) > room, and can not wrap around. */
  const size_t room = w->capacity - w->count;
  if (w->full || count > room / 4 * 3) {
    w->full = true;
    return;
  }
  w->count += trk_base64_encode((char *)w->out + w->count, bytes, count);
}

#define PUT(w, literal) put((w), (literal), sizeof(literal) - 1)

size_t trk_twilio_write_media(uint8_t *out, size_t capacity, trk_bytes sid, const uint8_t *audio,
                              size_t count) {
  writer w = {.out = out, .capacity = capacity};
  PUT(&w, "{\"event\":\"media\",\"streamSid\":\"");
  put_escaped(&w, sid);
  PUT(&w, "\",\"media\":{\"payload\":\"");
  put_base64(&w, audio, count);
  PUT(&w, "\"}}");
  return w.full ? 0 : w.count;
}

size_t trk_twilio_write_mark(uint8_t *out, size_t capacity, trk_bytes sid, trk_bytes name) {
  writer w = {.out = out, .capacity = capacity};
  PUT(&w, "{\"event\":\"mark\",\"streamSid\":\"");
  put_escaped(&w, sid);
  PUT(&w, "\",\"mark\":{\"name\":\"");
  put_escaped(&w, name);
  PUT(&w, "\"}}");
  return w.full ? 0 : w.count;
}

size_t trk_twilio_write_clear(uint8_t *out, size_t capacity, trk_bytes sid) {
  writer w = {.out = out, .capacity = capacity};
  PUT(&w, "{\"event\":\"clear\",\"streamSid\":\"");
  put_escaped(&w, sid);
  PUT(&w, "\"}");
  return w.full ? 0 : w.count;
}

/* Telnyx knows the stream by its connection. */

size_t trk_telnyx_write_media(uint8_t *out, size_t capacity, const uint8_t *audio, size_t count) {
  writer w = {.out = out, .capacity = capacity};
  PUT(&w, "{\"event\":\"media\",\"media\":{\"payload\":\"");
  put_base64(&w, audio, count);
  PUT(&w, "\"}}");
  return w.full ? 0 : w.count;
}

size_t trk_telnyx_write_mark(uint8_t *out, size_t capacity, trk_bytes name) {
  writer w = {.out = out, .capacity = capacity};
  PUT(&w, "{\"event\":\"mark\",\"mark\":{\"name\":\"");
  put_escaped(&w, name);
  PUT(&w, "\"}}");
  return w.full ? 0 : w.count;
}

size_t trk_telnyx_write_clear(uint8_t *out, size_t capacity) {
  writer w = {.out = out, .capacity = capacity};
  PUT(&w, "{\"event\":\"clear\"}");
  return w.full ? 0 : w.count;
}
