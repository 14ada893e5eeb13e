/* line.c - the carrier's line when it is more than Twilio's mu-law: another coding, binary framing,
 * packets that come out of order, are lost, or do not come at all.
 *
 * A model hears audio, not time: a caller who is silent because nothing is sent would never end a
 * turn. So a line whose peer falls behind real time is filled up, by a guess at first and then by
 * silence, for as long as the session needs to find the end of a turn (trk_call_set_fill).
 */
#include "internal.h"

#include "trk_base64.h"

enum {
  FILL_SLACK_US = 120 * TRK_US_PER_MS, /* A packet that is so late is missed. */
  AHEAD_US_MAX = 500 * TRK_US_PER_MS,  /* Packets that come in heaps; more was late, and is over. */
  FILL_US_MIN = 20 * TRK_US_PER_MS,    /* Of one piece that is made up. */
  FILL_US_MAX = TRK_LINE_FRAME_MS_MAX * TRK_US_PER_MS,
  GUESSED_MS_MAX = 100,  /* Then a guess is worse than silence. */
  LOST_PACKETS_MAX = 10, /* Of one gap that are concealed; the others are left out. */
  PCM_BYTES = sizeof(int16_t),
};

bool trk_opus_is_built_in(void) {
  return trk_opus_size() > 0;
}

bool trk_line_is_opus(const trk_call *call) {
  return call->line && call->line->opus;
}

/* ---- Opus states: their memory is used again ---- */

static trk_opus *take_opus(trk_loop *loop) {
  void *memory = loop->opus_free;
  if (!memory) return trk_alloc(loop, trk_opus_size());
  memcpy(&loop->opus_free, memory, sizeof loop->opus_free);
  loop->opus_free_count--;
  return memory;
}

static void give_opus(trk_loop *loop, trk_opus *opus) {
  loop->stats.opus_calls--;
  if (loop->opus_free_count >= TRK_OPUS_FREE_MAX) {
    trk_free(loop, opus);
    return;
  }
  memcpy((void *)opus, &loop->opus_free, sizeof loop->opus_free);
  loop->opus_free = opus;
  loop->opus_free_count++;
}

void trk_line_release_loop(trk_loop *loop) {
  while (loop->opus_free) {
    void *memory = loop->opus_free;
    memcpy(&loop->opus_free, memory, sizeof loop->opus_free);
    trk_free(loop, memory);
  }
  loop->opus_free_count = 0;
}

/* ---- Set-up ---- */

static bool is_valid(const trk_line_config *config) {
  const trk_line_texts *texts = &config->texts;
  const trk_bytes all[] = {texts->begin, texts->end, texts->clear, texts->mark_head,
                           texts->mark_tail};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (all[i].count > TRK_LINE_TEXT_MAX) return false;
  return config->frame_ms == 20 || config->frame_ms == 40 || config->frame_ms == 60;
}

static trk_bytes keep_text(trk_line *line, trk_bytes text) {
  uint8_t *at = line->text + line->text_count;
  if (text.count > 0) memcpy(at, text.data, text.count);
  line->text_count += text.count;
  return (trk_bytes){at, text.count};
}

static void keep_config(trk_line *line, const trk_line_config *config) {
  line->config = *config;
  trk_line_texts *texts = &line->config.texts;
  texts->begin = keep_text(line, texts->begin);
  texts->end = keep_text(line, texts->end);
  texts->clear = keep_text(line, texts->clear);
  texts->mark_head = keep_text(line, texts->mark_head);
  texts->mark_tail = keep_text(line, texts->mark_tail);
}

static trk_status begin_opus(trk_line *line, trk_loop *loop) {
  const trk_line_config *config = &line->config;
  line->opus = take_opus(loop);
  if (!line->opus) return TRK_ENOMEM;
  loop->stats.opus_calls++;
  const trk_opus_config opus = {
      .rate = config->narrow ? TRK_ULAW_BYTES_PER_MS * 1000 : TRK_PCM_RATE,
      .bitrate = config->bitrate,
      .complexity = config->complexity,
      .loss_percent = config->loss_percent,
      .fec = config->fec,
      .dtx = config->dtx,
  };
  return trk_opus_init(line->opus, &opus);
}

static void free_line(trk_loop *loop, trk_line *line) {
  if (line->opus) give_opus(loop, line->opus);
  if (line->reorder) trk_free(loop, line->reorder);
  trk_free(loop, line);
}

