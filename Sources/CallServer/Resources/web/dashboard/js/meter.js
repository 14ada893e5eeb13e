// How loud one side is, as a bar with its name: on the dashboard and on /talk.
import {h, mark} from './dom.js';

export class Meter {
  #fill = h('i');
  #bar;
  #shown = -1;

  constructor(who, label) {
    this.#bar = h('div', {
      class: `meter ${who}`,
      role: 'meter',
      'aria-label': `${label}, loudness`,
      'aria-valuemin': '0',
      'aria-valuemax': '100',
      'aria-valuenow': '0'
    },
      this.#fill);
    this.node = h('div', {class: 'meter-row'}, h('span', {'aria-hidden': 'true'}, label), this.#bar);
  }

  /** @param loudness from 0 to 1 */
  show(loudness) {
    const value = Math.round(loudness * 100);
    if (value === this.#shown) return;
    this.#shown = value;
    this.#fill.style.setProperty('transform', `scaleX(${value / 100})`);
    mark(this.#bar, 'aria-valuenow', value);
  }
}
