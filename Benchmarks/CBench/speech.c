/* speech.c - see speech.h. */
#include "speech.h"

#include <math.h>

void bench_speech(int16_t *out, size_t count, size_t from, uint32_t rate) {
  for (size_t i = 0; i < count; i++) {
    const double time = (double)(from + i) / rate;
    const double phase = 2 * M_PI * (130 * time + 3 * sin(2 * M_PI * 0.7 * time));
    double voice = 0;
    for (int harmonic = 1; harmonic <= 20; harmonic++)
      voice += sin(harmonic * phase) / harmonic * (harmonic % 5 == 0 ? 2 : 1);
    /* Four syllables a second, with pauses between. */
    const double syllable = sin(2 * M_PI * 4 * time);
    const uint32_t hash = (uint32_t)(from + i) * 2654435761u;
    const double noise = (double)(hash >> 16) / 65536 - 0.5;
    out[i] = (int16_t)(5000 * (syllable > 0 ? syllable : 0) * voice + 300 * noise);
  }
}
