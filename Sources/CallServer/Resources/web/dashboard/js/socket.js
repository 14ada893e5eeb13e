// A WebSocket that comes back: at once after the first loss, then after waits that grow, with some chance in them so that
// many pages do not return in the same instant.
const FIRST_WAIT = 500;       // ms
const LONGEST_WAIT = 15_000;  // ms
/** A connection that held so long was a good one, in milliseconds: the next wait begins small again. */
const GOOD_AFTER = 5_000;

export class Socket {
  #socket = null;
  #timer = 0;
  #losses = 0;
  #openedAt = 0;
  #closed = false;

  /**
   * @param path with query, on this server
   * @param handlers `message(data)`, `state('connecting' | 'open' | 'lost', msUntilNextTry)`
   */
  constructor(path, handlers, {binary = false} = {}) {
    this.path = path;
    this.handlers = handlers;
    this.binary = binary;
    this.#open();
    this.onLine = () => {
      if (this.#timer) this.retry();
    };
    window.addEventListener('online', this.onLine);
  }

  #open() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.handlers.state?.('connecting', 0);
    const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${this.path}`);
    if (this.binary) socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    socket.onopen = () => {
      if (socket !== this.#socket) return;
      this.#openedAt = performance.now();
      this.handlers.state?.('open', 0);
    };
    socket.onmessage = (message) => {
      if (socket === this.#socket) this.handlers.message?.(message.data);
    };
    socket.onclose = () => {
      if (socket !== this.#socket || this.#closed) return;
      if (this.#openedAt && performance.now() - this.#openedAt > GOOD_AFTER) this.#losses = 0;
      this.#openedAt = 0;
      const ceiling = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#losses);
      const wait = this.#losses === 0 ? 50 : ceiling / 2 + Math.random() * ceiling / 2;
      this.#losses += 1;
      this.handlers.state?.('lost', wait);
      this.#timer = setTimeout(() => this.#open(), wait);
    };
  }

  /** Tries now rather than later. */
  retry() {
    if (this.#closed || this.#socket?.readyState === WebSocket.OPEN) return;
    this.#drop();
    this.#open();
  }

  /** Goes on with another path. */
  move(path) {
    if (path === this.path || this.#closed) return;
    this.path = path;
    this.#drop();
    this.#losses = 0;
    this.#open();
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const old = this.#socket;
    this.#socket = null;
    old?.close();
  }

  close() {
    this.#closed = true;
    window.removeEventListener('online', this.onLine);
    this.#drop();
  }
}
