// What the page does, without a clock, a socket or a sound card: inputs and the time in (ms), actions out.
//
// Actions: {do: 'openMicrophone'}, {do: 'connect'}, {do: 'send', message}, {do: 'transmit'} frames of the microphone from now on,
// {do: 'mute', isMuted}, {do: 'decode', packet}, and in line with the packets {do: 'begin'}, {do: 'mark', name}, {do: 'end'};
// {do: 'clear'}, {do: 'checkServer'}, {do: 'close', code}, {do: 'release'} microphone, coders and sound.
import {Figures} from './figures.js';
import {abort, FRAME_MS, hello, HELLO_MS, listen, mark, NAME_MOST, objection} from './protocol.js';
import {Transcript} from './transcript.js';

const CLOSES = new Map([[1000, null], [1001, 'stopping'], [1008, 'refused'], [1011, 'server-error'], [1013, 'busy']]);

/** Ticks without one frame of the microphone, after which the sound is known not to run: 5 s. */
const TICKS_WITHOUT_FRAME = 10;

const ABOUT_SERVER = new Set(['login', 'server-unable', 'unreachable', 'server-odd']);
const IN_CALL = new Set(['microphone', 'connecting', 'talking']);

export class Machine {
  phase = 'checking';  // then 'ready' or 'unable'; 'microphone', 'connecting', 'talking'; 'over'
  problem = null;      // {kind, detail}
  server = null;       // what /talk/status said
  transcript = new Transcript();
  figures = new Figures();
  counts = {packets: 0, ignored: 0};
  session = '';
  isMuted = false;
  speaks = false;  // the caller, as the server hears it
  sounds = false;  // the agent, as it is played
  endReason = null;
  #answer = null;
  #clearing = null;
  #packets = 0;     // of this answer
  #isDeaf = false;  // the caller stopped the agent: what is on its way still is not played
  #openedAt = 0;
  #frameless = 0;  // ticks since the last frame
  #frameMs = FRAME_MS;

  /** @param server what is known of it from before */
  constructor(server = null) { this.server = server; }

