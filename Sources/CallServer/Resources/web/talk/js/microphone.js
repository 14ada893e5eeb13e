// The caller's voice: asked for with echo cancelling, since the page is spoken to while it speaks.
import {RATE} from './protocol.js';

const WISHES = {
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
  channelCount: 1
};

const KINDS = {
  NotAllowedError: 'denied',
  SecurityError: 'denied',
  NotFoundError: 'no-microphone',
  OverconstrainedError: 'no-microphone',
  NotReadableError: 'microphone-busy',
  AbortError: 'microphone-busy'
};

/** The name of the problem that an error of getUserMedia stands for. */
export const kindOf = (error) => KINDS[error?.name] ?? 'microphone';

export class Microphone {
  /** @param on `frame(samples, rms)` each 20 ms, `lost()` when it was unplugged */
  constructor(on) { this.on = on; }

  async open() {
    const stream = await navigator.mediaDevices.getUserMedia({audio: WISHES});
    if (this.isClosed) return stream.getTracks().forEach((track) => track.stop());
    this.stream = stream;
    for (const track of stream.getAudioTracks()) track.onended = () => this.on.lost();
    try {
      await this.#listen({sampleRate: RATE});
    } catch (error) {
      if (error.name !== 'NotSupportedError') throw error;
      // Some browsers cannot bring a microphone into a context of another rate: the worklet converts then.
      await this.#listen({});
    }
  }

  async #listen(options) {
    const context = new AudioContext({...options, latencyHint: 'interactive'});
    try {
      await context.audioWorklet.addModule('/talk/js/capture-worklet.js');
      if (this.isClosed) return context.close();
      const source = context.createMediaStreamSource(this.stream);
      const node = new AudioWorkletNode(
        context, 'trunkline-capture', {channelCount: 1, channelCountMode: 'explicit', outputChannelCount: [1]});
      node.port.onmessage = ({data}) => this.on.frame(data.samples, data.rms);
      node.onprocessorerror = () => this.on.lost();
      // Its output is silence; without a way to the destination it would not be run.
      source.connect(node).connect(context.destination);
      this.context = context;
      this.node = node;
      context.resume().catch(() => {});
    } catch (error) {
      context.close().catch(() => {});
      throw error;
    }
  }

  /** Silence at the source: frames go on. */
  mute(isMuted) {
    for (const track of this.stream?.getAudioTracks() ?? []) track.enabled = !isMuted;
  }

  close() {
    this.isClosed = true;
    for (const track of this.stream?.getTracks() ?? []) {
      track.onended = null;
      track.stop();
    }
    if (this.node) this.node.port.onmessage = null;
    this.node?.port.postMessage('stop');
    this.context?.close().catch(() => {});
  }
}
