/* trk.h - the boundary: everything that the Swift side says to the core and hears from it.
 *
 * A *loop* is one thread with one libuv loop. A *leg* is one connection that carries a WebSocket:
 * accepted (server leg) or dialled (client leg). A *call* joins one carrier leg (the phone) with a
 * model leg, or two while it moves from one to the next; its audio never leaves the core.
 *
 * THREADS    [loop] functions run on the loop's own thread only (from on_events or run_jobs);
 *            [any] functions from any thread. Loops share nothing.
 * OWNERSHIP  Pointer parameters are borrowed until the function returns. Bytes in events are
 *            borrowed until on_events returns. Numbers cross the boundary, pointers do not: a leg
 *            and a call are a slot and a generation, and a stale id is an ordinary TRK_ESTALE.
 * REENTRANCY The three callbacks are called between the phases of a loop turn, never from inside a
 *            trk_ function; they may call any [loop] function. Events that those calls cause are
 *            delivered in the next round of the same turn.
 * LIMITS     trk_loop_config names them all, with units; the counters in trk_loop_stats say how
 *            often each was hit.
 * ERRORS     trk_status. What a peer does wrong closes its leg and is told in LEG_CLOSED.
 */
#ifndef TRK_H
#define TRK_H
#include "trk_call.h"
#include "trk_leg.h"
#include "trk_loop.h"
#include "trk_stats.h"

#endif
