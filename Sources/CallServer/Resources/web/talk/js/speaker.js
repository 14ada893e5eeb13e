// The agent's voice: samples and marks to the playback worklet, and its news back.
import {Resampler} from './resampler.js';

const RATE = 48_000;  // Opus decodes to this

export class Speaker {
  counts = {played: 0, gaps: 0, dropped: 0, marksDropped: 0};
  queued = 0;  // s
  #clearedAt = 0;

  /** @param on `sound()`, `marks(names)`, `cleared(names, heardMs, droppedMs, silenceMs)`, `drained()`, `level(rms)` */
  constructor(on) { this.on = on; }

  async open() {
    const context = this.context = new AudioContext({sampleRate: RATE, latencyHint: 'interactive'});
    await context.audioWorklet.addModule('/talk/js/playback-worklet.js');
    if (this.isClosed) return;
    this.node = new AudioWorkletNode(context, 'trunkline-playback', {numberOfInputs: 0, outputChannelCount: [1]});
    this.node.port.onmessage = ({data}) => this.#take(data);
    this.node.connect(context.destination);
    // Not awaited: without a sound card it may never come. Telephones suspend it for calls of their own.
    context.resume().catch(() => {});
    context.onstatechange = () => {
      if (!this.isClosed && context.state !== 'running') context.resume().catch(() => {});
    };
  }

  /** s from the worklet to the ear, as far as the browser knows. */
  get latency() { return (this.context?.baseLatency || 0) + (this.context?.outputLatency || 0); }

  #take(data) {
    switch (data.type) {
      case 'sound':
        return this.on.sound();
      case 'marks':
        return this.on.marks(data.names);
      case 'drained':
        return this.on.drained();
      case 'cleared': {
        const silence = (data.frame / this.context.sampleRate - this.#clearedAt) * 1000;
        return this.on.cleared(data.names, data.heard * 1000, data.dropped * 1000, Math.max(0, silence));
      }
      case 'level': {
        const {played, gaps, dropped, marksDropped} = data;
        this.counts = {played, gaps, dropped, marksDropped};
        this.queued = data.queued;
        return this.on.level(data.rms);
      }
    }
  }

  #post(message, transfer = []) { this.node?.port.postMessage(message, transfer); }

  begin() {
    this.#post({type: 'delay', seconds: this.latency});
    this.#post({type: 'begin'});
  }

  push(samples, rate) {
    if (rate !== this.context.sampleRate) samples = this.#convert(samples, rate);
    this.#post({type: 'push', samples}, [samples.buffer]);
  }

  #convert(samples, rate) {
    if (this.converter?.rate !== rate) this.converter = {rate, resampler: new Resampler(rate, this.context.sampleRate)};
    const converted = [];
    this.converter.resampler.push(samples, (sample) => converted.push(sample));
    return Float32Array.from(converted);
  }

  mark(name) { this.#post({type: 'mark', name}); }
  end() { this.#post({type: 'end'}); }

  clear() {
    this.#clearedAt = this.context?.currentTime ?? 0;
    this.#post({type: 'clear'});
  }

  close() {
    this.isClosed = true;
    if (this.node) this.node.port.onmessage = null;
    this.#post({type: 'stop'});
    this.context?.close().catch(() => {});
  }
}
