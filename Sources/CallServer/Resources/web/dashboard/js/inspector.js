// Every event of the model, as it names them: filtered, searched, stopped, looked into. Audio is folded to its length.
import {Bounded} from './bounded.js';
import {fill, h, say, unique} from './dom.js';
import {feed} from './feed.js';
import {count, position} from './format.js';
import {icon} from './icons.js';
import {Socket} from './socket.js';
import {pretty, shorten} from './text.js';
import {VirtualList} from './virtual-list.js';

/** Events that are kept, and the longest that is kept whole, in characters. */
const EVENTS_MAX = 2_000;
const TEXT_MAX = 40_000;
/** Items whose audio is folded into one line each, the last ones; words come between their pieces. */
const FOLDS_MAX = 8;
const ROW = 30;  // pixels
/** Bytes of a millisecond of a telephone's audio: G.711 at 8 kHz. */
const TELEPHONE = 8;

const GROUPS = [
  ['input', 'Caller audio', /^input_audio|transcription/], ['response', 'Responses', /^response\./],
  ['conversation', 'Conversation', /^conversation\./], ['session', 'Session', /^session\.|^connection/], ['other', 'Other', /./]
];
const groupOf = (type) => GROUPS.find(([, , pattern]) => pattern.test(type))[0];

/** Base64 characters to bytes. */
const bytesOf = (text) => Math.floor((text?.length ?? 0) * 3 / 4);

/** A few words about an event. */
function gist(event) {
  if (event.type === 'error') return event.error?.message ?? event.message ?? '';
  if (event.delta !== undefined && event.type !== 'response.output_audio.delta') return `“${event.delta}”`;
  if (event.transcript !== undefined) return `“${event.transcript}”`;
  if (event.response?.status)
    return `${event.response.status}${event.response.usage ? `, ${event.response.usage.total_tokens} tokens` : ''}`;
  if (event.item) return [event.item.type, event.item.role, event.item.name].filter(Boolean).join(' ');
  if (event.rate_limits) return event.rate_limits.map((limit) => `${limit.name} ${limit.remaining}`).join(', ');
  if (event.message) return event.message;
  if (event.audio_end_ms !== undefined) return `at ${event.audio_end_ms} ms`;
  if (event.audio_start_ms !== undefined) return `at ${event.audio_start_ms} ms`;
  return event.item_id ?? event.name ?? '';
}

export class Inspector {
  #events = new Bounded(EVENTS_MAX);
  #shown = [];
  #isPaused = false;
  #waiting = 0;
  #withAudio = false;
  #off = new Set();
  #timer = 0;
  #selected = null;
  #folds = new Map();

