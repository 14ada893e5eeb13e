// Making a call.
import {post} from './api.js';
import {dialog} from './dialog.js';
import {h, unique} from './dom.js';
import {router} from './router.js';
import {keep, recall} from './storage.js';
import {toast} from './toast.js';

/** Lines of `name = value` as an object; null when a line is none. */
function pairs(text) {
  const all = {};
  for (const line of text.split('\n')) {
    if (!line.trim()) continue;
    const at = line.indexOf('=');
    if (at < 1) return null;
    all[line.slice(0, at).trim()] = line.slice(at + 1).trim();
  }
  return all;
}

export async function makeCallDialog() {
  const id = unique('make');
  const before = recall('outbound', {});
  const field = (name, label, control, help) => {
    control.id = `${id}-${name}`;
    if (help) control.setAttribute('aria-describedby', `${id}-${name}-help`);
    return h('div', {class: 'field'}, h('label', {'for': control.id}, label), control,
      help ? h('p', {class: 'help', id: `${id}-${name}-help`}, help) : null);
  };
  const to = h('input', {
    type: 'tel',
    required: true,
    pattern: '\\+[0-9]{7,15}',
    placeholder: '+15550100',
    autocomplete: 'off',
    title: 'A plus sign and 7 to 15 digits'
  });
  const from = h('input', {
    type: 'tel',
    pattern: '\\+[0-9]{7,15}',
    placeholder: 'the server’s own number',
    value: before.from ?? '',
    autocomplete: 'off',
    title: 'A plus sign and 7 to 15 digits'
  });
  const greeting = h('input', {type: 'text', value: before.say ?? '', autocomplete: 'off', maxlength: '1000'});
  const instructions = h('textarea', {rows: 3, value: before.instructions ?? ''});
  const variables = h('textarea', {rows: 2, class: 'code', placeholder: 'name = Ada', value: before.variables ?? ''});
  const ring = h('input', {type: 'number', min: '5', max: '600', value: '60'});
  const machine = h('input', {type: 'checkbox', id: `${id}-machine`});
  await dialog('Make a call',
    [
      h('div', {class: 'field-row'},
        field('to', 'Call this number', to, 'With country code. Real calls cost money and ring real telephones.'),
        field('from', 'From (optional)', from, 'A number of the account.')),
      field('say', 'First words (optional)', greeting, 'The agent says this when the call is answered.'),
      field('instructions', 'Instructions for this call (optional)', instructions, 'Instead of the configured ones.'),
      h('details', {}, h('summary', {}, 'More'),
        field('variables', 'Variables', variables, 'One “name = value” a line, for placeholders in the instructions.'),
        field('ring', 'Ring for at most (seconds)', ring),
        h('label', {class: 'check', 'for': machine.id}, machine, h('span', {}, 'Find out whether a machine answers'))),
    ],
    [
      {label: 'Cancel'}, {
        label: 'Call',
        tone: 'primary',
        submits: true,
        async run() {
          const values = pairs(variables.value);
          if (!values) throw new Error('A variable is written as “name = value”.');
          const policy = {};
          if (greeting.value.trim()) policy.say_first = greeting.value.trim();
          if (instructions.value.trim()) policy.instructions = instructions.value;
          const body = {
            to: to.value.trim(),
            variables: values,
            parameters: {},
            policy,
            ring_seconds: Number(ring.value) || 60,
            machine_detection: machine.checked
          };
          if (from.value.trim()) body.from = from.value.trim();
          const answer = await post('/calls', body);
          keep('outbound', {from: from.value, say: greeting.value, instructions: instructions.value, variables: variables.value});
          toast('It is ringing. The call appears on the board when it is answered.', 'info');
          if (answer?.call_sid) router.go('#/live');
        },
      }
    ],
    {wide: true, focus: to});
}