/* How much of the audio goes into one message, and how far ahead of time. */
static void set_pace(trk_call *call, const trk_line_config *config) {
  const bool is_pcm = config->coding == TRK_CODING_OPUS && !config->narrow;
  const bool is_framed = config->coding == TRK_CODING_OPUS || call->dialect == TRK_DIALECT_BINARY;
  call->bytes_per_ms = is_pcm ? TRK_PCM_BYTES_PER_MS : TRK_ULAW_BYTES_PER_MS;
  call->frame_bytes = (is_framed ? config->frame_ms : 20) * call->bytes_per_ms;
  call->slice_bytes = is_framed ? call->frame_bytes : TRK_SLICE_BYTES_MAX;
  if (config->lead_ms > 0) call->lead_ms = config->lead_ms;
  trk_ledger_set_line(&call->ledger, call->bytes_per_ms, config->has_marks);
}

trk_status trk_call_set_line(trk_loop *loop, trk_call_id id, const trk_line_config *config) {
  trk_call *call = trk_call_find(loop, id);
  if (!call) return TRK_ESTALE;
  if (call->line || call->stats.frames_in > 0 || call->ledger.position > 0 || !is_valid(config))
    return TRK_EINVALID;
  if (config->coding == TRK_CODING_OPUS && !trk_opus_is_built_in()) return TRK_EUNSUPPORTED;
  trk_line *line = trk_alloc(loop, sizeof *line);
  if (!line) return TRK_ENOMEM;
  keep_config(line, config);
  trk_status status = TRK_OK;
  if (config->coding == TRK_CODING_OPUS) status = begin_opus(line, loop);
  if (status == TRK_OK && call->dialect == TRK_DIALECT_TELNYX) {
    line->reorder = trk_alloc(loop, sizeof *line->reorder);
    if (line->reorder)
      trk_reorder_init(line->reorder);
    else
      status = TRK_ENOMEM;
  }
  if (status != TRK_OK) {
    free_line(loop, line);
    return status;
  }
  line->fill.kind = TRK_TIMER_CALL_FILL;
  line->fill_ms = TRK_LINE_FILL_MS;
  line->call = call;
  call->line = line;
  set_pace(call, config);
  if (call->dialect == TRK_DIALECT_BINARY) trk_call_started(call);
  return TRK_OK;
}

void trk_line_close(trk_call *call) {
  trk_line *line = call->line;
  if (!line) return;
  trk_wheel_cancel(call->loop, &line->fill);
  call->line = NULL;
  free_line(call->loop, line);
}

trk_status trk_call_set_fill(trk_loop *loop, trk_call_id id, uint32_t fill_ms) {
  trk_call *call = trk_call_find(loop, id);
  if (!call) return TRK_ESTALE;
  if (!call->line) return TRK_EUNSUPPORTED;
  call->line->fill_ms = fill_ms < TRK_LINE_FILL_MS_MAX ? fill_ms : TRK_LINE_FILL_MS_MAX;
  return TRK_OK;
}

bool trk_call_echo(trk_loop *loop, trk_call_id id, const void *name, size_t count) {
  trk_call *call = trk_call_find(loop, id);
  if (!call || !call->line || !call->line->config.has_marks) return false;
  const trk_bytes text = {name, count};
  if (!trk_ledger_echo(&call->ledger, text, (int64_t)(uv_hrtime() / 1000))) {
    loop->stats.marks_stale++;
    return false;
  }
  loop->stats.marks_in++;
  trk_pacer_finish_items(call);
  return true;
}

trk_status trk_call_hold(trk_loop *loop, trk_call_id id, bool held) {
  trk_call *call = trk_call_find(loop, id);
  if (!call) return TRK_ESTALE;
  if (!call->line) return TRK_EUNSUPPORTED;
  call->line->held = held;
  if (!held) trk_pacer_run(call);
  return TRK_OK;
}

/* ---- The caller's audio ---- */

static void take_samples(trk_call *call, const int16_t *samples, size_t count) {
  if (!call->line->config.narrow) {
    trk_call_take_audio(call, (const uint8_t *)samples, count * PCM_BYTES);
    return;
  }
  uint8_t codes[TRK_OPUS_MS_MAX * TRK_ULAW_BYTES_PER_MS];
  trk_ulaw_encode(codes, samples, count);
  trk_call_take_audio(call, codes, count);
}

static uint32_t samples_per_ms(const trk_line *line) {
  return line->config.narrow ? TRK_ULAW_BYTES_PER_MS : TRK_PCM_RATE / 1000;
}

