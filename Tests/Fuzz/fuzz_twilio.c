/* fuzz_twilio.c - any text as a message of the carrier, and our own messages read back. */
#include "fuzz.h"

#include "trk_base64.h"
#include "trk_json.h"
#include "trk_twilio.h"

static bool is_printable(trk_bytes id) {
  for (size_t i = 0; i < id.count; i++)
    if (id.data[i] < 0x20 || id.data[i] > 0x7E) return false;
  return true;
}

static bool is_count(int64_t number) {
  return number >= -1;
}

static void check_fields(const trk_twilio_message *m, const uint8_t *text, const uint8_t *scratch,
                         size_t count) {
  const trk_bytes all[] = {m->stream_sid, m->call_sid,  m->account_sid, m->encoding,
                           m->payload,    m->mark_name, m->digit};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    FUZZ_CHECK(fuzz_inside(all[i], text, count) || fuzz_inside(all[i], scratch, count));
  const trk_bytes sids[] = {m->stream_sid, m->call_sid, m->account_sid};
  for (size_t i = 0; i < sizeof sids / sizeof *sids; i++)
    FUZZ_CHECK(sids[i].count <= TRK_TWILIO_SID_MAX && is_printable(sids[i]));
  FUZZ_CHECK(m->mark_name.count <= TRK_TWILIO_MARK_MAX && is_printable(m->mark_name));
  FUZZ_CHECK(m->digit.count <= 1);
  if (m->digit.count == 1) FUZZ_CHECK(strchr("0123456789*#ABCD", m->digit.data[0]) != NULL);
  FUZZ_CHECK(is_count(m->sequence) && is_count(m->chunk) && is_count(m->timestamp_ms));
  FUZZ_CHECK(is_count(m->sample_rate) && is_count(m->channels));
}

/* Only the fields of its own kind are filled. */
static void check_kind(const trk_twilio_message *m) {
  const bool media = m->kind == TRK_TWILIO_MEDIA, start = m->kind == TRK_TWILIO_START;
  FUZZ_CHECK(media || (m->payload.count == 0 && m->chunk == -1 && m->timestamp_ms == -1));
  FUZZ_CHECK(start || (m->encoding.count == 0 && m->sample_rate == -1 && m->channels == -1));
  FUZZ_CHECK(start || m->kind == TRK_TWILIO_STOP || m->call_sid.count + m->account_sid.count == 0);
  FUZZ_CHECK(m->kind == TRK_TWILIO_MARK || m->mark_name.count == 0);
  FUZZ_CHECK(m->kind == TRK_TWILIO_DTMF || m->digit.count == 0);
  FUZZ_CHECK(media || m->kind == TRK_TWILIO_DTMF || !m->inbound);
}

static void check_text(const uint8_t *bytes, size_t count) {
  uint8_t *const text = fuzz_copy(bytes, count);
  uint8_t *const scratch = fuzz_block(count);
  trk_twilio_message message;
  const trk_status status = trk_twilio_parse(&message, text, count, scratch);
  const trk_status json = trk_json_scan(text, count, NULL, 0, NULL);
  FUZZ_CHECK(status == TRK_OK || status == TRK_EINVALID || status == TRK_EFULL);
  FUZZ_CHECK(json == TRK_OK || status != TRK_OK);
  if (status != TRK_OK) FUZZ_CHECK(message.kind == TRK_TWILIO_UNKNOWN && message.sequence == -1);
  check_fields(&message, text, scratch, count);
  check_kind(&message);
  free(scratch);
  free(text);
}

/* ---- Our own messages ---- */

typedef struct own {
  trk_bytes sid;
  trk_bytes name;
  trk_bytes audio;
} own;

static size_t write_own(uint8_t *out, size_t capacity, const own *o, trk_twilio_kind kind) {
  if (kind == TRK_TWILIO_MEDIA)
    return trk_twilio_write_media(out, capacity, o->sid, o->audio.data, o->audio.count);
  if (kind == TRK_TWILIO_MARK) return trk_twilio_write_mark(out, capacity, o->sid, o->name);
  return trk_twilio_write_clear(out, capacity, o->sid);
}

