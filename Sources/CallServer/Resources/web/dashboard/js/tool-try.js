// Trying a tool outside of a call.
import {post} from './api.js';
import {fill, h} from './dom.js';
import {milliseconds} from './format.js';
import {schemaForm} from './schema-form.js';
import {pretty, shorten} from './text.js';

const SHOWN_MAX = 20_000;  // characters

export function toolTry(tool) {
  const form = schemaForm(tool.parameters);
  const result = h('div', {class: 'try-result', role: 'status'});
  const button = h('button', {type: 'submit', class: 'button small primary'}, 'Run it');
  return h('form', {
    class: 'tool-try',
    novalidate: true,
    onsubmit: async (event) => {
      event.preventDefault();
      let values;
      try {
        values = form.read();
      } catch (error) { return fill(result, h('p', {class: 'problem'}, error.message)); }
      button.disabled = true;
      fill(result, h('p', {class: 'help'}, 'Running…'));
      const began = performance.now();
      try {
        const answer = await post(`/tools/${encodeURIComponent(tool.name)}/try`, values);
        const isError = answer?.error !== undefined;
        fill(result,
          h('p', {class: 'help'}, h('span', {class: `badge ${isError ? 'bad' : 'ok'}`}, isError ? 'Failed' : 'Succeeded'),
            ` in ${milliseconds(performance.now() - began)}`),
          h('pre', {tabindex: '0', 'aria-label': 'What the tool answered'},
            shorten(pretty(isError ? answer.error : answer?.output ?? ''), SHOWN_MAX)));
      } catch (error) { fill(result, h('p', {class: 'problem'}, `Not run: ${error.message}.`)); } finally {
        button.disabled = false;
      }
    },
  },
    h('p', {class: 'help'}, 'This runs the real tool, outside of any call.'), form.node, button, result);
}
