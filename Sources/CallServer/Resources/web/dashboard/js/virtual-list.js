// A list that holds only the rows that can be seen, and some around them, however many there are. Keys move: arrows, Page Up
// and Page Down, Home, End; Enter opens.
import {clamp} from './bounded.js';
import {h, mark, perFrame} from './dom.js';

/** Rows that are drawn above and below what is seen. */
const AROUND = 8;

export class VirtualList {
  #nodes = new Map();
  #count = 0;
  #active = 0;

  /**
   * @param options.label for screen readers
   * @param options.rowHeight in pixels
   * @param options.draw `(index) => node` for a row
   * @param options.open `(index)` on Enter
   * @param options.seen `(first, end)` which rows are looked at
   * @param options.columns names, for the head
   */
  constructor(options) {
    this.options = options;
    this.rowHeight = options.rowHeight;
    this.space = h('div', {class: 'virtual-space', role: 'presentation'});
    this.node = h(
      'div', {class: `virtual ${options.class ?? ''}`, role: 'rowgroup', tabindex: '0', 'aria-label': options.label}, this.space);
    this.draw = perFrame(() => this.#draw());
    this.node.addEventListener('scroll', this.draw, {passive: true});
    this.node.addEventListener('keydown', (event) => this.#key(event));
    this.observer = new ResizeObserver(this.draw);
    this.observer.observe(this.node);
  }

  get count() { return this.#count; }

  set count(number) {
    this.#count = number;
    this.#active = clamp(this.#active, 0, Math.max(0, number - 1));
    this.space.style.setProperty('height', `${number * this.rowHeight}px`);
    this.draw();
  }

  setRowHeight(height) {
    if (height === this.rowHeight) return;
    const top = this.node.scrollTop / this.rowHeight;
    this.rowHeight = height;
    this.count = this.#count;
    this.node.scrollTop = top * height;
    this.redraw();
  }

  get isAtEnd() { return this.node.scrollTop + this.node.clientHeight >= this.node.scrollHeight - this.rowHeight * 1.5; }
  toEnd() { this.node.scrollTop = this.node.scrollHeight; }

  /** Draws all seen rows anew. */
  redraw() {
    for (const node of this.#nodes.values()) node.remove();
    this.#nodes.clear();
    this.draw();
  }

  /** Rows went away at the front: what is seen stays. */
  shift(rows) {
    this.node.scrollTop -= rows * this.rowHeight;
    this.redraw();
  }

  activate(index) {
    this.#active = clamp(index, 0, Math.max(0, this.#count - 1));
    const top = this.#active * this.rowHeight;
    if (top < this.node.scrollTop)
      this.node.scrollTop = top;
    else if (top + this.rowHeight > this.node.scrollTop + this.node.clientHeight)
      this.node.scrollTop = top + this.rowHeight - this.node.clientHeight;
    this.draw();
  }

  #key(event) {
    if (event.target !== this.node || event.ctrlKey || event.altKey || event.metaKey) return;
    const page = Math.max(1, Math.floor(this.node.clientHeight / this.rowHeight) - 1);
    const moves = {ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -this.#count, End: this.#count};
    if (event.key in moves) {
      event.preventDefault();
      this.activate(this.#active + moves[event.key]);
    } else if (event.key === 'Enter')
      this.options.open?.(this.#active);
  }

  #draw() {
    if (!this.node.isConnected) return;
    const first = clamp(Math.floor(this.node.scrollTop / this.rowHeight), 0, this.#count);
    const end = clamp(Math.ceil((this.node.scrollTop + this.node.clientHeight) / this.rowHeight), 0, this.#count);
    const from = Math.max(0, first - AROUND);
    const to = Math.min(this.#count, end + AROUND);
    for (const [index, node] of this.#nodes) {
      if (index >= from && index < to) continue;
      node.remove();
      this.#nodes.delete(index);
    }
    for (let index = from; index < to; index += 1) {
      let node = this.#nodes.get(index);
      if (!node) {
        node = this.options.draw(index);
        node.classList.add('virtual-row');
        node.setAttribute('role', 'row');
        node.setAttribute('aria-rowindex', String(index + (this.options.columns ? 2 : 1)));
        node.style.setProperty('height', `${this.rowHeight}px`);
        node.style.setProperty('transform', `translateY(${index * this.rowHeight}px)`);
        this.#nodes.set(index, node);
        // In order, since screen readers and Tab go by it.
        let next = null;
        for (let later = index + 1; later < to && !next; later += 1) next = this.#nodes.get(later) ?? null;
        this.space.insertBefore(node, next);
      }
      node.classList.toggle('is-active', index === this.#active);
    }
    mark(this.node, 'data-rows', this.#nodes.size);
    this.options.seen?.(first, end);
  }

  dispose() { this.observer.disconnect(); }
}