/* Makes up `us` of audio: a guess of the decoder's, or silence. */
static void make_up(trk_line *line, uint32_t us, bool is_guess) {
  trk_call *const call = line->call;
  if (!line->opus) {
    uint8_t silence[TRK_LINE_FRAME_MS_MAX * TRK_ULAW_BYTES_PER_MS];
    const size_t count = (size_t)us * TRK_ULAW_BYTES_PER_MS / TRK_US_PER_MS;
    memset(silence, line->config.coding == TRK_CODING_ALAW ? TRK_ALAW_SILENCE : TRK_ULAW_SILENCE,
           sizeof silence);
    trk_call_take_audio(call, silence, count < sizeof silence ? count : sizeof silence);
    return;
  }
  int16_t samples[TRK_OPUS_MS_MAX * TRK_PCM_RATE / 1000] = {0};
  size_t count = (size_t)us * samples_per_ms(line) / TRK_US_PER_MS;
  if (is_guess) {
    const ptrdiff_t guessed = trk_opus_conceal(line->opus, samples, count);
    if (guessed > 0) count = (size_t)guessed;
  }
  take_samples(call, samples, count);
}

static void arm_fill(trk_line *line) {
  trk_loop *const loop = line->call->loop;
  trk_wheel_arm(loop, &line->fill, (line->media_end_us + FILL_SLACK_US) / TRK_US_PER_MS + 1);
}

void trk_line_on_timer(trk_line *line) {
  trk_call *const call = line->call;
  if (line->filled_ms >= line->fill_ms || !call->carrier || call->stopped) return;
  /* As the peer's packets are, within what a timer and a guess are good for. */
  uint32_t us = line->packet_us < FILL_US_MIN ? FILL_US_MIN : line->packet_us;
  if (us > FILL_US_MAX) us = FILL_US_MAX;
  make_up(line, us, line->filled_ms < GUESSED_MS_MAX);
  line->filled_ms += us / TRK_US_PER_MS;
  line->media_end_us += us;
  call->loop->stats.line_filled_ms += us / TRK_US_PER_MS;
  arm_fill(line);
}

/* A packet of so much audio came: real time goes on from here. */
static void note_packet(trk_line *line, uint32_t us) {
  trk_call_note_frame(line->call);
  const int64_t now_us = line->call->loop->now_us;
  line->packet_us = us;
  line->filled_ms = 0;
  if (line->media_end_us < now_us - 2 * FILL_SLACK_US) line->media_end_us = now_us - us;
  line->media_end_us += us;
  /* Who sent more than time allows is silent from now on, not once that would have been said. */
  if (line->media_end_us > now_us + AHEAD_US_MAX) line->media_end_us = now_us + AHEAD_US_MAX;
  arm_fill(line);
}

static void invalid(trk_call *call) {
  call->loop->stats.opus_invalid++;
  trk_call_malformed(call->carrier, call->dialect == TRK_DIALECT_BINARY ? TRK_MALFORMED_BINARY
                                                                        : TRK_MALFORMED_BASE64);
}

/* What the numbers show as lost before this packet; the last of it may be in the packet. What is
 * made up costs the model's time like any audio: numbers that jump all the time are a flood. */
static void conceal(trk_line *line, uint32_t lost, trk_bytes next) {
  trk_loop_stats *const stats = &line->call->loop->stats;
  stats->line_packets_lost += lost;
  if (line->packet_us == 0) return;
  uint32_t rest = lost < LOST_PACKETS_MAX ? lost : LOST_PACKETS_MAX;
  for (; rest > 0; rest--) {
    if (!trk_call_may_take(line->call, line->packet_us)) return;
    const bool has_copy = rest == 1 && line->opus;
    if (line->opus) stats->opus_lost++;
    line->media_end_us += line->packet_us;
    if (!has_copy) {
      make_up(line, line->packet_us, true);
      continue;
    }
    int16_t samples[TRK_OPUS_MS_MAX * TRK_PCM_RATE / 1000];
    const size_t count = (size_t)line->packet_us * samples_per_ms(line) / TRK_US_PER_MS;
    const ptrdiff_t made = trk_opus_recover(line->opus, samples, count, next.data, next.count);
    if (made <= 0) continue;
    stats->opus_recovered++;
    take_samples(line->call, samples, (size_t)made);
  }
}

static void take_opus_packet(trk_line *line, trk_bytes packet) {
  trk_call *const call = line->call;
  const uint32_t rate = samples_per_ms(line) * 1000;
  const ptrdiff_t length = trk_opus_samples(packet.data, packet.count, rate);
  if (length < 0) {
    invalid(call);
    return;
  }
  const int64_t us = (int64_t)length * 1000000 / rate;
  if (!trk_call_may_take(call, us)) return;
  int16_t samples[TRK_OPUS_MS_MAX * TRK_PCM_RATE / 1000];
  const ptrdiff_t count =
      trk_opus_decode(line->opus, samples, sizeof samples / PCM_BYTES, packet.data, packet.count);
  if (count < 0) {
    invalid(call);
    return;
  }
  call->loop->stats.opus_packets_in++;
  note_packet(line, (uint32_t)us);
  take_samples(call, samples, (size_t)count);
}

