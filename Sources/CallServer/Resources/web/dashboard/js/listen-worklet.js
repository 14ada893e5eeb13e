// Plays what comes from a call: µ-law is decoded before; here are two queues of samples at 8 kHz, read at the rate of the
// sound card. The caller is to the left and the agent to the right, not wholly, so that one ear hears both.
const RATE = 8_000;
const FIRST = 0.15 * RATE;  // samples that are gathered before a leg plays: the jitter that is covered
const MOST = 2 * RATE;      // samples that a leg holds at most; older ones go
const NEAR = 0.85;
const FAR = 0.35;

class Leg {
  samples = new Float32Array(MOST);
  first = 0;
  count = 0;
  place = 0;  // between two samples
  plays = false;

  push(block) {
    for (const sample of block) {
      if (this.count === MOST) {
        this.first = (this.first + 1) % MOST;
        this.count -= 1;
      }
      this.samples[(this.first + this.count) % MOST] = sample;
      this.count += 1;
    }
    if (this.count >= FIRST) this.plays = true;
  }

  next(step) {
    if (!this.plays) return 0;
    if (this.count < 2) {
      this.plays = false;
      return 0;
    }
    const a = this.samples[this.first];
    const b = this.samples[(this.first + 1) % MOST];
    const value = a + (b - a) * this.place;
    this.place += step;
    while (this.place >= 1 && this.count > 0) {
      this.place -= 1;
      this.first = (this.first + 1) % MOST;
      this.count -= 1;
    }
    return value;
  }
}

class Listener extends AudioWorkletProcessor {
  legs = [new Leg(), new Leg()];

  constructor() {
    super();
    this.port.onmessage = ({data}) => {
      if (data === 'stop')
        this.isOver = true;
      else
        this.legs[data.leg]?.push(data.samples);
    };
  }

  process(_, [output]) {
    const step = RATE / sampleRate;
    const [left, right = left] = output;
    for (let index = 0; index < left.length; index += 1) {
      const caller = this.legs[0].next(step);
      const agent = this.legs[1].next(step);
      left[index] = caller * NEAR + agent * FAR;
      if (right !== left) right[index] = agent * NEAR + caller * FAR;
    }
    return !this.isOver;
  }
}

registerProcessor('trunkline-listener', Listener);
