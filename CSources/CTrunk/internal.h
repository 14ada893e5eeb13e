/* internal.h - what the files of the core share. Everything here is [loop] unless it says so.
 *
 * Names: trk_<file>_<verb> is shared between files; short static names stay in theirs.
 */
#ifndef TRK_INTERNAL_H
#define TRK_INTERNAL_H
#include "internal_base.h"
#include "internal_call.h"
#include "internal_leg.h"

/* Begins each libuv callback: reads the clock; a turn's work is timed from the first. */
void trk_loop_touch(trk_loop *loop);

typedef struct trk_tls_session {
  char host[TRK_SESSION_KEY_MAX]; /* host:port|context */
  SSL_SESSION *session;
} trk_tls_session;

typedef struct trk_tls_context {
  char ca_file[1024];
  SSL_CTX *context;
} trk_tls_context;

struct trk_loop {
  /* Shared: take `lock`. */
  pthread_mutex_t lock;
  void **jobs;
  size_t job_count;
  size_t job_capacity;
  bool jobs_refused;
  bool stop_asked;

  /* Set before the thread starts, never changed. */
  trk_loop_config config;
  trk_callbacks callbacks;
  void *context;
  uv_async_t wake;
  atomic_bool wake_sent; /* A wake-up is under way: no second one is needed. */
  atomic_bool detached;  /* The last reference went on the loop's own thread. */

  /* Loop thread only. */
  pthread_t thread;
  bool running;
  bool closing, handles_closed; /* Everything is being closed; the loop's own handles are. */
  uv_loop_t uv;
  uv_prepare_t prepare;
  uv_check_t check;
  uv_timer_t timer;
  int64_t now_us;
  int64_t work_began_us;  /* When this turn's first callback ran; 0: none has. */
  int64_t drain_until_us; /* No round begins after this moment of the turn. */
  uint64_t turn;
  uint64_t round; /* Counts delivered batches. */
  void **jobs_running;
  size_t jobs_running_capacity;
  size_t jobs_running_count;
  size_t jobs_run; /* Of those that are running. */
  trk_batch batches[2];
  uint32_t batch_filling; /* Index of the batch that takes events. */
  trk_wheel wheel;
  trk_pool pool;
  void *buffer_cache[TRK_BUFFER_CLASSES]; /* Free buffers; the first word links. */
  size_t buffer_cached;
  trk_table legs;
  trk_table calls;
  trk_leg *dirty;
  trk_leg *deferred; /* Oldest first. */
  trk_leg *deferred_last;
  trk_leg *closed; /* Their sockets are; the batch had no room to tell it. Oldest first. */
  trk_leg *closed_last;
  trk_leg *dead;
  size_t leg_count;
  size_t dial_count;
  trk_address *addresses[TRK_ADDRESS_SLOTS];
  uint64_t address_factor; /* Odd and unknown outside: nobody can choose addresses of one list. */
  trk_listener *listeners;
  trk_listener *retired_listeners;
  uint32_t paced_this_turn;
  bool tells_audio; /* Audio deltas are events as well. */
  void *opus_free;  /* Opus states without a call; the first word links. */
  uint32_t opus_free_count;
  trk_buffer scratch;  /* For unescaping and for encoding waiting audio. */
  uint8_t masks[4096]; /* Random bytes for client masks. */
  size_t masks_left;
  trk_tls_context tls_contexts[TRK_TLS_CONTEXTS_MAX];
  trk_tls_session tls_sessions[TRK_TLS_SESSIONS_MAX];
  uint32_t tls_session_next;
  trk_loop_stats stats;
  uint8_t receive[TRK_RECEIVE_BYTES]; /* Every read of every leg. */
  uint8_t plain[TRK_RECEIVE_BYTES];   /* Decrypted bytes of the present read. */
};

#endif
