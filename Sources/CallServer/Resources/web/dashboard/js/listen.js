// Listening to a call in the browser.
import {fill, h, say, unique} from './dom.js';
import {icon} from './icons.js';
import {Socket} from './socket.js';
import {keep, recall} from './storage.js';
import {toast} from './toast.js';

/** µ-law (G.711) to samples from -1 to 1. */
const TABLE = Float32Array.from({length: 256}, (_, byte) => {
  const code = ~byte & 0xff;
  const magnitude = (((code & 0x0f) << 3) + 0x84 << (code >> 4 & 0x07)) - 0x84;
  return (code & 0x80 ? -magnitude : magnitude) / 32768;
});

/** The leg, the media time in ms, and the samples of one message; null for what is none. */
export function decode(buffer) {
  if (buffer.byteLength < 6) return null;
  const view = new DataView(buffer);
  const samples = new Float32Array(buffer.byteLength - 5);
  for (let index = 0; index < samples.length; index += 1) samples[index] = TABLE[view.getUint8(index + 5)];
  return {leg: view.getUint8(0), at: view.getUint32(1), samples};
}

export class Listen {
  constructor(sid) {
    this.sid = sid;
    const id = unique('volume');
    this.button = h('button',
      {type: 'button', class: 'button', 'aria-pressed': 'false', onclick: () => (this.context ? this.stop() : this.start())});
    this.volume = h('input', {type: 'range', id, min: '0', max: '1.5', step: '0.05', value: String(recall('volume', 1))});
    this.volume.addEventListener('input', () => {
      keep('volume', Number(this.volume.value));
      if (this.gain) this.gain.gain.value = Number(this.volume.value);
    });
    this.status = h('span', {class: 'help', role: 'status'});
    this.panel = h('div', {class: 'listening', hidden: true}, h('label', {'for': id}, 'Volume'), this.volume, this.status);
    this.frames = 0;
    this.#draw();
  }

  #draw() {
    const isOn = Boolean(this.context);
    fill(this.button, icon('headphones'), isOn ? 'Stop listening' : 'Listen');
    this.button.setAttribute('aria-pressed', String(isOn));
    this.panel.hidden = !isOn;
  }

  async start() {
    try {
      const context = this.context = new AudioContext({latencyHint: 'interactive'});
      this.#draw();
      await context.audioWorklet.addModule('/dashboard/js/listen-worklet.js');
      if (this.context !== context) return;
      this.player = new AudioWorkletNode(context, 'trunkline-listener', {numberOfInputs: 0, outputChannelCount: [2]});
      this.gain = new GainNode(context, {gain: Number(this.volume.value)});
      this.player.connect(this.gain).connect(context.destination);
      // Not awaited: without a sound card it may never come, and everything else still works.
      context.resume().catch(() => {});
      this.socket = new Socket(`/ws/listen?call=${encodeURIComponent(this.sid)}`, {
        message: (data) => this.#take(data),
        state: (state) => say(this.status,
          state === 'open'   ? 'caller left, agent right' :
            state === 'lost' ? 'connection lost, trying again' :
                               'connecting'),
      },
        {binary: true});
    } catch (error) {
      this.stop();
      toast(`This browser cannot play the call: ${error.message}`, 'bad');
    }
  }

  #take(data) {
    if (typeof data === 'string') return;
    const frame = decode(data);
    if (!frame || frame.leg > 1) return;
    this.frames += 1;
    this.panel.dataset.frames = String(this.frames);
    this.player?.port.postMessage({leg: frame.leg, samples: frame.samples}, [frame.samples.buffer]);
  }

  stop() {
    this.socket?.close();
    this.player?.port.postMessage('stop');
    this.context?.close();
    this.socket = this.player = this.gain = this.context = null;
    this.#draw();
  }
}
