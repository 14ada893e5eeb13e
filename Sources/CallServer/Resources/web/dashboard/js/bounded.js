// Lists that do not grow for ever: the oldest goes when the limit is reached, and it is counted.
export class Bounded {
  /** @param limit most entries that are kept */
  constructor(limit) {
    this.limit = limit;
    this.items = [];
    this.dropped = 0;
  }

  push(item) {
    this.items.push(item);
    if (this.items.length > this.limit) {
      // A sixteenth at once: one move of the array for many entries.
      const excess = Math.max(this.items.length - this.limit, Math.floor(this.limit / 16));
      this.dropped += excess;
      return this.items.splice(0, excess);
    }
    return [];
  }

  clear() {
    this.items = [];
    this.dropped = 0;
  }

  get length() { return this.items.length; }
  get last() { return this.items[this.items.length - 1]; }
}

/** A value between two others. */
export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
