// How loud both sides are at the moment.
import {h, mark} from './dom.js';

/** Without news for so long a side is silent, in milliseconds. */
const STALE = 600;

export class Meters {
  constructor() {
    const bar = (who, label) => {
      const fillNode = h('i');
      const node = h('div', {
        class: `meter ${who}`,
        role: 'meter',
        'aria-label': `${label}, loudness`,
        'aria-valuemin': '0',
        'aria-valuemax': '100',
        'aria-valuenow': '0'
      },
        fillNode);
      return {node, fillNode, row: h('div', {class: 'meter-row'}, h('span', {'aria-hidden': 'true'}, label), node)};
    };
    this.bars = {caller: bar('caller', 'Caller'), agent: bar('agent', 'Agent')};
    this.node = h('div', {class: 'meters'}, this.bars.caller.row, this.bars.agent.row);
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
    for (const [who, bar] of Object.entries(this.bars)) {
      const value = Math.round(Math.min(1, Math.max(0, Number(levels[who]) || 0)) * 100);
      if (bar.value === value) continue;
      bar.value = value;
      bar.fillNode.style.setProperty('transform', `scaleX(${value / 100})`);
      mark(bar.node, 'aria-valuenow', value);
    }
  }

  dispose() { clearInterval(this.timer); }
}
