/* refuse_allocations.c - runs each script of the core's corpus again and again, and each time the
 * system refuses another allocation: the first, the second, and so on until none is left. The
 * core's own checks and the sanitizers say whether it broke, leaked or did not come to its end.
 *
 * Usage: refuse_allocations FILE... */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz_core.h"

enum {
  SCRIPT_BYTES_MAX = 4096,
  REFUSALS_MAX = 2000, /* Of one script; no run makes as many allocations. */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count);

static size_t read_script(const char *path, uint8_t *out) {
  FILE *file = fopen(path, "rb");
  if (!file) return 0;
  const size_t count = fread(out, 1, SCRIPT_BYTES_MAX, file);
  fclose(file);
  return count;
}

int main(int count, char **paths) {
  static uint8_t script[SCRIPT_BYTES_MAX];
  size_t scripts = 0, refusals = 0, with_call = 0;
  for (int i = 1; i < count; i++) {
    const size_t bytes = read_script(paths[i], script);
    if (bytes == 0) continue;
    scripts++;
    for (uint32_t nth = 1;; nth++) {
      if (nth == REFUSALS_MAX) {
        fprintf(stderr, "%s: allocates without end\n", paths[i]);
        return 1;
      }
      core_refused_allocation = nth;
      LLVMFuzzerTestOneInput(script, bytes);
      if (!fake.refused) break;
      refusals++;
      if (core.calls_opened > 0) with_call++;
    }
  }
  printf("%zu allocations refused in %zu scripts, %zu of them in runs with a call\n", refusals,
         scripts, with_call);
  /* A corpus without calls would prove nothing. */
  return with_call > 100 ? 0 : 1;
}
