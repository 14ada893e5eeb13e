/* trk_stats.h - the counters of a loop; see trk.h. */
#ifndef TRK_STATS_H
#define TRK_STATS_H
#include "trk_loop.h"

TRK_ASSUME_NONNULL_BEGIN

typedef struct trk_loop_stats {
  uint64_t turns;
  uint64_t turns_over_5ms; /* Turns whose work took longer than 5 ms. */
  uint64_t turn_longest_us;
  uint64_t reads;  /* read(2) calls that brought bytes. */
  uint64_t writes; /* write(2) calls. */
  uint64_t bytes_read;
  uint64_t bytes_written;
  uint64_t batches; /* on_events calls. */
  uint64_t events;
  uint64_t batch_events_high; /* Of one batch. */
  uint64_t events_lost; /* Dropped because a batch was full beyond its reserve; must stay 0. */
  uint64_t allocations; /* trk_alloc calls of this loop. */
  uint64_t frees;
  uint64_t tls_allocations; /* OpenSSL's own, on this thread. */
  uint64_t pool_blocks_in_use;
  uint64_t pool_blocks_high; /* High-water mark. */
  uint64_t pool_blocks_total;
  uint64_t pool_refusals; /* Takes refused at pool_bytes_max. */
  uint64_t legs_open;
  uint64_t legs_accepted;
  uint64_t legs_dialled;
  uint64_t legs_refused_full; /* Accepts dropped because legs_max was reached. */
  uint64_t calls_open;
  uint64_t calls_opened;
  uint64_t upgrades_refused; /* Heads answered with an HTTP error. */
  uint64_t head_timeouts;
  uint64_t protocol_errors;    /* Legs closed for breaking RFC 6455. */
  uint64_t limit_closes;       /* Legs closed at one of our limits. */
  uint64_t dead_peers;         /* Legs closed for a missing pong or a stuck write. */
  uint64_t dial_timeouts;      /* Dialled legs that met one of the dial's deadlines. */
  uint64_t malformed[8];       /* Dropped messages, by trk_malformed. */
  uint64_t carrier_frames_in;  /* Media messages of callers. */
  uint64_t carrier_frames_out; /* Media messages to callers. */
  uint64_t marks_out;
  uint64_t marks_in;    /* Echoes that counted. */
  uint64_t marks_stale; /* Echoes of an old generation or unknown. */
  uint64_t clears_out;
  uint64_t appends_out;          /* input_audio_buffer.append messages. */
  uint64_t deltas_in;            /* Audio deltas that were taken. */
  uint64_t deltas_late;          /* Audio deltas of muted or finished responses. */
  uint64_t caller_dropped_ms;    /* Caller audio dropped at waiting_ms_max. */
  uint64_t caller_waited_ms;     /* Caller audio that waited and was sent later. */
  uint64_t playback_refused;     /* Deltas dropped because the ledger or pool was full. */
  uint64_t model_pauses;         /* Times that reading a model was paused. */
  uint64_t sends_refused;        /* Sends refused at queue_bytes_max. */
  uint64_t drains_cut;           /* Turns whose time was over with events or jobs left. */
  uint64_t batch_waits;          /* Times that a leg, its end or a timer waited for room. */
  uint64_t pacer_late;           /* Calls put off to the next turn by the pacer's budget. */
  uint64_t gaps;                 /* Jumps in the carrier's timestamps. */
  uint64_t gap_ms;               /* Their sum. */
  uint64_t legs_refused_address; /* Accepts dropped at heads_per_address_max. */
  uint64_t accept_failures;      /* Accepts for which the system had no descriptor. */
  uint64_t read_rests;           /* Times that a leg had its share of a turn. */
  uint64_t pongs_dropped;        /* At pong_bytes_max. */
  uint64_t starts_unannounced;   /* Starts without a connected message before. */
  uint64_t media_other_track;    /* Media messages of a track that is not the caller's. */
  uint64_t media_floods;         /* Carriers closed at media_speed_max or early_media_max. */
  uint64_t media_timeouts;       /* CARRIER_SILENT events. */
  uint64_t digits_invalid;       /* Keys that no telephone has. */
  uint64_t digits_over;          /* Keys dropped at digits_per_s_max. */
  uint64_t sequence_repeats;     /* Carrier messages with a number that was not new. */
  uint64_t sequence_gaps;        /* Carrier messages with a number that left some out. */
  uint64_t timestamp_faults;     /* Media timestamps that went back, or ahead beyond sense. */
  uint64_t tls_handshakes;
  uint64_t tls_resumed;
  uint64_t handed_over; /* Connections given away by trk_leg_hand_over. */
  uint64_t adopted;     /* Connections taken back by trk_loop_adopt. */
  uint64_t taps_opened;
  uint64_t tap_dropped;        /* Records of taps that did not fit. */
  uint64_t opus_calls;         /* Calls with Opus open now. */
  uint64_t opus_packets_in;    /* Decoded. */
  uint64_t opus_packets_out;   /* Encoded and sent. */
  uint64_t opus_invalid;       /* Packets that were no Opus, or too large. */
  uint64_t opus_lost;          /* Packets that a peer's numbers show as lost, concealed... */
  uint64_t opus_recovered;     /* ...and those of them that the next packet had a copy of. */
  uint64_t line_filled_ms;     /* Silence made up for lines that sent nothing. */
  uint64_t line_packets_late;  /* Numbered packets whose turn was over, or that came twice. */
  uint64_t line_packets_lost;  /* Numbered packets that never came. */
  uint64_t line_texts_dropped; /* begin, end, clear or mark for which there was no room. */
} trk_loop_stats;

/* Copies the counters. [loop] */
void trk_loop_get_stats(const trk_loop *loop, trk_loop_stats *out);

TRK_ASSUME_NONNULL_END
#endif
