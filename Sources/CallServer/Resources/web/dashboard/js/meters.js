// How loud both sides are at the moment.
import {h} from './dom.js';
import {Meter} from './meter.js';

/** Without news for so long a side is silent, in milliseconds. */
const STALE = 600;

export class Meters {
  constructor() {
    this.meters = {caller: new Meter('caller', 'Caller'), agent: new Meter('agent', 'Agent')};
    this.node = h('div', {class: 'meters'}, this.meters.caller.node, this.meters.agent.node);
    this.at = 0;
    this.timer = setInterval(() => {
      if (performance.now() - this.at > STALE) this.#set({caller: 0, agent: 0});
    }, 300);
  }

  show(levels) {
    this.at = performance.now();
    this.#set(levels);
  }

  #set(levels) {
    for (const [who, meter] of Object.entries(this.meters)) meter.show(Math.min(1, Math.max(0, Number(levels[who]) || 0)));
  }

  dispose() { clearInterval(this.timer); }
}
