// Who wants to know what.
export class Emitter {
  #listeners = new Map();

  /** Calls `listener` for every `name`; returns what ends that. */
  on(name, listener) {
    const all = this.#listeners.get(name) ?? new Set();
    all.add(listener);
    this.#listeners.set(name, all);
    return () => all.delete(listener);
  }

  emit(name, ...values) {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) listener(...values);
  }
}
