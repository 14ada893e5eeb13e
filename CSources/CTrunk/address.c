/* address.c - addresses of peers: as texts, and how many connections of each have not said what
 * they want. */
#include "listen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/random.h>

bool trk_address_init(trk_loop *loop) {
  if (getrandom(&loop->address_factor, sizeof loop->address_factor, 0) !=
      sizeof loop->address_factor)
    return false;
  loop->address_factor |= 1;
  return true;
}

/* Who has one IPv6 address mostly has 2^64 of them (RFC 6177): they count as one. */
static uint64_t key_of(const struct sockaddr *from) {
  uint64_t key = 0;
  uint32_t v4 = 0;
  if (from->sa_family == AF_INET6) {
    const struct in6_addr *v6 = &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr;
    memcpy(&key, v6->s6_addr, sizeof key);
    if (!IN6_IS_ADDR_V4MAPPED(v6)) return key;
    memcpy(&v4, v6->s6_addr + 12, sizeof v4);
  } else {
    v4 = ((const struct sockaddr_in *)(const void *)from)->sin_addr.s_addr;
  }
  return (uint64_t)1 << 32 | v4;
}

void trk_address_text(const struct sockaddr *from, char *out) {
  const void *address = &((const struct sockaddr_in *)(const void *)from)->sin_addr;
  int family = AF_INET;
  if (from->sa_family == AF_INET6) {
    const struct in6_addr *v6 = &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr;
    const bool is_mapped = IN6_IS_ADDR_V4MAPPED(v6);
    address = is_mapped ? v6->s6_addr + 12 : v6->s6_addr;
    if (!is_mapped) family = AF_INET6;
  }
  if (!inet_ntop(family, address, out, TRK_PEER_MAX)) out[0] = 0;
}

static trk_address **slot_of(trk_loop *loop, uint64_t key) {
  return &loop->addresses[(key * loop->address_factor) >> 32 & (TRK_ADDRESS_SLOTS - 1)];
}

trk_address *trk_address_take(trk_loop *loop, const struct sockaddr *from) {
  const uint64_t key = key_of(from);
  trk_address **slot = slot_of(loop, key);
  trk_address *address = *slot;
  while (address && address->key != key) address = address->next;
  if (!address) {
    address = trk_alloc(loop, sizeof *address);
    if (!address) return NULL;
    address->key = key;
    address->next = *slot;
    *slot = address;
  }
  if (address->heads == loop->config.heads_per_address_max) return NULL;
  address->heads++;
  return address;
}

void trk_address_give(trk_loop *loop, trk_address *address) {
  if (!address || --address->heads > 0) return;
  trk_address **at = slot_of(loop, address->key);
  while (*at != address) at = &(*at)->next;
  *at = address->next;
  trk_free(loop, address);
}