  constructor(model) {
    this.model = model;
    const id = unique('inspector');
    this.search =
      h('input', {type: 'search', 'aria-label': 'Search events', placeholder: 'Search type or content', autocomplete: 'off'});
    this.search.addEventListener('input', () => this.#filter());
    this.groups = h('div', {class: 'chips', role: 'group', 'aria-label': 'Kinds of events'},
      GROUPS.map(([name, label]) => h('button', {
        type: 'button',
        class: 'chip',
        'aria-pressed': 'true',
        onclick: (event) => {
          const isOff = !this.#off.delete(name);
          if (isOff) this.#off.add(name);
          event.currentTarget.setAttribute('aria-pressed', String(!isOff));
          this.#filter();
        },
      },
                   label)));
    this.pause =
      h('button', {type: 'button', class: 'button small', 'aria-pressed': 'false', onclick: () => this.#togglePause()});
    this.audio = h('input', {type: 'checkbox', id: `${id}-audio`});
    this.audio.addEventListener('change', () => {
      this.#withAudio = this.audio.checked;
      this.socket?.move(this.#path());
    });
    this.status = h('p', {class: 'help', role: 'status'});
    this.detail = h('div', {class: 'event-detail'});
    this.list = new VirtualList({
      label: 'Events, newest last',
      rowHeight: ROW,
      class: 'events',
      draw: (index) => this.#row(index),
      open: (index) => this.#select(this.#shown[index])
    });
    this.node = h('div', {class: 'inspector'},
      h('div', {class: 'inspector-tools'}, this.search, this.pause,
        h('button', {type: 'button', class: 'button small', onclick: () => this.#clear()}, 'Clear'),
        h('label', {class: 'check small', 'for': `${id}-audio`}, this.audio, h('span', {}, 'Audio too'))),
      this.groups, h('div', {class: 'event-table', role: 'table', 'aria-label': 'Events of the model'}, this.list.node),
      this.status, this.detail);
    this.#drawPause();
    this.#showDetail();
    this.#tell();
  }

  #clear() {
    this.#events.clear();
    this.#folds.clear();
    this.#filter();
  }

  #path() { return `/ws/logs?call=${encodeURIComponent(this.model.sid)}&shape=ga${this.#withAudio ? '&audio=1' : ''}`; }

  connect() {
    this.socket = new Socket(this.#path(), {
      message: (data) => this.#take(data),
      state: (state) => {
        this.link = state;
        this.#tell();
      },
    });
    this.#timer = setInterval(() => this.#flush(), 200);
  }

  #take(data) {
    let event;
    try {
      event = JSON.parse(data);
    } catch { return; }
    if (typeof event?.type !== 'string') return;
    const t = this.model.at(feed.now());
    this.model.modelEvent(event, t);
    if (event.type.endsWith('audio.delta')) {
      const length = bytesOf(event.delta) / (this.model.summary?.audio_bytes_per_ms || TELEPHONE);
      const last = this.#folds.get(event.item_id);
      if (last) {
        last.folded += 1;
        last.audio += length;
        last.gist = `${last.folded} pieces, ${(last.audio / 1000).toFixed(2)} s of audio`;
        this.isStale = true;
        return;
      }
      event.delta = `(${bytesOf(event.delta)} bytes of audio, left out)`;
      const entry = {
        t,
        type: event.type,
        group: 'response',
        folded: 1,
        audio: length,
        gist: `1 piece, ${(length / 1000).toFixed(2)} s of audio`,
        text: JSON.stringify(event)
      };
      this.#folds.set(event.item_id, entry);
      if (this.#folds.size > FOLDS_MAX) this.#folds.delete(this.#folds.keys().next().value);
      return this.#add(entry);
    }
    this.#add({
      t,
      type: event.type,
      group: groupOf(event.type),
      isError: event.type === 'error',
      gist: shorten(gist(event), 200),
      text: shorten(data, TEXT_MAX)
    });
  }

  #add(entry) {
    const gone = this.#events.push(entry);
    if (this.#isPaused) {
      this.#waiting += 1;
      this.isStale = true;
      return;
    }
    if (gone.length) this.isCut = true;
    this.isStale = true;
  }

  /** Five times a second, however many events come. */
  #flush() {
    if (!this.isStale) return;
    this.isStale = false;
    if (this.#isPaused) return this.#tell();
    this.#filter();
  }

  #filter() {
    const text = this.search.value.trim().toLowerCase();
    const follows = this.list.isAtEnd || this.#shown.length === 0;
    this.#shown = this.#events.items.filter((entry) => (entry.isError || !this.#off.has(entry.group)) &&
        (!text || entry.type.includes(text) || entry.text.toLowerCase().includes(text)));
    this.list.count = this.#shown.length;
    this.list.redraw();
    if (follows) requestAnimationFrame(() => this.list.toEnd());
    this.#tell();
  }

  #tell() {
    const {length, dropped} = this.#events;
    // Nothing to look into, and nothing will come: the words stand alone.
    this.node.classList.toggle('is-idle', !length && !this.socket);
    if (!length && !this.socket)
      return say(this.status,
        'The model’s own events are shown while a call lasts; they are not written down. What became of them is in the transcript, the answer times and the details.');
    const parts = [`${count(this.#shown.length)} of ${count(length)} events`];
    if (dropped) parts.push(`${count(dropped)} older ones are gone (${count(EVENTS_MAX)} are kept)`);
    if (this.#isPaused) parts.push(`paused, ${count(this.#waiting)} came since`);
    if (this.link === 'lost') parts.push('connection lost, trying again');
    say(this.status, `${parts.join('; ')}.`);
  }

  #togglePause() {
    this.#isPaused = !this.#isPaused;
    this.#waiting = 0;
    this.#drawPause();
    if (!this.#isPaused)
      this.#filter();
    else
      this.#tell();
  }

  #drawPause() {
    fill(this.pause, icon(this.#isPaused ? 'play' : 'pause', 16), this.#isPaused ? 'Go on' : 'Pause');
    this.pause.setAttribute('aria-pressed', String(this.#isPaused));
  }

  #row(index) {
    const entry = this.#shown[index];
    if (!entry) return h('div');
    return h('div', {
      class: `event ${entry.isError ? 'bad' : ''}${entry === this.#selected ? ' is-selected' : ''}`,
      onclick: () => this.#select(entry)
    },
      h('span', {role: 'cell', class: 'time'}, position(entry.t)), h('span', {role: 'cell', class: 'event-type'}, entry.type),
      h('span', {role: 'cell', class: 'event-gist'}, entry.gist));
  }

  #select(entry) {
    this.#selected = entry ?? null;
    this.#showDetail();
    this.list.redraw();
  }

  #showDetail() {
    const entry = this.#selected;
    this.detail.hidden = !entry;
    if (!entry) return;
    fill(this.detail,
      h('div', {class: 'event-detail-head'}, h('b', {}, entry.type),
        h('span', {class: 'help'}, `${position(entry.t)}${entry.folded ? ` · ${entry.gist}` : ''}`),
        h('button',
          {type: 'button', class: 'button plain small', 'aria-label': 'Close the event', onclick: () => this.#select(null)},
          icon('close', 16))),
      h('pre', {tabindex: '0', 'aria-label': 'The event as JSON'}, pretty(entry.text)));
  }

  stop() {
    this.socket?.close();
    this.socket = null;
    clearInterval(this.#timer);
    this.#flush();
    this.#tell();
  }
  dispose() {
    this.stop();
    this.list.dispose();
  }
}
