/* fuzz_opus.c - packets of any bytes through decoder, concealment and encoder, and numbered ones
 * through the reorder window: nothing is read or written beyond, and order holds. */
#include "fuzz.h"

#include "trk_opus.h"
#include "trk_pcm.h"
#include "trk_reorder.h"

enum { RATE = 24000, MOST = RATE * TRK_OPUS_MS_MAX / 1000 };

static void check_count(ptrdiff_t count, size_t capacity) {
  FUZZ_CHECK(count < 0 || (count > 0 && (size_t)count <= capacity));
}

/* What is encoded can be decoded, whatever the samples are. */
static void check_encoder(trk_opus *opus, const uint8_t *from, size_t bytes) {
  int16_t samples[RATE / 50];
  for (size_t i = 0; i < RATE / 50; i++)
    samples[i] = bytes == 0 ? INT16_MIN : (int16_t)(from[i % bytes] * 257 - 32768);
  uint8_t *const encoded = fuzz_block(TRK_OPUS_ENCODED_MAX);
  const ptrdiff_t count = trk_opus_encode(opus, encoded, TRK_OPUS_ENCODED_MAX, samples, RATE / 50);
  FUZZ_CHECK(count > 0 && trk_opus_samples(encoded, (size_t)count, RATE) == RATE / 50);
  free(encoded);
}

static void check_packets(fuzz_input *in) {
  const size_t size = trk_opus_size();
  if (size == 0) return;
  trk_opus *const opus = (trk_opus *)(void *)fuzz_block(size);
  const trk_opus_config config = {
      .rate = RATE, .bitrate = 24000, .complexity = 0, .fec = true, .loss_percent = 10};
  FUZZ_CHECK(trk_opus_init(opus, &config) == TRK_OK);
  while (in->left > 0) {
    const uint8_t choice = fuzz_byte(in);
    const trk_bytes bytes = fuzz_bytes(in, fuzz_byte(in));
    uint8_t *const packet = fuzz_copy(bytes.data, bytes.count);
    const size_t capacity = choice & 1 ? MOST : RATE / 50;
    int16_t *const out = (int16_t *)(void *)fuzz_block(capacity * sizeof *out);
    const ptrdiff_t says = trk_opus_samples(packet, bytes.count, RATE);
    switch (choice >> 1 & 3) {
      case 0: check_count(trk_opus_conceal(opus, out, capacity), capacity); break;
      case 1:
        check_count(trk_opus_recover(opus, out, capacity, packet, bytes.count), capacity);
        break;
      default: {
        const ptrdiff_t count = trk_opus_decode(opus, out, capacity, packet, bytes.count);
        check_count(count, capacity);
        FUZZ_CHECK(count < 0 || count == says);
        uint8_t *const codes = fuzz_block(capacity / TRK_PCM_PER_ULAW);
        trk_pcm_memory memory = {0};
        if (count > 0) trk_pcm_to_ulaw(codes, out, (size_t)count / TRK_PCM_PER_ULAW, &memory);
        free(codes);
      }
    }
    if (choice & 8) check_encoder(opus, packet, bytes.count);
    free(out);
    free(packet);
  }
  free(opus);
}

/* What comes out is in order, and as much as went in less what was late. */
static void check_order(fuzz_input in) {
  trk_reorder *const window = (trk_reorder *)(void *)fuzz_block(sizeof *window);
  trk_reorder_init(window);
  int64_t number = 100;
  uint64_t taken = 0, given = 0;
  while (in.left > 0) {
    const uint8_t choice = fuzz_byte(&in);
    number += (choice & 15) - 6;
    if (number < 0) number = 0;
    const uint8_t bytes[] = {choice, (uint8_t)number};
    trk_reorder_out out;
    given++;
    bool is_next = trk_reorder_put(window, number, (trk_bytes){bytes, sizeof bytes}, &out);
    while (is_next || trk_reorder_next(window, &out)) {
      is_next = false;
      taken++;
      FUZZ_CHECK(out.bytes.count == sizeof bytes);
      FUZZ_CHECK(out.bytes.data[1] == (uint8_t)(window->next - 1));
      FUZZ_CHECK(out.lost <= TRK_REORDER_JUMP);
    }
    FUZZ_CHECK(window->waiting < TRK_REORDER_PACKETS);
    FUZZ_CHECK(taken + window->waiting + window->late <= given);
  }
  free(window);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count) {
  fuzz_input in = {data, count};
  check_order(in);
  check_packets(&in);
  return 0;
}
