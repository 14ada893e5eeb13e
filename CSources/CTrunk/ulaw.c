/* ulaw.c - G.711 through tables for decoding and exact arithmetic for encoding. */
#include "trk_ulaw.h"

#include <string.h>

enum {
  MU_BIAS = 33 << 2,      /* What makes each segment of mu-law begin at a power of two. */
  MU_MAX = 8158 << 2 | 3, /* The largest magnitude whose biased form fits into 15 bits. */
};

/* Code to linear, by the segment formula of G.711 table 2; 14 bits scaled by four. */
static const int16_t mu_values[256] = {
    -32124, -31100, -30076, -29052, -28028, -27004, -25980, -24956, -23932, -22908, -21884, -20860,
    -19836, -18812, -17788, -16764, -15996, -15484, -14972, -14460, -13948, -13436, -12924, -12412,
    -11900, -11388, -10876, -10364, -9852,  -9340,  -8828,  -8316,  -7932,  -7676,  -7420,  -7164,
    -6908,  -6652,  -6396,  -6140,  -5884,  -5628,  -5372,  -5116,  -4860,  -4604,  -4348,  -4092,
    -3900,  -3772,  -3644,  -3516,  -3388,  -3260,  -3132,  -3004,  -2876,  -2748,  -2620,  -2492,
    -2364,  -2236,  -2108,  -1980,  -1884,  -1820,  -1756,  -1692,  -1628,  -1564,  -1500,  -1436,
    -1372,  -1308,  -1244,  -1180,  -1116,  -1052,  -988,   -924,   -876,   -844,   -812,   -780,
    -748,   -716,   -684,   -652,   -620,   -588,   -556,   -524,   -492,   -460,   -428,   -396,
    -372,   -356,   -340,   -324,   -308,   -292,   -276,   -260,   -244,   -228,   -212,   -196,
    -180,   -164,   -148,   -132,   -120,   -112,   -104,   -96,    -88,    -80,    -72,    -64,
    -56,    -48,    -40,    -32,    -24,    -16,    -8,     0,      32124,  31100,  30076,  29052,
    28028,  27004,  25980,  24956,  23932,  22908,  21884,  20860,  19836,  18812,  17788,  16764,
    15996,  15484,  14972,  14460,  13948,  13436,  12924,  12412,  11900,  11388,  10876,  10364,
    9852,   9340,   8828,   8316,   7932,   7676,   7420,   7164,   6908,   6652,   6396,   6140,
    5884,   5628,   5372,   5116,   4860,   4604,   4348,   4092,   3900,   3772,   3644,   3516,
    3388,   3260,   3132,   3004,   2876,   2748,   2620,   2492,   2364,   2236,   2108,   1980,
    1884,   1820,   1756,   1692,   1628,   1564,   1500,   1436,   1372,   1308,   1244,   1180,
    1116,   1052,   988,    924,    876,    844,    812,    780,    748,    716,    684,    652,
    620,    588,    556,    524,    492,    460,    428,    396,    372,    356,    340,    324,
    308,    292,    276,    260,    244,    228,    212,    196,    180,    164,    148,    132,
    120,    112,    104,    96,     88,     80,     72,     64,     56,     48,     40,     32,
    24,     16,     8,      0,
};

