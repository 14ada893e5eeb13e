// Plays the agent: a queue of samples at the rate of the context that begins when a little is gathered (the jitter that is
// covered), forgets everything on `clear`, and tells when a mark's place was played.
//
// In:  {type: 'begin'} an answer begins, {type: 'push', samples}, {type: 'mark', name}, {type: 'end'} the answer has no more,
//      {type: 'clear'}, {type: 'delay', seconds} of what comes after this node, {type: 'stop'}.
// Out: {type: 'sound'} the first audible sample of an answer, {type: 'marks', names}, {type: 'cleared', ...}, {type: 'drained'}
//      everything of an answer was played, {type: 'level', rms, queued, ...} each 50 ms while something changes.
const GATHER = 0.06 * sampleRate;             // samples before play begins
const GATHER_STEP = 0.02 * sampleRate;        // more after each gap, less after each answer without one
const GATHER_MOST = 0.2 * sampleRate;         // most that is gathered
const PATIENCE = 0.2 * sampleRate;            // what came is played after so long, even when it is less
const MOST = 30 * sampleRate;                 // samples that wait at most; further ones are dropped and counted
const MARKS_MOST = 256;                       // marks that wait at most; further ones are told at once and counted
const FADE = Math.round(0.004 * sampleRate);  // after a clear the sound goes within 4 ms, without a click
const AUDIBLE = 0.003;                        // -50 dBFS
const REPORT = 0.05 * sampleRate;

class Playback extends AudioWorkletProcessor {
  ring = new Float32Array(MOST);
  first = 0;
  count = 0;
  pushed = 0;  // samples that ever came, as a place in the stream
  marks = [];  // {name, at: place, due: frame or null}
  from = 0;    // where the answer began
  gather = GATHER;
  plays = false;
  ended = true;
  waited = 0;  // samples that play has been waiting for
  ranDry = false;
  fade = 0;  // samples that are left of a fade
  awaitsSound = false;
  latency = 0;
  counts = {played: 0, gaps: 0, dropped: 0, marksDropped: 0};
  squares = 0;
  reported = 0;
  wasLoud = false;

  constructor() {
    super();
    this.port.onmessage = ({data}) => this[data.type](data);
  }

  get position() { return this.pushed - this.count; }

  begin() {
    this.from = this.pushed;
    this.ended = false;
    this.ranDry = false;
    this.awaitsSound = true;
    if (this.gather > GATHER) this.gather -= GATHER_STEP / 2;
  }

  push({samples}) {
    if (this.ranDry && !this.ended) {
      this.counts.gaps += 1;
      this.gather = Math.min(GATHER_MOST, this.gather + GATHER_STEP);
    }
    this.ranDry = false;
    const taken = Math.min(samples.length, MOST - this.count);
    const last = (this.first + this.count) % MOST;
    const head = Math.min(taken, MOST - last);
    this.ring.set(samples.subarray(0, head), last);
    this.ring.set(samples.subarray(head, taken), 0);
    this.count += taken;
    this.pushed += taken;
    this.counts.dropped += samples.length - taken;
  }

  mark({name}) {
    if (this.marks.length < MARKS_MOST) return this.marks.push({name, at: this.pushed, due: null});
    this.counts.marksDropped += 1;
    this.port.postMessage({type: 'marks', names: [name]});
  }

  end() { this.ended = true; }

  clear() {
    const left = this.plays ? Math.min(this.count, FADE) : 0;
    const dropped = this.count - left;
    const heard = Math.max(0, this.position - this.from);
    this.port.postMessage({
      type: 'cleared',
      names: this.marks.map((mark) => mark.name),
      heard: heard / sampleRate,
      dropped: dropped / sampleRate,
      frame: currentFrame + left
    });
    this.marks.length = 0;
    this.count = left;
    this.fade = left;
    this.ended = true;
    this.awaitsSound = false;
  }

  // `seconds`: from this node to the ear, as the browser estimates it.
  delay({seconds}) { this.latency = Math.round(Math.min(0.5, Math.max(0, seconds || 0)) * sampleRate); }

  stop() { this.isOver = true; }

  #mayPlay(frames) {
    if (this.plays || this.count === 0) return;
    this.waited += frames;
    if (this.count >= this.gather || this.ended || this.waited >= PATIENCE) this.plays = true;
  }

  #play(output) {
    const frames = Math.min(output.length, this.count);
    let peak = 0;
    for (let index = 0; index < frames; index += 1) {
      let value = this.ring[this.first];
      this.first = this.first + 1 === MOST ? 0 : this.first + 1;
      if (this.fade > 0) {
        value *= this.fade / FADE;
        this.fade -= 1;
      }
      output[index] = value;
      this.squares += value * value;
      peak = Math.max(peak, Math.abs(value));
    }
    this.count -= frames;
    this.counts.played += frames;
    if (this.awaitsSound && peak > AUDIBLE && this.position > this.from) {
      this.awaitsSound = false;
      this.port.postMessage({type: 'sound'});
    }
    if (this.count > 0) return;
    this.plays = false;
    this.waited = 0;
    this.fade = 0;
    this.ranDry = true;
  }

  #tellMarks() {
    const names = [];
    while (this.marks.length > 0) {
      const mark = this.marks[0];
      if (mark.at > this.position) break;
      mark.due ??= currentFrame + this.latency;
      if (mark.due > currentFrame) break;
      names.push(mark.name);
      this.marks.shift();
    }
    if (names.length > 0) this.port.postMessage({type: 'marks', names});
  }

  #report(frames) {
    this.reported += frames;
    if (this.reported < REPORT) return;
    const rms = Math.sqrt(this.squares / this.reported);
    const isLoud = rms > 0 || this.count > 0;
    if (isLoud || this.wasLoud)
      this.port.postMessage(
        {type: 'level', rms, queued: this.count / sampleRate, gather: this.gather / sampleRate, ...this.counts});
    this.wasLoud = isLoud;
    this.squares = 0;
    this.reported = 0;
  }

  process(_, [[output]]) {
    this.#mayPlay(output.length);
    if (this.plays) this.#play(output);
    if (this.ranDry && this.ended) {
      this.ranDry = false;
      this.port.postMessage({type: 'drained'});
    }
    this.#tellMarks();
    this.#report(output.length);
    return !this.isOver;
  }
}

registerProcessor('trunkline-playback', Playback);
