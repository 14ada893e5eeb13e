/* trk_twilio.h - the messages of a Twilio media stream, both ways, and those of Telnyx, which have
 * the same shape under other names.
 *
 * THREADS    Any. Pure functions.
 * OWNERSHIP  All pointers are borrowed; parsed fields point into the text or the scratch.
 * REENTRANCY Nothing calls back.
 * LIMITS     The message limit is the WebSocket layer's (64 KiB by default). Ids up to
 *            TRK_TWILIO_SID_MAX bytes, mark names up to TRK_TWILIO_MARK_MAX bytes.
 *
 * Twilio sends numbers as strings; clones send numbers: both are read. Out go exactly the keys that
 * Twilio allows (an extra key is warning 31951 and the message is dropped).
 */
#ifndef TRK_TWILIO_H
#define TRK_TWILIO_H
#include "trk_base.h"

TRK_ASSUME_NONNULL_BEGIN

enum {
  TRK_TWILIO_SID_MAX = 64,                            /* Bytes; real ones are 34. */
  TRK_TELNYX_CALL_ID_MAX = 128,                       /* Bytes of a call's id: Telnyx's are long. */
  TRK_TWILIO_MARK_MAX = 64,                           /* Bytes; ours are shorter than 32. */
  TRK_TWILIO_OVERHEAD_MAX = 128 + TRK_TWILIO_SID_MAX, /* Bytes around a payload or mark name. */
};

typedef TRK_ENUM(trk_twilio_kind){
    TRK_TWILIO_UNKNOWN = 0, /* Valid JSON object with an `event` that we do not know. */
    TRK_TWILIO_CONNECTED = 1, TRK_TWILIO_START = 2, TRK_TWILIO_MEDIA = 3,
    TRK_TWILIO_DTMF = 4,      TRK_TWILIO_MARK = 5,  TRK_TWILIO_STOP = 6,
} trk_twilio_kind;

/* Fields that are absent or null have count 0 or -1, and so do negative numbers. Only the fields of
 * the message's own kind are filled, and `sequence` and `stream_sid`. All strings are unescaped
 * (see trk_twilio_parse's `scratch`); sids and names are printable ASCII. */
typedef struct trk_twilio_message {
  trk_twilio_kind kind;
  bool inbound;          /* media, dtmf: the track is inbound(_track) or not named. */
  int64_t sequence;      /* sequenceNumber, -1 when absent. */
  int64_t chunk;         /* media.chunk, -1 when absent. */
  int64_t timestamp_ms;  /* media.timestamp, -1 when absent. */
  int64_t sample_rate;   /* start.mediaFormat.sampleRate, -1 when absent. */
  int64_t channels;      /* start.mediaFormat.channels, -1 when absent. */
  trk_bytes stream_sid;  /* The outer one, or start.streamSid when there is no outer one. */
  trk_bytes call_sid;    /* start.callSid or stop.callSid. */
  trk_bytes account_sid; /* start.accountSid or stop.accountSid. */
  trk_bytes encoding;    /* start.mediaFormat.encoding. */
  trk_bytes payload;     /* media.payload: base64 text, not checked: it may hold any byte. */
  trk_bytes mark_name;
  trk_bytes digit; /* dtmf.digit: one of 0-9 * # A-D, else absent. */
} trk_twilio_message;

/* Parses one text message. `scratch` has room for `count` bytes and is used only when a wanted
 * string holds escapes. TRK_EINVALID: not valid JSON, not an object, no string `event`, a
 * duplicate watched key, a wrong type where it matters, a sid or mark name that is over its limit
 * or not printable ASCII, or a media message without a string payload. TRK_EFULL: JSON limits.
 * On an error `out` is an UNKNOWN message without fields. [any] */
trk_status trk_twilio_parse(trk_twilio_message *out, const uint8_t *text, size_t count,
                            uint8_t *scratch);

/* The same for a message of Telnyx: `stream_id` is the stream's, `call_control_id` the call's and
 * `user_id` the account's id. [any] */
trk_status trk_telnyx_parse(trk_twilio_message *out, const uint8_t *text, size_t count,
                            uint8_t *scratch);

/* Each writes one whole message and returns its byte count, or 0 when `capacity` is too small.
 * `sid` and `name` are given unescaped and are escaped as needed. media encodes `count` bytes
 * of audio as base64. [any] */
size_t trk_twilio_write_media(uint8_t *out, size_t capacity, trk_bytes sid, const uint8_t *audio,
                              size_t count);
size_t trk_twilio_write_mark(uint8_t *out, size_t capacity, trk_bytes sid, trk_bytes name);
size_t trk_twilio_write_clear(uint8_t *out, size_t capacity, trk_bytes sid);
size_t trk_telnyx_write_media(uint8_t *out, size_t capacity, const uint8_t *audio, size_t count);
size_t trk_telnyx_write_mark(uint8_t *out, size_t capacity, trk_bytes name);
size_t trk_telnyx_write_clear(uint8_t *out, size_t capacity);

TRK_ASSUME_NONNULL_END
#endif
