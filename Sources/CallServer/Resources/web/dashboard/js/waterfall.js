// Where the milliseconds of each answer went, from the end of the caller's speech to the first frame that was heard.
import {STATIONS} from './call-model.js';
import {fill, h, perFrame} from './dom.js';
import {duration, milliseconds} from './format.js';

/** Answers that are drawn, the last ones. */
const SHOWN = 40;

/** Names of the stretches between stations. */
const STRETCHES = ['', 'to commit', 'to response', 'to first audio', 'to first frame', 'to the ear'];

export class Waterfall {
  constructor(model, pick) {
    this.model = model;
    this.pick = pick;
    this.body = h('div', {class: 'waterfall'});
    this.empty = h('p', {class: 'empty-line'},
      'No answer has been measured yet: the first bar comes with the agent’s first answer to the caller.');
    this.note = h('p', {class: 'help'});
    this.node = h('div', {}, this.empty,
      h('ul', {class: 'legend stretches', 'aria-hidden': 'true'},
        STATIONS.slice(1).map(([name, words]) => h('li', {}, h('i', {class: `swatch ${name}`}), words))),
      this.body, this.note);
    this.draw = perFrame(() => this.#draw());
    this.draw();
  }

  #draw() {
    const turns = this.model.turns
                    .filter((turn) => (turn.speech_end_ms ?? null) !== null &&
                        STATIONS.slice(1).some(([name]) => (turn[name] ?? null) !== null))
                    .slice(-SHOWN)
                    .reverse();
    this.empty.hidden = turns.length > 0;
    this.node.children[1].hidden = !turns.length;
    const total = (turn) => Math.max(...STATIONS.map(([name]) => turn[name] ?? 0)) - turn.speech_end_ms;
    const longest = Math.max(500, ...turns.map(total));
    fill(this.body, turns.map((turn) => {
      let before = turn.speech_end_ms;
      const pieces = [];
      const told = [];
      STATIONS.slice(1).forEach(([name], index) => {
        const at = turn[name] ?? null;
        if (at === null) return;
        // News may overtake each other by some milliseconds: a stretch is never less than nothing.
        const length = Math.max(0, at - before);
        pieces.push(h('i', {
          class: `stretch ${name}`,
          css: {width: `${length / longest * 100}%`},
          title: `${STRETCHES[index + 1]}: ${milliseconds(length)}`
        }));
        told.push(`${STRETCHES[index + 1]} ${milliseconds(length)}`);
        before = Math.max(before, at);
      });
      const sum = total(turn);
      return h('div', {class: 'fall'},
        h('button', {
          type: 'button',
          class: 'time',
          title: 'Show in the transcript',
          onclick: () => this.pick?.(turn.speech_end_ms, turn.item)
        },
          duration(turn.speech_end_ms)),
        h('div', {class: 'fall-bar', role: 'img', 'aria-label': `${milliseconds(sum)} in all: ${told.join(', ')}`}, pieces),
        h('span', {class: `num ${
                     sum > 3000   ? 'bad' :
                       sum > 1500 ? 'warn' :
                                    ''}`},
          milliseconds(sum)),
        h('p', {class: 'fall-words', 'aria-hidden': 'true'}, told.join(' · ')));
    }));
    this.note.textContent = this.model.isLive && turns.length ?
      'In progress: places are when the news of each came to this page, so the way here is in them. The record of the ended call has the server’s own times.' :
      '';
  }
}
