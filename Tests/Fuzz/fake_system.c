/* fake_system.c - what lies below libuv and beside it: descriptors, chance, memory, threads, and
 * libuv's pure functions. */
#include "fake_uv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "internal.h"

/* ---- The system below libuv ---- */

int socket(int domain, int type, int protocol) {
  (void)domain, (void)type, (void)protocol;
  return FAKE_DESCRIPTOR;
}

int setsockopt(int descriptor, int level, int name, const void *value, socklen_t count) {
  (void)descriptor, (void)level, (void)name, (void)value, (void)count;
  return 0;
}

int bind(int descriptor, const struct sockaddr *address, socklen_t count) {
  (void)descriptor, (void)address, (void)count;
  return 0;
}

int listen(int descriptor, int backlog) {
  (void)descriptor, (void)backlog;
  return 0;
}

int getsockname(int descriptor, struct sockaddr *name, socklen_t *count) {
  (void)descriptor;
  memset(name, 0, sizeof(struct sockaddr_in));
  name->sa_family = AF_INET;
  ((struct sockaddr_in *)(void *)name)->sin_port = htons(80);
  *count = sizeof(struct sockaddr_in);
  return 0;
}

/* Peers have few addresses, of both families. */
int accept4(int descriptor, struct sockaddr *from, socklen_t *count, int flags) {
  (void)descriptor, (void)count, (void)flags;
  if (fake.pending_accepts == 0) errno = EAGAIN;
  if (fake.descriptors_short) errno = EMFILE;
  if (fake.pending_accepts == 0 || fake.descriptors_short) {
    fake.descriptors_short = false;
    return -1;
  }
  fake.pending_accepts--;
  memset(from, 0, sizeof(struct sockaddr_in6));
  from->sa_family = fake.serial % 2 == 0 ? AF_INET : AF_INET6;
  ((struct sockaddr_in6 *)(void *)from)->sin6_addr.s6_addr[0] = (uint8_t)(fake.serial % 3);
  return FAKE_DESCRIPTOR;
}

/* Repeatable masks and keys: an input does the same each time. */
ssize_t getrandom(void *out, size_t count, unsigned int flags) {
  (void)flags;
  for (size_t i = 0; i < count; i++) ((uint8_t *)out)[i] = (uint8_t)fuzz_random(&fake.random);
  return (ssize_t)count;
}

/* The core is built with calloc as fake_calloc: the script says which allocation the system
 * refuses, and everything after it is granted again. */
void *fake_calloc(size_t count, size_t size) {
  if (fake.refuse_after != 0 && --fake.refuse_after == 0) {
    fake.refused = true;
    return NULL;
  }
  return fuzz_zeros(count * size);
}

/* The core is built with fcntl as fake_fcntl: it duplicates what it hands over. */
int fake_fcntl(int descriptor, int command, ...) {
  FUZZ_CHECK(descriptor == FAKE_DESCRIPTOR && command == F_DUPFD_CLOEXEC);
  errno = EMFILE;
  return fuzz_random(&fake.random) % 8 == 0 ? -1 : FAKE_DESCRIPTOR;
}

/* The core is built with pthread_create as fake_thread_create: its loop's thread is this one, so
 * that a script has one order of events. */
int fake_thread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                       void *argument) {
  (void)attributes;
  *thread = pthread_self();
  ((trk_loop *)argument)->running = true;
  run(argument);
  return 0;
}

int fake_thread_join(pthread_t thread, void **result) {
  (void)thread, (void)result;
  return 0;
}

/* ---- libuv's pure functions ---- */

int uv_inet_pton(int family, const char *text, void *out) {
  return inet_pton(family, text, out) == 1 ? 0 : UV_EINVAL;
}

int uv_ip4_addr(const char *text, int port, struct sockaddr_in *out) {
  memset(out, 0, sizeof *out);
  out->sin_family = AF_INET;
  out->sin_port = htons((uint16_t)port);
  return uv_inet_pton(AF_INET, text, &out->sin_addr);
}

int uv_ip6_addr(const char *text, int port, struct sockaddr_in6 *out) {
  memset(out, 0, sizeof *out);
  out->sin6_family = AF_INET6;
  out->sin6_port = htons((uint16_t)port);
  return uv_inet_pton(AF_INET6, text, &out->sin6_addr);
}

uv_buf_t uv_buf_init(char *base, unsigned int count) {
  return (uv_buf_t){.base = base, .len = count};
}

const char *uv_strerror(int status) {
  (void)status;
  return "an error of the system";
}
