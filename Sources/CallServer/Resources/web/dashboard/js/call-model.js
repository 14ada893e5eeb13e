// One call as it is looked at: what was said, who spoke when, tools, and where the milliseconds of each turn went. It is built
// from the server's events as they come, or from the record of a call that ended. Times are milliseconds since the call began.
import {Emitter} from './emitter.js';
import * as words from './words.js';

/** What is kept of one call; what goes is counted in `dropped`. */
const LINES_MAX = 1_000;
const SPANS_MAX = 1_500;
const TURNS_MAX = 300;
const TOOLS_MAX = 200;
const MARKS_MAX = 600;

/** About how long a character is spoken. */
const MS_PER_CHARACTER = 60;

/** The stations of an answer, in their order: name, words, colour of the stretch that ends there. */
export const STATIONS = [
  ['speech_end_ms', 'End of speech'],
  ['committed_ms', 'Committed'],
  ['created_ms', 'Response created'],
  ['first_delta_ms', 'First audio from the model'],
  ['first_sent_ms', 'First frame sent'],
  ['first_mark_ms', 'First frame heard'],
];

const bounded = (list, limit) => (list.length > limit ? list.splice(0, list.length - limit).length : 0);

export class CallModel extends Emitter {
  summary = null;
  lines = [];
  spans = [];
  tools = [];
  turns = [];
  marks = [];
  actions = [];
  usage = {input: 0, output: 0, cached: 0, cost: 0, responses: 0};
  rateLimits = null;
  recording = null;
  record = null;
  dropped = 0;
  #byKey = new Map();

  constructor(sid) {
    super();
    this.sid = sid;
  }

  get isLive() { return this.summary?.status === 'in-progress'; }
  get began() { return Date.parse(this.summary?.started_at ?? '') || 0; }

  /** The place in the call of a moment on the server's clock. */
  at(moment) { return Math.max(0, (typeof moment === 'number' ? moment : Date.parse(moment)) - this.began); }

  changed(what) { this.emit('change', what); }

  take(summary) {
    this.summary = {...this.summary, ...summary};
    this.changed('summary');
  }

  // What was said

  line(key, who, t, values = {}) {
    let line = this.#byKey.get(key);
    if (!line) {
      line = {key, who, t, text: '', unheard: '', interrupted: false, pending: false};
      this.#byKey.set(key, line);
      // Kept by time; most come at the end.
      let index = this.lines.length;
      while (index > 0 && this.lines[index - 1].t > t) index -= 1;
      this.lines.splice(index, 0, line);
      while (this.lines.length > LINES_MAX) {
        this.#byKey.delete(this.lines.shift().key);
        this.dropped += 1;
      }
    }
    Object.assign(line, values);
    this.changed('lines');
    return line;
  }

  #note(t, text, tone = '') { this.line(`note-${t}-${text}`, 'note', t, {text, tone}); }

  mark(t, kind, label) {
    this.marks.push({t, kind, label});
    bounded(this.marks, MARKS_MAX);
    this.changed('timeline');
  }

  // Who spoke when

