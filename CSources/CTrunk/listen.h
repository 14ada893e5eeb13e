/* listen.h - listeners, and where their connections come from. [loop] */
#ifndef TRK_LISTEN_H
#define TRK_LISTEN_H
#include "internal.h"

/* Where peers come from: an IPv4 address, or the first half of an IPv6 address. */
struct trk_address {
  struct trk_address *next;
  uint64_t key;
  uint32_t heads; /* Connections that have not sent a whole head. */
};

struct trk_listener {
  struct trk_listener *next;
  uv_poll_t poll;
  int descriptor;
  int spare; /* Given up for a moment when there is no descriptor left; -1: it is gone. */
  trk_timer rest;
  trk_loop *loop;
  SSL_CTX *tls;
  uint32_t tag;
  bool hands_over;
  uint32_t path_count;
  char paths[TRK_LISTEN_PATHS_MAX][TRK_PATH_MAX];
};

/* address.c */
bool trk_address_init(trk_loop *loop);
/* Counts a connection without a head. NULL at heads_per_address_max, or without memory. */
trk_address *trk_address_take(trk_loop *loop, const struct sockaddr *from);
void trk_address_give(trk_loop *loop, trk_address *address);

/* An address as a text of TRK_PEER_MAX bytes at most. */
void trk_address_text(const struct sockaddr *from, char *out);

/* listen.c */
/* Makes a leg that reads a request. NULL at legs_max or without memory: the descriptor is still the
 * caller's. A leg that could not be set up is dead. */
trk_leg *trk_listen_make_leg(trk_listener *listener, int descriptor);
void trk_listen_on_timer(trk_timer *timer);
void trk_listen_close_all(trk_loop *loop);
void trk_listen_release_all(trk_loop *loop);

#endif