static void check_read_back(const own *o, trk_twilio_kind kind, const uint8_t *text, size_t count) {
  uint8_t *const scratch = fuzz_block(count);
  trk_twilio_message m;
  const bool named =
      is_printable(o->sid) && o->sid.count <= TRK_TWILIO_SID_MAX &&
      (kind != TRK_TWILIO_MARK || (is_printable(o->name) && o->name.count <= TRK_TWILIO_MARK_MAX));
  FUZZ_CHECK(trk_twilio_parse(&m, text, count, scratch) == (named ? TRK_OK : TRK_EINVALID));
  if (named) {
    FUZZ_CHECK(m.kind == kind && fuzz_same(m.stream_sid, o->sid.data, o->sid.count));
    if (kind == TRK_TWILIO_MARK) FUZZ_CHECK(fuzz_same(m.mark_name, o->name.data, o->name.count));
  }
  if (named && kind == TRK_TWILIO_MEDIA) {
    uint8_t *const audio = fuzz_block(trk_base64_decoded_max(m.payload.count));
    const ptrdiff_t audio_count =
        trk_base64_decode(audio, (const char *)m.payload.data, m.payload.count);
    FUZZ_CHECK(audio_count == (ptrdiff_t)o->audio.count);
    FUZZ_CHECK(fuzz_same(o->audio, audio, (size_t)audio_count));
    free(audio);
  }
  free(scratch);
}

/* Writes into all the room there could be, then into exactly enough, then into less and less. */
static void check_own(const own *o, trk_twilio_kind kind) {
  const size_t room = 256 + 6 * (o->sid.count + o->name.count) + 2 * o->audio.count + 4;
  uint8_t *const text = fuzz_block(room);
  const size_t count = write_own(text, room, o, kind);
  FUZZ_CHECK(count > 0 && count <= room);
  if (kind != TRK_TWILIO_UNKNOWN)
    check_read_back(o, kind, text, count);
  else
    FUZZ_CHECK(trk_json_scan(text, count, NULL, 0, NULL) == TRK_OK);
  uint8_t *const exact = fuzz_block(count);
  FUZZ_CHECK(write_own(exact, count, o, kind) == count && memcmp(exact, text, count) == 0);
  free(exact);
  /* Less room cuts it anywhere: at its end, in the payload, in the sid. */
  for (size_t missing = 1; missing <= count; missing += missing / 2 + 1) {
    uint8_t *const less = fuzz_block(count - missing);
    FUZZ_CHECK(write_own(less, count - missing, o, kind) == 0);
    free(less);
  }
  /* What the core relies on when it makes room for a message. */
  const size_t payload = kind == TRK_TWILIO_MEDIA  ? trk_base64_encoded_count(o->audio.count)
                         : kind == TRK_TWILIO_MARK ? o->name.count
                                                   : 0;
  bool escaped = false;
  for (size_t i = 0; i < o->sid.count; i++)
    escaped |= o->sid.data[i] < 0x20 || o->sid.data[i] == '"' || o->sid.data[i] == '\\';
  for (size_t i = 0; i < o->name.count; i++)
    escaped |= o->name.data[i] < 0x20 || o->name.data[i] == '"' || o->name.data[i] == '\\';
  if (!escaped && o->sid.count <= TRK_TWILIO_SID_MAX)
    FUZZ_CHECK(count <= TRK_TWILIO_OVERHEAD_MAX + payload);
  free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count) {
  fuzz_input in = {data, count};
  const uint8_t mode = fuzz_byte(&in);
  if ((mode & 1) == 0) {
    check_text(in.at, in.left);
    return 0;
  }
  own o;
  o.sid = fuzz_bytes(&in, fuzz_byte(&in));
  o.name = fuzz_bytes(&in, fuzz_byte(&in));
  o.audio = (trk_bytes){in.at, in.left};
  check_own(&o, TRK_TWILIO_MEDIA);
  check_own(&o, TRK_TWILIO_MARK);
  check_own(&o, TRK_TWILIO_UNKNOWN); /* `clear`, which only we send. */
  return 0;
}
