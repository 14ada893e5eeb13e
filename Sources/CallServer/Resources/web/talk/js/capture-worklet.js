// What the microphone gives, as frames of 20 ms at 24 kHz, with how loud each is. Goes on while there is silence, so that the
// server always has a frame for each 20 ms.
import {Resampler} from './resampler.js';

const RATE = 24_000;
const FRAME = RATE / 50;  // samples

class Capture extends AudioWorkletProcessor {
  frame = new Float32Array(FRAME);
  count = 0;
  resampler = sampleRate === RATE ? null : new Resampler(sampleRate, RATE);
  silence = new Float32Array(128);

  constructor() {
    super();
    this.port.onmessage = () => { this.isOver = true; };
    this.take = (sample) => this.#take(sample);
  }

  #take(sample) {
    this.frame[this.count] = sample;
    this.count += 1;
    if (this.count < FRAME) return;
    let squares = 0;
    for (const value of this.frame) squares += value * value;
    const samples = this.frame;
    this.frame = new Float32Array(FRAME);
    this.count = 0;
    this.port.postMessage({samples, rms: Math.sqrt(squares / FRAME)}, [samples.buffer]);
  }

  process([input]) {
    const samples = input[0] ?? this.silence;
    if (this.resampler)
      this.resampler.push(samples, this.take);
    else
      for (const sample of samples) this.#take(sample);
    return !this.isOver;
  }
}

registerProcessor('trunkline-capture', Capture);
