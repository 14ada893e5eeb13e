/* speech.h - a signal that costs a speech codec what a voice does: harmonics of a wandering pitch
 * in syllables, and some noise. */
#ifndef BENCH_SPEECH_H
#define BENCH_SPEECH_H
#include <stddef.h>
#include <stdint.h>

/* `count` samples from sample `from` on, at `rate` a second. */
void bench_speech(int16_t *out, size_t count, size_t from, uint32_t rate);

#endif