/* Code to linear, G.711 table 1; 13 bits scaled by eight. */
static const int16_t a_values[256] = {
    -5504,  -5248,  -6016,  -5760,  -4480,  -4224,  -4992,  -4736,  -7552,  -7296,  -8064,  -7808,
    -6528,  -6272,  -7040,  -6784,  -2752,  -2624,  -3008,  -2880,  -2240,  -2112,  -2496,  -2368,
    -3776,  -3648,  -4032,  -3904,  -3264,  -3136,  -3520,  -3392,  -22016, -20992, -24064, -23040,
    -17920, -16896, -19968, -18944, -30208, -29184, -32256, -31232, -26112, -25088, -28160, -27136,
    -11008, -10496, -12032, -11520, -8960,  -8448,  -9984,  -9472,  -15104, -14592, -16128, -15616,
    -13056, -12544, -14080, -13568, -344,   -328,   -376,   -360,   -280,   -264,   -312,   -296,
    -472,   -456,   -504,   -488,   -408,   -392,   -440,   -424,   -88,    -72,    -120,   -104,
    -24,    -8,     -56,    -40,    -216,   -200,   -248,   -232,   -152,   -136,   -184,   -168,
    -1376,  -1312,  -1504,  -1440,  -1120,  -1056,  -1248,  -1184,  -1888,  -1824,  -2016,  -1952,
    -1632,  -1568,  -1760,  -1696,  -688,   -656,   -752,   -720,   -560,   -528,   -624,   -592,
    -944,   -912,   -1008,  -976,   -816,   -784,   -880,   -848,   5504,   5248,   6016,   5760,
    4480,   4224,   4992,   4736,   7552,   7296,   8064,   7808,   6528,   6272,   7040,   6784,
    2752,   2624,   3008,   2880,   2240,   2112,   2496,   2368,   3776,   3648,   4032,   3904,
    3264,   3136,   3520,   3392,   22016,  20992,  24064,  23040,  17920,  16896,  19968,  18944,
    30208,  29184,  32256,  31232,  26112,  25088,  28160,  27136,  11008,  10496,  12032,  11520,
    8960,   8448,   9984,   9472,   15104,  14592,  16128,  15616,  13056,  12544,  14080,  13568,
    344,    328,    376,    360,    280,    264,    312,    296,    472,    456,    504,    488,
    408,    392,    440,    424,    88,     72,     120,    104,    24,     8,      56,     40,
    216,    200,    248,    232,    152,    136,    184,    168,    1376,   1312,   1504,   1440,
    1120,   1056,   1248,   1184,   1888,   1824,   2016,   1952,   1632,   1568,   1760,   1696,
    688,    656,    752,    720,    560,    528,    624,    592,    944,    912,    1008,   976,
    816,    784,    880,    848,
};

/* Magnitude indices (sign and bit inversions taken away) of one law in the other: G.711 tables 3
 * and 4. In the sixth segment the Recommendation pairs neighbours one step beside the nearest
 * value, so these can not be replaced by decoding and encoding again. */
static const uint8_t a_of_mu[128] = {
    0,   0,   1,   1,   2,   2,   3,   3,   4,   4,   5,   5,   6,   6,   7,   7,   8,   9,   10,
    11,  12,  13,  14,  15,  16,  17,  18,  19,  20,  21,  22,  23,  24,  26,  28,  30,  32,  33,
    34,  35,  36,  37,  38,  39,  40,  41,  42,  43,  45,  47,  48,  49,  50,  51,  52,  53,  54,
    55,  56,  57,  58,  59,  60,  61,  63,  64,  65,  66,  67,  68,  69,  70,  71,  72,  73,  74,
    75,  76,  77,  78,  79,  81,  82,  83,  84,  85,  86,  87,  88,  89,  90,  91,  92,  93,  94,
    95,  96,  97,  98,  99,  100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113,
    114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127,
};
static const uint8_t mu_of_a[128] = {
    1,   3,   5,   7,   9,   11,  13,  15,  16,  17,  18,  19,  20,  21,  22,  23,  24,  25,  26,
    27,  28,  29,  30,  31,  32,  32,  33,  33,  34,  34,  35,  35,  36,  37,  38,  39,  40,  41,
    42,  43,  44,  45,  46,  47,  48,  48,  49,  49,  50,  51,  52,  53,  54,  55,  56,  57,  58,
    59,  60,  61,  62,  63,  64,  64,  65,  66,  67,  68,  69,  70,  71,  72,  73,  74,  75,  76,
    77,  78,  79,  80,  80,  81,  82,  83,  84,  85,  86,  87,  88,  89,  90,  91,  92,  93,  94,
    95,  96,  97,  98,  99,  100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113,
    114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127,
};

enum {
  SIGN = 0x80,     /* Set in a code of a positive value, in both laws. */
  INDEX = 0x7F,    /* The magnitude: three bits of segment and four of step. */
  A_TOGGLE = 0x55, /* A-law inverts every other bit on the line. */
};