static void take_packet(trk_line *line, trk_bytes packet) {
  if (packet.count == 0) {
    if (line->opus) invalid(line->call);
    return;
  }
  if (line->opus) {
    take_opus_packet(line, packet);
    return;
  }
  const int64_t us = (int64_t)packet.count * TRK_US_PER_MS / TRK_ULAW_BYTES_PER_MS;
  if (!trk_call_may_take(line->call, us)) return;
  note_packet(line, (uint32_t)(us < INT32_MAX ? us : INT32_MAX));
  trk_call_take_audio(line->call, packet.data, packet.count);
}

void trk_line_numbered(trk_call *call, int64_t number, trk_bytes base64) {
  trk_line *const line = call->line;
  uint8_t bytes[TRK_OPUS_PACKET_MAX]; /* Nearly a second of mu-law. */
  const ptrdiff_t count = trk_base64_check((const char *)base64.data, base64.count);
  if (count < 0 || count > TRK_OPUS_PACKET_MAX ||
      trk_base64_decode(bytes, (const char *)base64.data, base64.count) != count) {
    trk_call_malformed(call->carrier, TRK_MALFORMED_BASE64);
    return;
  }
  const uint64_t late = line->reorder->late;
  trk_reorder_out out;
  bool is_next = trk_reorder_put(line->reorder, number, (trk_bytes){bytes, (size_t)count}, &out);
  call->loop->stats.line_packets_late += line->reorder->late - late;
  while (is_next || trk_reorder_next(line->reorder, &out)) {
    is_next = false;
    if (!call->carrier || call->carrier->state != TRK_LEG_OPEN) return;
    if (out.lost > 0) conceal(line, out.lost, out.bytes);
    if (!call->carrier || call->carrier->state != TRK_LEG_OPEN) return;
    take_packet(line, out.bytes);
  }
}

/* ---- Binary messages ---- */

static size_t get16(const uint8_t *at) {
  return (size_t)at[0] << 8 | at[1];
}

typedef enum framed { FRAMED_BROKEN, FRAMED_AUDIO, FRAMED_TEXT } framed;

/* Takes the framing off. */
static framed unframe(const trk_line *line, trk_bytes *message) {
  const uint8_t *at = message->data;
  size_t head = 0;
  size_t size = message->count;
  size_t type = 0;
  switch (line->config.framing) {
    case TRK_FRAMING_NONE: return FRAMED_AUDIO;
    case TRK_FRAMING_STAMP:
      head = 16;
      if (size < head || get16(at) != 2) return FRAMED_BROKEN;
      type = get16(at + 2);
      size = get16(at + 12) << 16 | get16(at + 14);
      break;
    case TRK_FRAMING_SIZE:
      head = 4;
      if (size < head) return FRAMED_BROKEN;
      type = at[0];
      size = get16(at + 2);
      break;
  }
  if (size != message->count - head || type > 1) return FRAMED_BROKEN;
  *message = (trk_bytes){at + head, size};
  return type == 1 ? FRAMED_TEXT : FRAMED_AUDIO;
}

void trk_line_binary(trk_call *call, const uint8_t *bytes, size_t count) {
  trk_line *const line = call->line;
  if (!line) { /* Audio before the stream begins: an accident of order, up to a number. */
    trk_call_dropped(call->carrier, TRK_MALFORMED_ORDER);
    if (++call->early_media > call->loop->config.early_media_max)
      trk_leg_break(call->carrier, 1008, TRK_CLOSE_LIMIT, "media before start");
    return;
  }
  trk_bytes message = {bytes, count};
  switch (unframe(line, &message)) {
    case FRAMED_BROKEN: trk_call_malformed(call->carrier, TRK_MALFORMED_BINARY); return;
    case FRAMED_TEXT:
      trk_call_push(call, TRK_EVENT_CARRIER_TEXT, call->carrier, 0, message);
      return;
    case FRAMED_AUDIO: break;
  }
  if (line->opus && message.count > TRK_OPUS_PACKET_MAX) {
    call->loop->stats.opus_invalid++;
    trk_leg_break(call->carrier, 1009, TRK_CLOSE_LIMIT, "no Opus packet is so large");
    return;
  }
  take_packet(line, message);
}
