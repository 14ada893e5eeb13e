// How loud one side is: a bar in decibels.
import {h, mark} from '/dashboard/js/dom.js';

const FLOOR = -60;  // dBFS, the empty bar
const FALL = 0.75;  // of the bar that is left after each 20 ms without a louder moment

export class Level {
  value = 0;
  shown = -1;

  constructor(who, label) {
    this.fill = h('i');
    this.bar = h('div', {
      class: `meter ${who}`,
      role: 'meter',
      'aria-label': `${label}, loudness`,
      'aria-valuemin': '0',
      'aria-valuemax': '100',
      'aria-valuenow': '0'
    },
      this.fill);
    this.node = h('div', {class: 'meter-row'}, h('span', {'aria-hidden': 'true'}, label), this.bar);
  }

  /** @param rms from 0 to 1 */
  take(rms) {
    const loudness = rms > 0 ? Math.min(1, Math.max(0, 1 - 20 * Math.log10(rms) / FLOOR)) : 0;
    this.value = loudness === 0 ? 0 : Math.max(loudness, this.value * FALL);
  }

  rest() { this.value = 0; }

  draw() {
    const value = Math.round(this.value * 100);
    if (value === this.shown) return;
    this.shown = value;
    this.fill.style.setProperty('transform', `scaleX(${value / 100})`);
    mark(this.bar, 'aria-valuenow', value);
  }
}
