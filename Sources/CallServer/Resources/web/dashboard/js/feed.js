// How calls stand, as `/ws/live` tells it, and how the server stands, as `/overview` tells it.
import {get} from './api.js';
import {Emitter} from './emitter.js';
import {Socket} from './socket.js';

/** Ended calls that are kept, the last ones. */
const ENDED_KEPT = 100;
/** Between two looks at the server, in milliseconds. */
const OVERVIEW_EVERY = 5_000;

class Feed extends Emitter {
  calls = new Map();
  /** 'connecting', 'open' or 'lost' */
  state = 'connecting';
  /** Whether a first snapshot came. */
  isKnown = false;
  /** What the server's clock is ahead of this machine's, in milliseconds. */
  ahead = 0;
  overview = null;
  #socket = null;
  #timer = 0;

  start() {
    if (this.#socket) return;
    this.#socket = new Socket('/ws/live', {
      message: (data) => this.#take(data),
      state: (state) => {
        this.state = state;
        this.emit('state', state);
      },
    });
    this.#look();
    this.onShown = () => {
      if (!document.hidden) {
        this.#socket?.retry();
        this.#look();
      }
    };
    document.addEventListener('visibilitychange', this.onShown);
  }

  stop() {
    this.#socket?.close();
    this.#socket = null;
    clearTimeout(this.#timer);
    document.removeEventListener('visibilitychange', this.onShown);
    this.calls.clear();
    this.isKnown = false;
    this.overview = null;
  }

  /** All events of one call, or of none. */
  watch(sid) { this.#socket?.move(sid ? `/ws/live?call=${encodeURIComponent(sid)}` : '/ws/live'); }

  retry() { this.#socket?.retry(); }

  /** Milliseconds since 1970 by the server's clock. */
  now() { return Date.now() + this.ahead; }

  get live() { return [...this.calls.values()].filter((call) => call.status === 'in-progress'); }
  get ended() { return [...this.calls.values()].filter((call) => call.status !== 'in-progress'); }

  /** How long a call lasts so far, or lasted. */
  durationOf(call) {
    if (call.status !== 'in-progress') return call.duration_ms;
    const began = Date.parse(call.started_at);
    return Number.isNaN(began) ? call.duration_ms : Math.max(0, this.now() - began);
  }

  #take(data) {
    let message;
    try {
      message = JSON.parse(data);
    } catch { return; }
    switch (message.type) {
      case 'snapshot':
        if (message.now) this.ahead = Date.parse(message.now) - Date.now();
        this.calls = new Map((message.calls ?? []).map((call) => [call.call_sid, call]));
        this.isKnown = true;
        this.emit('calls');
        this.emit('snapshot');
        break;
      case 'call':
        this.calls.set(message.call.call_sid, message.call);
        this.#forget();
        this.emit('call', message.call);
        this.emit('calls');
        break;
      case 'event':
        this.emit('event', message);
        break;
      case 'levels':
        this.emit('levels', message);
        break;
      default:
        break;
    }
  }

  #forget() {
    const ended = this.ended;
    if (ended.length <= ENDED_KEPT) return;
    ended.sort((a, b) => Date.parse(a.ended_at ?? a.started_at) - Date.parse(b.ended_at ?? b.started_at));
    for (const call of ended.slice(0, ended.length - ENDED_KEPT)) this.calls.delete(call.call_sid);
  }

  async #look() {
    clearTimeout(this.#timer);
    if (!this.#socket) return;
    if (!document.hidden) {
      try {
        this.overview = await get('/overview');
        this.emit('overview', this.overview);
      } catch { /* the lost connection is told by the socket's state */
      }
    }
    clearTimeout(this.#timer);
    if (this.#socket) this.#timer = setTimeout(() => this.#look(), OVERVIEW_EVERY);
  }

  /** Looks at the server now. */
  refresh() { return this.#look(); }
}

export const feed = new Feed();