  #open(who, t, item) {
    const last = this.spans.findLast((span) => span.who === who);
    if (last && last.to === null) {
      if (last.item === item) return last;
      last.to = t;
    }
    const span = {who, from: t, to: null, item, interrupted: false};
    this.spans.push(span);
    bounded(this.spans, SPANS_MAX);
    this.changed('timeline');
    return span;
  }

  #close(who, t, interrupted = false) {
    const last = this.spans.findLast((span) => span.who === who);
    if (!last || last.to !== null) return;
    last.to = Math.max(t, last.from);
    last.interrupted = interrupted;
    this.changed('timeline');
  }

  /** What was said before the page watched has no times of its own: its spans are estimated from the words, and shown paler. */
  #guessSpans() {
    const known = new Set(this.spans.map((span) => span.item));
    const guesses = [];
    let free = 0;
    for (const line of this.lines) {
      if ((line.who !== 'caller' && line.who !== 'agent') || known.has(line.key) || line.pending) continue;
      // A text of the caller comes after the words, the agent's when they were heard.
      const from = Math.max(free, line.t - line.text.length * MS_PER_CHARACTER);
      if (line.t > from)
        guesses.push({who: line.who, from, to: line.t, item: line.key, interrupted: line.interrupted, isGuess: true});
      free = Math.max(free, line.t);
    }
    if (!guesses.length) return;
    this.spans = [...guesses, ...this.spans].sort((a, b) => a.from - b.from);
    bounded(this.spans, SPANS_MAX);
    this.changed('timeline');
  }

  // Where the milliseconds went

  #station(name, t, item) {
    let turn = this.turns.at(-1);
    if (name === 'speech_end_ms') {
      turn = {speech_end_ms: t, label: ''};
      this.turns.push(turn);
      bounded(this.turns, TURNS_MAX);
    }
    // The first of each counts; a station without the one that begins a turn is a greeting or a tool's answer.
    if (!turn || (turn[name] ?? null) !== null || turn.first_mark_ms !== undefined) return;
    turn[name] = t;
    if (item) turn.item = item;
    this.changed('turns');
  }

  /** A mark of the carrier's came back: its news is later than the moment that it tells of. */
  #heard(t, item) {
    const turn = this.turns.findLast((one) => one.item === item);
    if (!turn || (turn.first_mark_ms ?? null) !== null) return;
    turn.first_mark_ms = Math.max(t, turn.first_sent_ms ?? 0);
    this.changed('turns');
  }

  tool(id, values, t) {
    let tool = this.tools.find((one) => one.call_id === id);
    if (!tool) {
      tool = {call_id: id, name: '', arguments: '', outcome: null, output: '', duration_ms: null, t};
      this.tools.push(tool);
      this.dropped += bounded(this.tools, TOOLS_MAX);
    }
    Object.assign(tool, values);
    this.changed('tools');
    return tool;
  }

  /** One event of `/ws/live`. */
  event(message) {
    const event = message.event;
    const t = this.at(message.at);
    switch (event.type) {
      case 'caller_speech_started':
        this.#open('caller', t, event.item_id);
        this.line(event.item_id || `caller-${t}`, 'caller', t, {pending: true});
        break;
      case 'caller_speech_stopped':
        this.#close('caller', t);
        this.#station('speech_end_ms', t);
        break;
      case 'caller_turn_committed':
        this.#station('committed_ms', t);
        break;
      case 'caller_transcript':
        this.line(event.item_id || `caller-${t}`, 'caller', t, {text: event.text, pending: false});
        break;
      case 'agent_transcript':
        this.line(event.item_id || `agent-${t}`, 'agent', t,
          {text: event.text, unheard: event.unheard ?? '', interrupted: Boolean(event.interrupted), pending: false});
        break;
      case 'keys':
        this.line(`keys-${t}`, 'keys', t, {text: event.keys});
        this.mark(t, 'keys', `keys ${event.keys}`);
        break;
      case 'audio_arrived':
        this.#station('first_delta_ms', t, event.item_id);
        break;
      case 'audio_started':
        this.#open('agent', t, event.item_id);
        this.#station('first_sent_ms', t, event.item_id);
        break;
      case 'agent_heard':
        this.#heard(t - (event.ago_ms ?? 0), event.item_id);
        break;
      case 'audio_finished':
        this.#close('agent', t);
        break;
      case 'audio_drained':
        this.#close('agent', t);
        break;
      case 'turn_latency':
        this.#measured(event);
        break;
      case 'interrupted': {
        this.#close('agent', t, true);
        if (event.item_id) {
          const line = this.#byKey.get(event.item_id);
          if (line) {
            line.interrupted = true;
            line.pending = false;
            this.changed('lines');
          }
        }
        this.mark(t, 'interruption', words.interruption(event));
        break;
      }
      case 'talked_over':
        this.mark(Math.max(0, t - event.duration_ms), 'talkover', words.talkOver(event.duration_ms));
        break;
      case 'tool_started':
        this.tool(event.call_id, {name: event.name, arguments: event.arguments}, t);
        this.mark(t, 'tool', `tool ${event.name}`);
        break;
      case 'tool_finished':
        this.tool(
          event.call_id, {name: event.name, outcome: event.outcome, output: event.output, duration_ms: event.duration_ms}, t);
        break;
      case 'usage':
        this.usage.input += event.input_tokens ?? 0;
        this.usage.output += event.output_tokens ?? 0;
        this.usage.cached += event.cached_tokens ?? 0;
        this.usage.cost += event.cost_usd ?? 0;
        this.usage.responses += 1;
        this.changed('facts');
        break;
      case 'rate_limits':
        this.rateLimits = event.limits;
        this.changed('facts');
        break;
      case 'model_lost':
        if (event.needed) {
          this.#note(
            t, `Model connection lost (${event.code}${event.reason ? `, ${event.reason}` : ''}); dialling again`, 'warn');
          this.mark(t, 'reconnect', 'model lost');
        }
        break;
      case 'reconnected':
        this.#note(t, `Model back after ${event.outage_ms} ms, ${event.restored_items} items of the conversation restored`, 'ok');
        this.mark(t, 'reconnect', `back after ${event.outage_ms} ms`);
        break;
      case 'rotated':
        this.#note(t, 'Moved to a fresh model session before the old one expired');
        break;
      case 'agent_muted':
        this.#note(t, event.muted ? 'The agent was muted: the caller does not hear it' : 'The caller hears the agent again');
        break;
      case 'truncation_rejected':
        this.mark(t, 'warning', 'the model rejected a truncation');
        break;
      case 'warning':
        this.#note(t, `${words.title(event.kind)}: ${event.detail}`, 'warn');
        this.mark(t, 'warning', words.title(event.kind));
        break;
      case 'ending':
        this.#note(t, `Ending: ${words.reason(event.reason)}${event.detail ? ` (${event.detail})` : ''}`);
        break;
      case 'ended':
        this.#close('caller', t);
        this.#close('agent', t);
        for (const line of this.lines)
          if (line.pending) line.pending = false;
        this.#note(t, `${words.reason(event.reason)}, by ${event.by}`, words.isTrouble(event.reason) ? 'bad' : '');
        this.changed('ended');
        break;
      default:
        break;
    }
  }

  /** The server's own measurement of a turn: exact where the page only knows when news of it came. */
  #measured(event) {
    const turn = this.turns.at(-1);
    if (!turn || turn.first_audio_ms !== undefined) return;
    turn.first_audio_ms = event.first_audio_ms;
    this.changed('turns');
  }

  /** One event of the model, as OpenAI names it. @param t its place in the call, by when it came */
  modelEvent(event, t) {
    switch (event.type) {
      case 'input_audio_buffer.committed':
        this.#station('committed_ms', t);
        break;
      case 'response.created':
        this.#station('created_ms', t);
        break;
      case 'response.output_audio.delta':
        this.#station('first_delta_ms', t, event.item_id);
        break;
      case 'conversation.item.input_audio_transcription.delta': {
        const line = this.#byKey.get(event.item_id);
        if (line?.pending) {
          line.text += event.delta ?? '';
          this.changed('lines');
        }
        break;
      }
      case 'response.output_audio_transcript.delta': {
        const known = this.#byKey.get(event.item_id);
        if (known && !known.pending) break;
        const line = known ?? this.line(event.item_id, 'agent', t, {pending: true});
        line.text += event.delta ?? '';
        this.changed('lines');
        break;
      }
      default:
        break;
    }
  }

  /** The server's view of a call in progress, or of one that ended lately. Nothing that is known already goes away. */
  detail(call) {
    const {transcript = [], tools = [], actions = [], ...summary} = call;
    this.take(summary);
    transcript.forEach((line, index) => {
      const key = line.item_id || `${line.who}-${this.at(line.at)}-${index}`;
      const known = this.#byKey.get(key);
      this.line(key, line.who, known?.t ?? this.at(line.at),
        {text: line.text, unheard: line.unheard ?? '', interrupted: Boolean(line.interrupted), pending: false});
    });
    this.#guessSpans();
    for (const tool of tools) this.tool(tool.call_id, {...tool}, this.at(tool.at));
    this.actions = actions.map((action) => ({...action, t: this.at(action.at)}));
    this.changed('facts');
  }

  /** The full record of a call that ended: in place of all that was gathered. */
  history(record) {
    const {
      turns = [],
      tools = [],
      actions = [],
      barge_ins: cuts = [],
      reconnects: losses = [],
      errors = [],
      usage = null,
      recording = null,
      ...summary
    } = record;
    this.lines = [];
    this.spans = [];
    this.tools = [];
    this.marks = [];
    // Without the server's own times, those that were seen while it lasted are better than none.
    if (turns.some((turn) => turn.latency)) this.turns = [];
    this.#byKey.clear();
    this.dropped = 0;
    // In the record it is a list; in the summary a number.
    this.record = {bargeIns: cuts, losses: Array.isArray(losses) ? losses : [], errors};
    this.take({...summary, reconnects: this.record.losses.length || (typeof losses === 'number' ? losses : 0)});
    for (const turn of turns) {
      const key = turn.item_id || `turn-${turn.sequence}`;
      this.line(key, turn.who, turn.began_ms ?? 0, {
        text: turn.heard ?? turn.text ?? '',
        unheard: turn.unheard ?? '',
        interrupted: Boolean(turn.interrupted),
        end: turn.ended_ms ?? null,
      });
      if (turn.who === 'caller' || turn.who === 'agent')
        this.spans.push({
          who: turn.who,
          from: turn.began_ms ?? 0,
          to: turn.ended_ms ?? turn.began_ms ?? 0,
          item: key,
          interrupted: Boolean(turn.interrupted)
        });
      if (turn.latency && Object.values(turn.latency).some((value) => value !== null))
        this.turns.push({...turn.latency, item: key});
    }
    for (const tool of tools) {
      this.tool(tool.call_id, {...tool}, tool.at_ms ?? this.at(tool.at));
      this.mark(tool.at_ms ?? this.at(tool.at), 'tool', `tool ${tool.name}`);
    }
    for (const cut of cuts)
      this.mark(cut.at_ms, cut.cause === 'suppressed' ? 'talkover' : 'interruption', words.interruption(cut));
    for (const loss of this.record.losses) {
      this.mark(loss.at_ms, 'reconnect', `model away for ${loss.outage_ms} ms`);
      this.#note(loss.at_ms, `Model connection lost (${loss.reason}); back after ${loss.outage_ms} ms`, 'warn');
    }
    for (const error of errors) {
      this.mark(error.at_ms, 'warning', words.title(error.kind));
      this.#note(error.at_ms, `${words.title(error.kind)}: ${error.detail}`, 'warn');
    }
    this.actions = actions.map((action) => ({...action, t: this.at(action.at)}));
    // Words that were put into the conversation are a line of their own.
    const isLine = (text) => turns.some((turn) => turn.who === 'operator' && turn.text === text);
    for (const action of this.actions)
      this.#note(action.t, isLine(action.detail) ? `${action.who} ${action.what}` : words.act(action));
    this.fullUsage = usage;
    this.recording = recording;
    for (const what of ['lines', 'tools', 'turns', 'timeline', 'facts']) this.changed(what);
  }
}
