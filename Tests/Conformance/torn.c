/* torn.c - preloaded into a peer, makes every read from and write to a socket TORN_BYTES long, one
 * byte by default. What arrives and leaves is the same; where it is cut is the worst possible. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { DESCRIPTORS = 4096 };

/* What a descriptor is; asked once, forgotten when it is closed. */
enum { UNKNOWN, SOCKET, OTHER };
static unsigned char kinds[DESCRIPTORS];

/* The longest read or write. */
static size_t torn(size_t count) {
  static size_t most;
  if (most == 0) {
    const char *text = getenv("TORN_BYTES");
    most = text && atoi(text) > 0 ? (size_t)atoi(text) : 1;
  }
  return count < most ? count : most;
}

static bool is_socket(int descriptor) {
  if (descriptor < 0 || descriptor >= DESCRIPTORS) return false;
  if (kinds[descriptor] == UNKNOWN) {
    struct stat status;
    const bool known = fstat(descriptor, &status) == 0 && S_ISSOCK(status.st_mode);
    kinds[descriptor] = known ? SOCKET : OTHER;
  }
  return kinds[descriptor] == SOCKET;
}

int close(int descriptor) {
  static int (*real)(int);
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "close");
  if (descriptor >= 0 && descriptor < DESCRIPTORS) kinds[descriptor] = UNKNOWN;
  return real(descriptor);
}

ssize_t read(int descriptor, void *bytes, size_t count) {
  static ssize_t (*real)(int, void *, size_t);
  if (!real) real = (ssize_t(*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
  return real(descriptor, bytes, is_socket(descriptor) ? torn(count) : count);
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
  static ssize_t (*real)(int, const void *, size_t);
  if (!real) real = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
  return real(descriptor, bytes, is_socket(descriptor) ? torn(count) : count);
}

static const struct iovec *first_filled(const struct iovec *parts, int count) {
  for (int i = 0; i < count; i++)
    if (parts[i].iov_len > 0) return &parts[i];
  return parts;
}

ssize_t writev(int descriptor, const struct iovec *parts, int count) {
  static ssize_t (*real)(int, const struct iovec *, int);
  if (!real) real = (ssize_t(*)(int, const struct iovec *, int))dlsym(RTLD_NEXT, "writev");
  if (!is_socket(descriptor) || count == 0) return real(descriptor, parts, count);
  const struct iovec *part = first_filled(parts, count);
  return write(descriptor, part->iov_base, part->iov_len);
}

ssize_t sendmsg(int descriptor, const struct msghdr *message, int flags) {
  static ssize_t (*real)(int, const struct msghdr *, int);
  if (!real) real = (ssize_t(*)(int, const struct msghdr *, int))dlsym(RTLD_NEXT, "sendmsg");
  if (message->msg_iovlen == 0) return real(descriptor, message, flags);
  struct iovec part = *first_filled(message->msg_iov, (int)message->msg_iovlen);
  part.iov_len = torn(part.iov_len);
  struct msghdr shorter = *message;
  shorter.msg_iov = &part;
  shorter.msg_iovlen = 1;
  return real(descriptor, &shorter, flags);
}