/* The magnitude without the sign as G.191 takes it: one's complement, so that the two halves of a
 * law mirror each other at -1/2 and the ties of both round alike. */
static uint32_t magnitude(int16_t sample) {
  return (uint32_t)(sample < 0 ? ~sample : sample);
}

/* The place of the highest set bit; `value` is not 0. */
static uint32_t highest_bit(uint32_t value) {
  return 31u - (uint32_t)__builtin_clz(value);
}

uint8_t trk_ulaw_encode_sample(int16_t sample) {
  uint32_t level = magnitude(sample);
  if (level > MU_MAX) level = MU_MAX;
  level += MU_BIAS; /* 132...32767: the highest bit is bit 7 to 14. */
  const uint32_t segment = highest_bit(level) - 7;
  const uint32_t index = segment << 4 | (level >> (segment + 3) & 0x0F);
  return (uint8_t)((sample < 0 ? 0 : SIGN) | (~index & INDEX));
}

uint8_t trk_alaw_encode_sample(int16_t sample) {
  const uint32_t level = magnitude(sample);
  uint32_t index = level >> 4; /* The first two segments have steps of 16. */
  if (level >= 512) {
    const uint32_t segment = highest_bit(level) - 7;
    index = segment << 4 | (level >> (segment + 3) & 0x0F);
  }
  return (uint8_t)(((sample < 0 ? 0 : SIGN) | index) ^ A_TOGGLE);
}

int16_t trk_ulaw_decode_sample(uint8_t code) {
  return mu_values[code];
}

int16_t trk_alaw_decode_sample(uint8_t code) {
  return a_values[code];
}

void trk_ulaw_encode(uint8_t *out, const int16_t *samples, size_t count) {
  for (size_t i = 0; i < count; i++) out[i] = trk_ulaw_encode_sample(samples[i]);
}

void trk_ulaw_decode(int16_t *out, const uint8_t *codes, size_t count) {
  for (size_t i = 0; i < count; i++) out[i] = mu_values[codes[i]];
}

void trk_alaw_encode(uint8_t *out, const int16_t *samples, size_t count) {
  for (size_t i = 0; i < count; i++) out[i] = trk_alaw_encode_sample(samples[i]);
}

void trk_alaw_decode(int16_t *out, const uint8_t *codes, size_t count) {
  for (size_t i = 0; i < count; i++) out[i] = a_values[codes[i]];
}

void trk_ulaw_from_alaw(uint8_t *out, const uint8_t *codes, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const uint8_t index = mu_of_a[(codes[i] ^ A_TOGGLE) & INDEX];
    out[i] = (uint8_t)((codes[i] & SIGN) | (~index & INDEX));
  }
}

void trk_alaw_from_ulaw(uint8_t *out, const uint8_t *codes, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const uint8_t index = a_of_mu[~codes[i] & INDEX];
    out[i] = (uint8_t)(((codes[i] & SIGN) | index) ^ A_TOGGLE);
  }
}

/* ---- Levels ---- */

/* The integer square root, rounded down: one bit of the root a step. */
static uint32_t square_root(uint32_t square) {
  uint32_t root = 0;
  for (uint32_t bit = 1u << 15; bit != 0; bit >>= 1) {
    const uint32_t next = root | bit;
    if (next * next <= square) root = next;
  }
  return root;
}

trk_level trk_ulaw_level(const uint8_t *codes, size_t count) {
  if (count == 0) return (trk_level){0};
  uint64_t sum = 0; /* Squares are below 2^30, so 2^34 samples (24 days of audio) fit. */
  int32_t peak = 0;
  for (size_t i = 0; i < count; i++) {
    const int32_t value = mu_values[codes[i]];
    const int32_t level = value < 0 ? -value : value;
    sum += (uint64_t)(value * value);
    if (level > peak) peak = level;
  }
  return (trk_level){(uint16_t)square_root((uint32_t)(sum / count)), (uint16_t)peak};
}

void trk_ulaw_silence(uint8_t *out, size_t count) {
  if (count != 0) memset(out, TRK_ULAW_SILENCE, count);
}
