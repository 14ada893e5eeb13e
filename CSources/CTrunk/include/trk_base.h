/* trk_base.h - the few types that every part of the core shares.
 *
 * THREADS    Everything here is plain data.
 * OWNERSHIP  A trk_bytes is borrowed: it is valid as long as the buffer that it points into.
 * REENTRANCY Nothing calls back.
 * LIMITS     None.
 */
#ifndef TRK_BASE_H
#define TRK_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__clang__)
#define TRK_ASSUME_NONNULL_BEGIN _Pragma("clang assume_nonnull begin")
#define TRK_ASSUME_NONNULL_END _Pragma("clang assume_nonnull end")
#define TRK_CLOSED_ENUM __attribute__((enum_extensibility(closed)))
#define TRK_NULLABLE _Nullable
#define TRK_SWIFT_NAME(name) __attribute__((swift_name(name)))
#else
#error "The core is built with clang only (see README.md)."
#endif

/* One spelling for all closed enums: clang-format 14 mangles the long form. */
#define TRK_ENUM(name) enum TRK_CLOSED_ENUM name : int32_t

TRK_ASSUME_NONNULL_BEGIN

/* What a function of the core answers. 0 is success, everything else is negative. */
typedef TRK_ENUM(trk_status){
    TRK_OK = 0,
    TRK_EINVALID = -1,     /* An argument or a peer's bytes break the rules. */
    TRK_EFULL = -2,        /* A named limit is reached; nothing was changed or taken. */
    TRK_ESTALE = -3,       /* The id belongs to a leg or call that is gone: an ordinary error. */
    TRK_ECLOSING = -4,     /* The leg is closing and takes nothing more. */
    TRK_ENOMEM = -5,       /* The system gave no memory. */
    TRK_ESYSTEM = -6,      /* A system call failed; `detail` holds the negated errno. */
    TRK_ETLS = -7,         /* OpenSSL refused: a bad certificate, key or CA file. */
    TRK_EUNSUPPORTED = -8, /* Not built in, or not possible in this state. */
} trk_status;

/* A borrowed run of bytes. `data` may be NULL when `count` is 0. */
typedef struct trk_bytes {
  const uint8_t *TRK_NULLABLE data;
  size_t count;
} trk_bytes;

TRK_ASSUME_NONNULL_END
#endif
