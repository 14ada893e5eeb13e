/* trk_realtime.h - the Realtime dialect on the wire: what kind of event is this, and the audio.
 *
 * THREADS    Any. Pure functions.
 * OWNERSHIP  All pointers are borrowed; fields point into the text or the scratch.
 * REENTRANCY Nothing calls back.
 * LIMITS     The message limit is the WebSocket layer's (4 MiB by default). Ids up to
 *            TRK_REALTIME_ID_MAX bytes of printable ASCII: any other id makes the event invalid.
 *
 * GA names only reach the core from a model; beta names and `conversation.item.created` map to
 * TRK_RT_OTHER and are handed on as text.
 */
#ifndef TRK_REALTIME_H
#define TRK_REALTIME_H
#include "trk_base.h"

TRK_ASSUME_NONNULL_BEGIN

enum {
  TRK_REALTIME_ID_MAX = 64, /* Bytes; the API itself limits its own to 32 where clients set them. */
};

typedef TRK_ENUM(trk_rt_kind){
    TRK_RT_OTHER = 0,
    TRK_RT_ERROR = 1,
    TRK_RT_SESSION_CREATED = 2,
    TRK_RT_SESSION_UPDATED = 3,
    TRK_RT_SPEECH_STARTED = 4,
    TRK_RT_SPEECH_STOPPED = 5,
    TRK_RT_INPUT_COMMITTED = 6,
    TRK_RT_INPUT_CLEARED = 7,
    TRK_RT_INPUT_TIMEOUT = 8,
    TRK_RT_ITEM_ADDED = 9,
    TRK_RT_ITEM_DONE = 10,
    TRK_RT_ITEM_TRUNCATED = 11,
    TRK_RT_ITEM_DELETED = 12,
    TRK_RT_ITEM_RETRIEVED = 13,
    TRK_RT_INPUT_TRANSCRIPT_DELTA = 14,
    TRK_RT_INPUT_TRANSCRIPT_DONE = 15,
    TRK_RT_INPUT_TRANSCRIPT_FAILED = 16,
    TRK_RT_RESPONSE_CREATED = 17,
    TRK_RT_RESPONSE_DONE = 18,
    TRK_RT_OUTPUT_ITEM_ADDED = 19,
    TRK_RT_OUTPUT_ITEM_DONE = 20,
    TRK_RT_CONTENT_PART_ADDED = 21,
    TRK_RT_CONTENT_PART_DONE = 22,
    TRK_RT_AUDIO_DELTA = 23,
    TRK_RT_AUDIO_DONE = 24,
    TRK_RT_TRANSCRIPT_DELTA = 25,
    TRK_RT_TRANSCRIPT_DONE = 26,
    TRK_RT_TEXT_DELTA = 27,
    TRK_RT_TEXT_DONE = 28,
    TRK_RT_ARGUMENTS_DELTA = 29,
    TRK_RT_ARGUMENTS_DONE = 30,
    TRK_RT_RATE_LIMITS = 31,
} trk_rt_kind;

typedef struct trk_rt_event {
  trk_rt_kind kind;
  trk_bytes type;        /* The `type` string as sent (unescaped when it held escapes). */
  trk_bytes response_id; /* response_id, or response.id. Absent when it is not a string. */
  trk_bytes item_id;     /* item_id, or item.id. Absent when it is not a string. */
  int64_t content_index; /* -1 when absent. */
  trk_bytes delta;       /* Only for TRK_RT_AUDIO_DELTA: base64 text, not checked. */
} trk_rt_event;

/* Scans one text message completely. `scratch` has room for `count` bytes (used for escapes only).
 * TRK_EINVALID: not valid JSON, not an object, no string `type`, a duplicate watched key, an id
 * over its limit or not printable ASCII, or an audio delta without a string `delta`. TRK_EFULL:
 * JSON limits. On an error `out` is an OTHER event without fields. [any] */
trk_status trk_rt_scan(trk_rt_event *out, const uint8_t *text, size_t count, uint8_t *scratch);

/* Bytes around the base64 text of an input_audio_buffer.append message. */
extern const char trk_rt_append_head[]; /* {"type":"input_audio_buffer.append","audio":" */
extern const char trk_rt_append_tail[]; /* "} */
enum { TRK_RT_APPEND_HEAD_COUNT = 45, TRK_RT_APPEND_TAIL_COUNT = 2 };

TRK_ASSUME_NONNULL_END
#endif
