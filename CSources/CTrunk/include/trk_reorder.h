/* trk_reorder.h - puts numbered packets in order, within a window, and tells of those that are
 * lost.
 *
 * A pure state machine: no clock. A packet that is missing is waited for until TRK_REORDER_PACKETS
 * later ones have come; then it is lost. Packets that come after their turn are dropped.
 *
 * THREADS    Any; one window belongs to one stream.
 * OWNERSHIP  Packets are copied.
 * REENTRANCY Nothing calls back.
 * LIMITS     TRK_REORDER_PACKETS packets of TRK_REORDER_BYTES wait. A jump of more than
 *            TRK_REORDER_JUMP numbers is a new beginning and no loss.
 */
#ifndef TRK_REORDER_H
#define TRK_REORDER_H
#include "trk_base.h"

TRK_ASSUME_NONNULL_BEGIN

enum {
  TRK_REORDER_PACKETS = 5,  /* 100 ms of usual packets. */
  TRK_REORDER_BYTES = 1500, /* A larger packet does not wait: what it overtakes is lost. */
  TRK_REORDER_JUMP = 50,    /* Numbers: a second of usual packets. */
};

typedef struct trk_reorder_slot {
  int64_t number; /* -1: free. */
  uint32_t count;
  uint8_t bytes[TRK_REORDER_BYTES];
} trk_reorder_slot;

typedef struct trk_reorder {
  int64_t next; /* The number whose turn it is; -1 before the first. */
  uint32_t waiting;
  uint64_t late; /* Packets dropped: their turn was over, they came twice, or waited at a jump. */
  trk_reorder_slot slots[TRK_REORDER_PACKETS];
} trk_reorder;

/* What comes out: `lost` packets are missing, then these bytes. */
typedef struct trk_reorder_out {
  uint32_t lost;
  trk_bytes bytes; /* Of the packet given to trk_reorder_put, or of the window: use it at once. */
} trk_reorder_out;

void trk_reorder_init(trk_reorder *window);

/* Gives a packet; then take what trk_reorder_next has until it has nothing. True when the packet
 * itself is next: `out` has it. */
bool trk_reorder_put(trk_reorder *window, int64_t number, trk_bytes bytes, trk_reorder_out *out);

/* The next packet of the window whose turn it is. False when there is none. */
bool trk_reorder_next(trk_reorder *window, trk_reorder_out *out);

TRK_ASSUME_NONNULL_END
#endif
