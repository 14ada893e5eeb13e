// Opus packets to samples, by the browser's own decoder, which works beside the page: what must happen after the packets that
// came before it waits for them here.
const RATE = 48_000;       // Opus decodes to this
const QUEUE_MOST = 1_500;  // packets that may wait for the decoder (30 s); further ones are dropped and counted
const STEPS_MOST = 512;    // steps that may wait; further ones are taken at once and counted
const PATIENCE = 200;      // ms without a packet coming out, after which steps no longer wait for it
const FAILURES_MOST = 20;  // decoders that broken packets may end in a call
const BYTES_MOST = 8_192;  // of one packet; Opus has at most 1,275 for each frame

export const DECODING = {
  codec: 'opus',
  sampleRate: RATE,
  numberOfChannels: 1
};

export class Decoder {
  counts = {decoded: 0, dropped: 0, failures: 0, late: 0};
  #fed = 0;
  #out = 0;
  #steps = [];  // {at: packets fed before, step}
  #timer = 0;

  /** @param samples gets Float32Array and its rate in Hz; @param failed is told when no decoder works any more */
  constructor(samples, failed) {
    this.samples = samples;
    this.failed = failed;
    this.#make();
  }

  #make() {
    const decoder = this.decoder = new AudioDecoder({
      output: (data) => {
        if (decoder === this.decoder) this.#take(data);
        data.close();
      },
      error: (error) => {
        if (decoder !== this.decoder) return;
        this.counts.failures += 1;
        this.decoder = null;
        this.#caughtUp();
        if (this.counts.failures < FAILURES_MOST)
          this.#make();
        else
          this.failed(error);
      },
    });
    decoder.configure(DECODING);
  }

  #take(data) {
    const block = new Float32Array(data.numberOfFrames);
    data.copyTo(block, {planeIndex: 0, format: 'f32-planar'});
    this.counts.decoded += 1;
    this.#out += 1;
    this.samples(block, data.sampleRate);
    this.#step();
  }

  #step() {
    while (this.#steps.length > 0 && this.#steps[0].at <= this.#out) this.#steps.shift().step();
    clearTimeout(this.#timer);
    if (this.#steps.length > 0)
      this.#timer = setTimeout(() => {
        this.counts.late += 1;
        this.#caughtUp();
      }, PATIENCE);
  }

  #caughtUp() {
    this.#out = this.#fed;
    this.#step();
  }

  /** @param packet an ArrayBuffer */
  push(packet) {
    if (!this.decoder || packet.byteLength === 0 || packet.byteLength > BYTES_MOST ||
      this.decoder.decodeQueueSize >= QUEUE_MOST) {
      this.counts.dropped += 1;
      return;
    }
    this.#fed += 1;
    this.decoder.decode(new EncodedAudioChunk({type: 'key', timestamp: this.#fed * 20_000, data: packet}));
  }

  /** Takes a step when every packet that was pushed before has come out. */
  after(step) {
    if (this.#steps.length >= STEPS_MOST) {
      this.counts.late += 1;
      return step();
    }
    this.#steps.push({at: this.#fed, step});
    this.#step();
  }

  /** Forgets packets that have not come out; steps that waited for them are taken now. */
  clear() {
    if (this.decoder) {
      this.decoder.reset();
      this.decoder.configure(DECODING);
    }
    this.#caughtUp();
  }

  close() {
    const decoder = this.decoder;
    this.decoder = null;
    this.#steps.length = 0;
    clearTimeout(this.#timer);
    if (decoder && decoder.state !== 'closed') decoder.close();
  }
}
