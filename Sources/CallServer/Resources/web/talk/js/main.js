// The page begins here: carries out what the machine decides, and tells it what happens.
import {perFrame} from '/dashboard/js/dom.js';
import {keep, recall} from '/dashboard/js/storage.js';

import {Decoder, DECODING} from './decoder.js';
import {Encoder, ENCODING} from './encoder.js';
import {Machine} from './machine.js';
import {kindOf, Microphone} from './microphone.js';
import {lacking} from './problems.js';
import {askServer, roundTrip} from './server.js';
import {Speaker} from './speaker.js';
import {count, ms, View} from './view.js';
import {Wire} from './wire.js';

const TICK = 500;           // ms
const ROUND_TRIP = 10_000;  // ms between measurements in a call

const device = recall('talk.device') ?? crypto.randomUUID?.();
const client = crypto.randomUUID?.();
if (device) keep('talk.device', device);

/** Everything that one call holds; news of an earlier call are told to nobody. */
class Call {
  transmits = false;

  constructor(talk) {
    const mine = (work) => (...values) => talk.call === this && work(...values);
    const tell = (name) => mine((...values) => talk.run(talk.machine[name](...values, performance.now())));
    const failed = mine((kind, error) => talk.run(talk.machine.failed(kind, String(error?.message ?? ''))));
    this.microphone = new Microphone({
      frame: mine((samples, rms) => {
        talk.view.levels.caller.take(talk.machine.isMuted ? 0 : rms);
        talk.drawLevels();
        talk.machine.frame();
        if (this.transmits) this.encoder.push(samples);
      }),
      lost: () => failed('microphone-lost'),
    });
    this.speaker = new Speaker({
      sound: tell('sound'),
      marks: tell('marksPlayed'),
      drained: tell('drained'),
      cleared: tell('cleared'),
      level: mine((rms) => {
        talk.view.levels.agent.take(rms);
        talk.drawLevels();
        talk.draw();
      }),
    });
    this.encoder = new Encoder((packet) => this.wire?.sendPacket(packet), (error) => failed('coder-failed', error));
    this.decoder = new Decoder((samples, rate) => this.speaker.push(samples, rate), (error) => failed('coder-failed', error));
    this.open = () => {
      this.wire = new Wire(`/ws/talk?${new URLSearchParams({'device-id': device, 'client-id': client})}`, {
        open: tell('socketOpen'),
        message: tell('message'),
        packet: tell('packet'),
        closed: tell('closed'),
      });
    };
  }

  release() {
    this.transmits = false;
    this.microphone.close();
    this.encoder.close();
    this.decoder.close();
    this.speaker.close();
  }

  get facts() {
    const {wire, speaker, encoder, decoder} = this;
    const sent = wire?.counts ?? {sent: 0, sentBytes: 0, received: 0, receivedBytes: 0, dropped: 0};
    const dropped =
      sent.dropped + encoder.counts.dropped + decoder.counts.dropped + speaker.counts.dropped + speaker.counts.marksDropped;
    return {
      sent: `${count(sent.sent)} (${count(sent.sentBytes / 1024)} KiB)`,
      received: `${count(sent.received)} (${count(sent.receivedBytes / 1024)} KiB)`,
      queued: ms(speaker.queued * 1000),
      played: `${(speaker.counts.played / 48_000).toFixed(1)} s`,
      gaps: count(speaker.counts.gaps),
      lost: count(dropped),
      failures: count(encoder.counts.failures + decoder.counts.failures),
    };
  }
}

class Talk {
  machine = new Machine();
  call = null;
  #measuredAt = -Infinity;

  constructor() {
    this.view = new View(document.getElementById('app'), {
      press: () => this.press(),
      mute: () => this.run(this.machine.mute(!this.machine.isMuted)),
      stopAgent: () => this.run(this.machine.stopAgent()),
      retry: () => this.machine.isAboutServer ? this.check() : this.press(),
    });
    this.draw = perFrame(() => this.view.draw(this.machine, this.call?.facts ?? {}));
    this.drawLevels = perFrame(() => this.view.drawLevels());
    setInterval(() => this.#tick(), TICK);
    addEventListener('pagehide', () => this.run(this.machine.hangUp()));
    // Somebody who logged in elsewhere comes back.
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden && this.machine.problem?.kind === 'login') this.check();
    });
    this.draw();
    this.check();
  }

  /** What the browser lacks, then whether the server takes calls. */
  async check() {
    const kind = await lacking(ENCODING, DECODING);
    if (kind) return this.run(this.machine.unable(kind));
    const machine = this.machine;
    const answer = await askServer();
    // An answer that comes late must not speak of another call.
    if (machine === this.machine) this.run(machine.status(answer.kind, answer.detail, answer.server));
  }

  press() {
    if (this.machine.isInCall) return this.run(this.machine.hangUp());
    this.machine = new Machine(this.machine.server);
    this.run(this.machine.start());
  }

  run(actions) {
    for (const action of actions) this[action.do](action);
    this.draw();
  }

  #tick() {
    const now = performance.now();
    this.run(this.machine.tick(now));
    if (this.machine.phase !== 'talking' || now - this.#measuredAt < ROUND_TRIP) return;
    this.#measuredAt = now;
    const {figures} = this.machine;
    roundTrip().then((took) => {
      if (took !== null) figures.roundTrip = took;
      this.draw();
    });
  }

  // Actions

  async openMicrophone() {
    let call;
    try {
      call = this.call = new Call(this);
      await call.microphone.open();
    } catch (error) {
      if (this.call === call) this.run(this.machine.failed(kindOf(error), kindOf(error) === 'microphone' ? error.message : ''));
      return;
    }
    try {
      if (this.call === call) await call.speaker.open();
    } catch (error) {
      if (this.call === call) this.run(this.machine.failed('sound', error.message));
      return;
    }
    if (this.call === call && this.machine.phase === 'microphone') this.run(this.machine.microphoneOpen(performance.now()));
  }

  connect() { this.call.open(); }
  send({message}) { this.call.wire?.send(message); }
  mute({isMuted}) { this.call.microphone.mute(isMuted); }
  transmit() { this.call.transmits = true; }
  decode({packet}) { this.call.decoder.push(packet); }

  // In line with the packets.
  begin() {
    const {decoder, speaker} = this.call;
    decoder.after(() => speaker.begin());
  }
  mark({name}) {
    const {decoder, speaker} = this.call;
    decoder.after(() => speaker.mark(name));
  }
  end() {
    const {decoder, speaker} = this.call;
    decoder.after(() => speaker.end());
  }

  clear() {
    this.call.decoder.clear();
    this.call.speaker.clear();
  }

  checkServer() { this.check(); }
  close({code}) { this.call.wire?.close(code); }

  release() {
    this.call?.release();
    for (const level of Object.values(this.view.levels)) level.rest();
    this.drawLevels();
  }
}

new Talk();
