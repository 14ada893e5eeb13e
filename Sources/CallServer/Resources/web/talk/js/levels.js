// How loud one side is, in decibels: a bar that rises at once and falls slowly.
import {Meter} from '/dashboard/js/meter.js';

const FLOOR = -60;  // dBFS, the empty bar
const FALL = 0.75;  // of the bar that is left after each 20 ms without a louder moment

export class Level {
  value = 0;

  constructor(who, label) {
    this.meter = new Meter(who, label);
    this.node = this.meter.node;
  }

  /** @param rms from 0 to 1 */
  take(rms) {
    const loudness = rms > 0 ? Math.min(1, Math.max(0, 1 - 20 * Math.log10(rms) / FLOOR)) : 0;
    this.value = loudness === 0 ? 0 : Math.max(loudness, this.value * FALL);
  }

  rest() { this.value = 0; }

  draw() { this.meter.show(this.value); }
}