  get isAboutServer() { return ABOUT_SERVER.has(this.problem?.kind); }
  get isInCall() { return IN_CALL.has(this.phase); }
  get isAnswering() { return this.phase === 'talking' && (this.sounds || (this.#answer?.isOpen ?? false)); }

  /** What is going on, as one word for the view. */
  get activity() {
    if (this.phase === 'over' && this.problem && this.session === '') return 'failed';
    if (this.phase !== 'talking') return this.phase;
    if (this.speaks && !this.isMuted) return 'caller';
    if (this.sounds) return 'agent';
    if (this.figures.isWaiting) return 'thinking';
    return this.isMuted ? 'muted' : 'listening';
  }

  // The server before a call

  /** @param kind null when the server takes calls, else what is in the way */
  status(kind, detail, server) {
    if (this.isInCall) return [];
    if (kind === null) {
      this.server = server;
      // A call that failed for another reason keeps telling it.
      if (this.phase === 'over' && !this.isAboutServer) return [];
      this.phase = 'ready';
      this.problem = null;
      return [];
    }
    this.problem = {kind, detail};
    if (this.phase !== 'over') this.phase = 'unable';
    return [];
  }

  /** The browser lacks something. */
  unable(kind, detail = '') {
    this.phase = 'unable';
    this.problem = {kind, detail};
    return [];
  }

  // The beginning of a call; each has a machine of its own

  start() {
    if (this.phase === 'over' || this.isInCall) return [];
    this.phase = 'microphone';
    this.problem = null;
    return [{do: 'openMicrophone'}];
  }

  microphoneOpen(now) {
    if (this.phase !== 'microphone') return [{do: 'release'}];
    this.phase = 'connecting';
    this.#openedAt = now;
    return [{do: 'connect'}];
  }

  failed(kind, detail = '') { return this.isInCall ? this.#over({kind, detail}, 1000) : []; }

  socketOpen() { return this.phase === 'connecting' ? [{do: 'send', message: hello()}] : []; }

  /** The microphone gave a frame. */
  frame() { this.#frameless = 0; }

  // What the server sends

  packet(packet) {
    if (this.phase !== 'talking' || this.#isDeaf) {
      this.counts.ignored += 1;
      return [];
    }
    this.counts.packets += 1;
    this.#packets += 1;
    return [{do: 'decode', packet}];
  }

  message(message, now) {
    if (message.type === 'hello') return this.#hello(message, now);
    if (!this.isInCall) return [];
    const text = typeof message.text === 'string' ? message.text : '';
    switch (message.type) {
      case 'stt':
        if (text) this.transcript.callerSaid(text, now);
        return [];
      case 'tts':
        return this.#speech(message.state, text, now);
      case 'speech':
        if (message.state === 'started') this.#callerBegan(now);
        if (message.state === 'stopped') this.#callerStopped(now);
        return [];
      case 'mark':
        return typeof message.name === 'string' && message.name.length <= NAME_MOST ? [{do: 'mark', name: message.name}] : [];
      case 'clear':
        return this.#clear();
      case 'alert':
        this.transcript.note(...this.#alert(message), now);
        return [];
      case 'end':
        if (typeof message.reason === 'string') this.endReason = message.reason;
        return [];
      default:
        return [];
    }
  }

  #hello(message, now) {
    if (this.phase !== 'connecting') return [];
    const wrong = objection(message);
    if (wrong) return this.#over({kind: 'protocol', detail: wrong}, 1000);
    this.phase = 'talking';
    this.session = message.session_id;
    const frame = Number(message.audio_params.frame_duration);
    this.#frameMs = frame > 0 && frame <= 120 ? frame : FRAME_MS;
    this.transcript.note('The call began.', 'quiet', now);
    return [{do: 'send', message: listen(this.session, 'start')}, {do: 'mute', isMuted: this.isMuted}, {do: 'transmit'}];
  }

  #alert(message) {
    const parts = [message.status, message.message].filter((part) => typeof part === 'string' && part);
    return [parts.join(': ') || 'The server sent an alert without words.', 'warn'];
  }

  #speech(state, text, now) {
    if (state === 'start') {
      this.#isDeaf = false;
      this.#packets = 0;
      if (!this.#answer?.isAhead) this.#answer = this.#newAnswer(now);
      this.#answer.isAhead = false;
      return [{do: 'begin'}];
    }
    if (state === 'sentence_start' && text && !this.#isDeaf) {
      // Words come as soon as they are known, also before the first sound.
      if (!this.#answer?.isOpen) this.#answer = {...this.#newAnswer(now), isAhead: true};
      this.transcript.agentSaid(this.#answer, text, this.#packets * this.#frameMs, now);
    }
    if (state === 'stop') {
      this.#isDeaf = false;
      if (this.#answer) this.#answer.isOpen = false;
      return [{do: 'end'}];
    }
    return [];
  }

  #newAnswer(now) { return {...this.transcript.agentBegan(now), isOpen: true}; }

  #callerBegan(now) {
    this.speaks = true;
    this.figures.speechStarted();
    this.transcript.callerBegan(now);
  }

  #callerStopped(now) {
    if (this.speaks) this.figures.speechStopped(now);
    this.speaks = false;
  }

  #clear() {
    this.#isDeaf = false;
    this.#clearing = {answer: this.#answer, cameMs: this.#packets * this.#frameMs};
    return [{do: 'clear'}];
  }

  // What was played

  sound(now) {
    this.sounds = true;
    this.figures.sound(now);
    return [];
  }

  marksPlayed(names) {
    return this.phase === 'talking' ? names.map((name) => ({do: 'send', message: mark(this.session, name)})) : [];
  }

  /** @param heardMs of the answer that had been played; @param droppedMs that was not; @param silenceMs until the last sample */
  cleared(names, heardMs, droppedMs, silenceMs) {
    const {answer = null, cameMs = 0} = this.#clearing ?? {};
    this.#clearing = null;
    this.sounds = false;
    // Nothing was waiting and nothing was to come: the answer had been heard to its end.
    if (droppedMs > 0 || answer?.isOpen) {
      this.figures.cleared(silenceMs);
      if (answer) this.transcript.cut(answer, heardMs, cameMs);
    }
    if (answer) answer.isOpen = false;
    return this.marksPlayed(names);
  }

  drained() {
    this.sounds = false;
    return [];
  }

  // What the caller does

  mute(isMuted) {
    if (!this.isInCall) return [];
    this.isMuted = isMuted;
    return [{do: 'mute', isMuted}];
  }

  /** Silence at once; the server hears of it first, so that it counts what was heard by then. */
  stopAgent() {
    if (!this.isAnswering) return [];
    const actions = [{do: 'send', message: abort(this.session)}, ...this.#clear()];
    this.#isDeaf = true;
    return actions;
  }

  hangUp() {
    if (!this.isInCall) return [];
    this.endReason = 'caller_hung_up';
    return this.#over(null, 1000);
  }

  // The end

  closed(code, reason) {
    if (!this.isInCall) return [];
    const before = this.phase === 'connecting';
    const kind = CLOSES.has(code) ? CLOSES.get(code) : before ? 'no-connection' : 'lost';
    return [...this.#over(kind && {kind, detail: reason}, null), ...(before ? [{do: 'checkServer'}] : [])];
  }

  tick(now) {
    this.transcript.tick(now);
    this.figures.tick(now);
    if (this.phase === 'talking') {
      this.#frameless += 1;
      if (this.#frameless > TICKS_WITHOUT_FRAME) return this.#over({kind: 'no-sound', detail: ''}, 1000);
    }
    if (this.phase !== 'connecting' || now - this.#openedAt < HELLO_MS) return [];
    return this.#over({kind: 'no-hello', detail: ''}, 1000);
  }

  #over(problem, code) {
    const actions = [];
    if (code !== null) {
      if (this.phase === 'talking') actions.push({do: 'send', message: listen(this.session, 'stop')});
      actions.push({do: 'close', code});
    }
    this.phase = 'over';
    this.problem = problem;
    this.speaks = this.sounds = false;
    this.transcript.end();
    return [...actions, {do: 'release'}];
  }
}
