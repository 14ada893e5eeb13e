/* trk_ws.h - RFC 6455 framing, both roles, streaming and in place.
 *
 * THREADS    Any. A reader belongs to one connection; it holds no pointers.
 * OWNERSHIP  Bytes are borrowed; payloads are unmasked in place in the caller's buffer.
 * REENTRANCY Nothing calls back: trk_ws_read returns one thing at a time.
 * LIMITS     trk_ws_limits: message bytes and fragments. Control payloads are at most 125 bytes
 *            (section 5.5). No extension is ever negotiated, so RSV bits are errors.
 * ERRORS     TRK_WS_ERROR with the close code (section 7.4.1) that the peer is owed.
 */
#ifndef TRK_WS_H
#define TRK_WS_H
#include "trk_base.h"
#include "trk_utf8.h"

TRK_ASSUME_NONNULL_BEGIN

typedef TRK_ENUM(trk_ws_opcode){
    TRK_WS_CONTINUATION = 0, TRK_WS_TEXT = 1, TRK_WS_BINARY = 2,
    TRK_WS_CLOSE = 8,        TRK_WS_PING = 9, TRK_WS_PONG = 10,
} trk_ws_opcode;

enum {
  TRK_WS_CONTROL_MAX = 125, /* Payload bytes of a control frame. */
  TRK_WS_HEADER_MAX = 14,   /* 2 + 8 + 4. */
};

typedef struct trk_ws_limits {
  uint64_t message_max;   /* Payload bytes of one message, all fragments together. */
  uint32_t fragments_max; /* Frames of one message, empty ones count. */
} trk_ws_limits;

/* The state between two reads. Zero-initialise with trk_ws_reader_init. */
typedef struct trk_ws_reader {
  bool expect_mask;       /* True for a server: clients must mask (section 5.1). */
  bool in_payload;        /* The header of the current frame is complete. */
  bool in_message;        /* A data message has begun and is not finished. */
  bool fin;               /* The current frame is the last of its message. */
  uint8_t opcode;         /* Of the current frame. */
  uint8_t message_opcode; /* TEXT or BINARY while in_message. */
  uint8_t header_count;   /* Header bytes gathered so far. */
  uint8_t control_count;  /* Control payload bytes gathered so far. */
  uint8_t mask[4];
  uint8_t header[TRK_WS_HEADER_MAX];
  uint8_t control[TRK_WS_CONTROL_MAX];
  uint32_t fragments;     /* Frames of the current message. */
  uint64_t frame_left;    /* Payload bytes of the current frame still to come. */
  uint64_t frame_done;    /* Payload bytes of the current frame seen: the mask's phase. */
  uint64_t message_count; /* Payload bytes announced for the current message. */
  trk_utf8 utf8;
  trk_ws_limits limits;
} trk_ws_reader;

typedef TRK_ENUM(trk_ws_result_kind){
    TRK_WS_MORE = 0,    /* All given bytes are used; nothing to report. */
    TRK_WS_CHUNK = 1,   /* A run of a data message. */
    TRK_WS_CONTROL = 2, /* A whole control frame. */
    TRK_WS_ERROR = 3,   /* Broken: close with `close_code`; the reader is then dead. */
} trk_ws_result_kind;

typedef struct trk_ws_result {
  trk_ws_result_kind kind;
  trk_ws_opcode opcode;  /* CHUNK: TEXT or BINARY. CONTROL: CLOSE, PING or PONG. */
  bool first;            /* CHUNK: the message begins with this run. */
  bool last;             /* CHUNK: the message ends with this run. */
  uint16_t close_code;   /* ERROR: what to answer. CONTROL CLOSE: what the peer said, 1005 none. */
  trk_bytes bytes;       /* Unmasked. CONTROL CLOSE: the reason only. */
  uint64_t message_left; /* CHUNK: payload bytes of this frame still to come. */
} trk_ws_result;

void trk_ws_reader_init(trk_ws_reader *reader, bool expect_mask, trk_ws_limits limits);

/* Reads from `bytes` (unmasking in place) until there is something to report; `used` bytes were
 * eaten. Call again with the rest. An empty message is reported as one CHUNK of 0 bytes. */
trk_ws_result trk_ws_read(trk_ws_reader *reader, uint8_t *bytes, size_t count, size_t *used);

/* Writes a frame header for `count` payload bytes; FIN is set. `mask` is NULL for a server.
 * Returns the header's byte count (2 to 14). */
size_t trk_ws_write_header(uint8_t *out, trk_ws_opcode opcode, uint64_t count,
                           const uint8_t *TRK_NULLABLE mask);

/* Header bytes that trk_ws_write_header will write. */
size_t trk_ws_header_count(uint64_t count, bool masked);

/* Applies the mask to `count` bytes in place; `phase` is the index of the first byte within the
 * frame's payload. */
void trk_ws_mask(uint8_t *bytes, size_t count, const uint8_t *mask, uint64_t phase);

/* True for codes that may stand in a close frame (section 7.4): 1000-1003, 1007-1014, 3000-4999. */
bool trk_ws_close_code_valid(uint16_t code);

TRK_ASSUME_NONNULL_END
#endif
