/* shim.h - zlib for Swift. */
#include <zlib.h>
