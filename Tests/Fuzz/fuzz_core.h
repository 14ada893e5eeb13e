/* fuzz_core.h - what the parts of the core's target share.
 *
 * THREADS    One.
 * OWNERSHIP  The world is the run's; everything in it is plain data but the loop.
 * REENTRANCY core_check_event only looks; all acting is in fuzz_core.c.
 * LIMITS     CORE_LEGS announced legs are followed in one run; later ones are not checked.
 */
#ifndef FUZZ_CORE_H
#define FUZZ_CORE_H
#include "fake_uv.h"
#include "internal.h"

enum { CORE_LEGS = 256, CORE_CALLS = 4, CORE_PENDING = 1 << 16 };

typedef struct known_leg {
  trk_leg_id id;
  bool is_dialled, opened, closed;
} known_leg;

/* What a peer has said and the core has not read yet: the system's buffer. */
typedef struct pending_bytes {
  uint32_t serial;
  size_t count;
  uint8_t bytes[CORE_PENDING];
} pending_bytes;

typedef struct world {
  trk_loop *loop;
  trk_loop_config config;
  fuzz_input in;
  uint8_t habits;
  bool stopped, in_callback;
  uint32_t stop_turns;
  known_leg legs[CORE_LEGS];
  size_t leg_count;
  trk_call_id calls[CORE_CALLS];
  size_t call_count, calls_opened;
  uint64_t plain_requests, handed_over, adopted;
} world;

extern world core;

/* Which allocation of a run the system refuses, whatever the script says; 0: the script decides. */
extern uint32_t core_refused_allocation;

/* ---- fuzz_core_check.c ---- */

void core_add_leg(trk_leg_id id, bool is_dialled);
void core_check_event(const trk_event *event);
void core_check_loop(void);
void core_check_end(void);

/* ---- fuzz_core_peer.c ---- */

/* The peer of this connection says something that fits its role; `kind` chooses. */
void core_say_scripted(fake_socket *socket, uint8_t kind);
void core_say_raw(fake_socket *socket);

/* Everything that peers have said is read as far as the core reads. */
void core_deliver_pending(void);
bool core_has_pending(const fake_socket *socket);
void core_forget_pending(void);

#endif
