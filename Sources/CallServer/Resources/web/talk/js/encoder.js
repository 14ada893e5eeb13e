// Frames of the microphone to Opus packets, by the browser's own encoder.
import {FRAME_MS, RATE} from './protocol.js';

const BITRATE = 32_000;   // bits per second
const QUEUE_MOST = 50;    // frames that may wait for the encoder (a second); further ones are dropped and counted
const FAILURES_MOST = 5;  // encoders that may fail in a call

export const ENCODING = {
  codec: 'opus',
  sampleRate: RATE,
  numberOfChannels: 1,
  bitrate: BITRATE,
  // Without DTX: the server gets a packet for each 20 ms, also of silence.
  opus: {format: 'opus', frameDuration: FRAME_MS * 1000, application: 'voip', complexity: 5, usedtx: false}
};

export class Encoder {
  counts = {encoded: 0, dropped: 0, failures: 0};
  #time = 0;  // µs

  /** @param packet gets each Opus packet as an ArrayBuffer; @param failed is told when no encoder works any more */
  constructor(packet, failed) {
    this.packet = packet;
    this.failed = failed;
    this.#make();
  }

  #make() {
    const encoder = this.encoder = new AudioEncoder({
      output: (chunk) => {
        if (encoder !== this.encoder) return;
        const bytes = new ArrayBuffer(chunk.byteLength);
        chunk.copyTo(bytes);
        this.counts.encoded += 1;
        this.packet(bytes);
      },
      error: (error) => {
        if (encoder !== this.encoder) return;
        this.counts.failures += 1;
        if (this.counts.failures < FAILURES_MOST) return this.#make();
        this.encoder = null;
        this.failed(error);
      },
    });
    encoder.configure(ENCODING);
  }

  /** @param samples one frame, mono, from -1 to 1 */
  push(samples) {
    const timestamp = this.#time;
    this.#time += FRAME_MS * 1000;
    if (!this.encoder || this.encoder.encodeQueueSize >= QUEUE_MOST) {
      this.counts.dropped += 1;
      return;
    }
    const data = new AudioData(
      {format: 'f32-planar', sampleRate: RATE, numberOfFrames: samples.length, numberOfChannels: 1, timestamp, data: samples});
    this.encoder.encode(data);
    data.close();
  }

  close() {
    const encoder = this.encoder;
    this.encoder = null;
    if (encoder && encoder.state !== 'closed') encoder.close();
  }
}
