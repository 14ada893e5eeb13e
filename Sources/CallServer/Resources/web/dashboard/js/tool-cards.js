// Function calls of the model: their arguments, how they ended, and a field to answer by hand while one waits.
import {callPath, post} from './api.js';
import {fill, h, perFrame, unique} from './dom.js';
import {duration, milliseconds} from './format.js';
import {session} from './session.js';
import {pretty, shorten} from './text.js';
import {toast} from './toast.js';
import {outcome} from './words.js';

/** Longest text that a card shows, in characters. */
const SHOWN_MAX = 8_000;

export class ToolCards {
  #cards = new Map();

  constructor(model) {
    this.model = model;
    this.empty = h('p', {class: 'empty-line'}, 'The agent has called no tool in this call.');
    this.list = h('div', {class: 'tool-cards'});
    this.node = h('div', {}, this.empty, this.list);
    this.draw = perFrame(() => this.#draw());
    this.draw();
  }

  #draw() {
    const {tools, isLive} = this.model;
    this.empty.hidden = tools.length > 0;
    const wanted = new Set(tools.map((tool) => tool.call_id));
    for (const [id, card] of this.#cards)
      if (!wanted.has(id)) {
        card.node.remove();
        this.#cards.delete(id);
      }
    for (const tool of tools) {
      const key = JSON.stringify([tool.name, tool.arguments, tool.outcome, tool.output, tool.duration_ms, isLive]);
      let card = this.#cards.get(tool.call_id);
      if (!card) {
        card = {node: h('article', {class: 'tool-card'})};
        this.#cards.set(tool.call_id, card);
        this.list.prepend(card.node);
      }
      if (card.key === key) continue;
      card.key = key;
      // What is being written stays when the card changes for another reason.
      const written = card.node.querySelector('textarea')?.value ?? '';
      this.#fill(card.node, tool, isLive, written);
    }
  }

  #fill(node, tool, isLive, written) {
    const isPending = tool.outcome === null || tool.outcome === undefined;
    const [words, tone] =
      isPending ? [isLive ? 'Waiting for an answer' : 'Never answered', isLive ? 'info' : 'warn'] : outcome(tool.outcome);
    const block = (label, text) => h('div', {class: 'tool-part'}, h('h4', {}, label),
      h('pre', {tabindex: '0', 'aria-label': label}, shorten(pretty(text), SHOWN_MAX)));
    const noArguments = !tool.arguments || tool.arguments.trim() === '{}';
    fill(node,
      h('header', {}, h('h3', {}, tool.name || 'unnamed'), h('span', {class: `badge ${tone}`}, words),
        h('span', {class: 'help'},
          `at ${duration(tool.t)}${
            tool.duration_ms !== null && tool.duration_ms !== undefined ? `, took ${milliseconds(tool.duration_ms)}` : ''}`)),
      noArguments ? h('p', {class: 'help'}, 'No arguments') : block('Arguments', tool.arguments),
      tool.output ? block(tool.outcome === 'succeeded' ? 'Result' : 'Output', tool.output) : null,
      isPending && isLive && session.mayOperate ? this.#answer(tool, written) : null);
  }

  #answer(tool, written) {
    const id = unique('answer');
    const input = h('textarea', {id, rows: 2, value: written, placeholder: 'Text or JSON, as the tool would answer'});
    const problem = h('p', {class: 'problem', role: 'alert', hidden: true});
    const button = h('button', {type: 'submit', class: 'button small primary'}, 'Send this answer');
    return h('form', {
      class: 'tool-answer',
      onsubmit: async (event) => {
        event.preventDefault();
        problem.hidden = true;
        button.disabled = true;
        try {
          await post(callPath(this.model.sid, 'tool-output'), {call_id: tool.call_id, output: input.value});
          toast('The answer was given to the model.');
        } catch (error) {
          problem.textContent =
            error.status === 404 ? 'Somebody else answered first, or the call is over.' : `Not sent: ${error.message}.`;
          problem.hidden = false;
        } finally { button.disabled = false; }
      },
    },
      h('label', {'for': id}, 'Answer by hand'), input, problem, button);
  }
}
