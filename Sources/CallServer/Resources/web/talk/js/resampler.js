// From one sample rate to another by a windowed sinc, for browsers whose microphone or decoder has another rate than we want.
const ZEROS = 12;   // zero crossings of the sinc on each side: about 60 dB down beyond the transition
const STEPS = 256;  // places of the kernel that are kept for each sample; between them a straight line
const EDGE = 0.92;  // the pass band ends here, as a part of half the lower rate

export class Resampler {
  /** @param from, to rates in Hz */
  constructor(from, to) {
    this.step = from / to;
    const scale = Math.min(1, to / from) * EDGE;
    this.half = Math.ceil(ZEROS / scale);
    this.kernel = new Float32Array(this.half * STEPS + 2);
    for (let index = 0; index < this.half * STEPS; index += 1) {
      const at = index / STEPS;
      const x = Math.PI * at * scale;
      const window = 0.42 + 0.5 * Math.cos(Math.PI * at / this.half) + 0.08 * Math.cos(2 * Math.PI * at / this.half);
      this.kernel[index] = scale * window * (x === 0 ? 1 : Math.sin(x) / x);
    }
    this.size = 2 * this.half;
    this.past = new Float32Array(this.size);  // the last samples, as a ring
    this.first = 0;
    this.until = 0;  // input samples until the next output sample, from the newest one
  }

  /** Takes samples; `emit(sample)` gets each that comes out. Late by `half` input samples. */
  push(samples, emit) {
    for (const sample of samples) {
      this.past[this.first] = sample;
      this.first = (this.first + 1) % this.size;
      this.until -= 1;
      while (this.until <= 0) {
        emit(this.#at(this.until + 1));
        this.until += this.step;
      }
    }
  }

  /** The value between the two samples in the middle: `place` from 0 to 1. */
  #at(place) {
    let sum = 0;
    for (let index = 0; index < this.size; index += 1) {
      const distance = Math.abs(index - (this.half - 1) - place) * STEPS;
      const floor = Math.floor(distance);
      if (floor >= this.half * STEPS) continue;
      const low = this.kernel[floor];
      sum += this.past[(this.first + index) % this.size] * (low + (this.kernel[floor + 1] - low) * (distance - floor));
    }
    return sum;
  }
}
