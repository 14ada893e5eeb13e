// What an operator does to a call, with the questions that come before it.
import {callPath, get, post} from './api.js';
import {dialog} from './dialog.js';
import {h, unique} from './dom.js';
import {number} from './format.js';
import {attempt, toast} from './toast.js';

export function hangUpDialog(call) {
  return dialog(`Hang up on ${number(call.from)}?`,
    h('p', {}, 'With a goodbye, the agent says a last sentence first and the line closes when it was heard.'), [
      {label: 'Cancel'},
      {
        label: 'Hang up at once',
        tone: 'danger',
        run: () => post(callPath(call.call_sid, 'hangup'), {goodbye: false}).then(() => toast('The line is being closed.'))
      },
      {
        label: 'Say goodbye first',
        tone: 'primary',
        run: () => post(callPath(call.call_sid, 'hangup'), {goodbye: true}).then(() => toast('The agent says goodbye.'))
      },
    ]);
}

export const toggleMute = (call) => attempt(() => post(callPath(call.call_sid, call.agent_muted ? 'unmute' : 'mute')),
  call.agent_muted ? 'The caller hears the agent again.' : 'The caller does not hear the agent now.', 'Not muted');

export const interrupt = (call) =>
  attempt(() => post(callPath(call.call_sid, 'interrupt')), 'The agent was stopped.', 'Not interrupted');

export async function transferDialog(call) {
  const names = await get('/configuration').then((all) => all?.transfers ?? [], () => []);
  const id = unique('transfer');
  const input = h('input', {
    id,
    required: true,
    autocomplete: 'off',
    list: names.length ? `${id}-names` : null,
    placeholder: '+15550100',
    'aria-describedby': `${id}-help`
  });
  await dialog(`Transfer ${number(call.from)}`,
    [
      h('label', {'for': id}, 'To a number, or a name'),
      input,
      h('p', {class: 'help', id: `${id}-help`},
        'The agent leaves the call. When nobody answers, the caller comes back to the agent.'),
      names.length ? h('div', {class: 'chips', role: 'group', 'aria-label': 'Known names'},
                       names.map((name) => h('button', {
                         type: 'button',
                         class: 'chip',
                         onclick: () => {
                           input.value = name;
                           input.focus();
                         }
                       },
                                   name))) :
                     null,
    ],
    [
      {label: 'Cancel'}, {
        label: 'Transfer',
        tone: 'primary',
        submits: true,
        async run() {
          if (!input.value.trim()) throw new Error('Say to whom the call goes.');
          await post(callPath(call.call_sid, 'transfer'), {to: input.value.trim()});
          toast('The call is being transferred.');
        },
      }
    ],
    {focus: input});
}

export async function instructionsDialog(call) {
  const id = unique('instructions');
  const input = h('textarea', {id, rows: 8, required: true});
  await dialog('Change the instructions of this call',
    [
      h('p', {}, 'From its next answer on, the agent follows these instead. Other calls keep theirs.'),
      h('label', {'for': id}, 'Instructions'),
      input,
    ],
    [
      {label: 'Cancel'}, {
        label: 'Change',
        tone: 'primary',
        submits: true,
        async run() {
          if (!input.value.trim()) throw new Error('Write what the agent is to do.');
          await post(callPath(call.call_sid, 'session'), {instructions: input.value});
          toast('The session is being changed.');
        },
      }
    ],
    {wide: true, focus: input});
}
