// The fields of SECTIONS as controls over a session that is being edited.
import {h, say, unique} from './dom.js';
import {count} from './format.js';
import {read, SECTIONS, write} from './session-fields.js';

const TRANSCRIPTION = 'gpt-4o-mini-transcribe';

/**
 * @param draft `{ session }`, written to in place
 * @param facts `{ voices, isReadOnly }`
 * @param changed called after each change
 */
export function sessionForm(draft, facts, changed) {
  const conditional = [];
  const update = () => {
    for (const [node, when] of conditional) node.hidden = !when(draft.session);
  };

  function control(field, id, described) {
    const value = read(draft.session, field.path);
    const set = (now) => {
      write(draft.session, field.path, now);
      update();
      changed();
    };
    const common = {id, 'aria-describedby': described, disabled: facts.isReadOnly};
    switch (field.kind) {
      case 'text': {
        const size = field.measure ? h('p', {class: 'help measure'}) : null;
        // About four characters a token, for English.
        const measure = () => size &&
          say(size,
            `${count(area.value.length)} characters, about ${
              count(Math.ceil(area.value.length / 4))} tokens in every answer’s input`);
        const area = h('textarea', {
          ...common,
          rows: field.rows,
          value: value ?? '',
          oninput: () => {
            measure();
            set(area.value);
          }
        });
        measure();
        return size ? [area, size] : area;
      }
      case 'line':
        return h('input',
          {...common, type: 'text', value: value ?? '', autocomplete: 'off', oninput: (event) => set(event.target.value)});
      case 'number':
        return h('input', {
          ...common,
          type: 'number',
          min: field.min,
          max: field.max,
          step: field.step,
          value: value ?? '',
          oninput: (event) => set(event.target.value === '' ? null : Number(event.target.value))
        });
      case 'range': {
        const shown = h('output', {'for': id}, String(value ?? ''));
        return h('div', {class: 'range'}, h('input', {
          ...common,
          type: 'range',
          min: field.min,
          max: field.max,
          step: field.step,
          value: value ?? 1,
          oninput: (event) => {
            say(shown, event.target.value);
            set(Number(event.target.value));
          }
        }),
          shown);
      }
      case 'voice': {
        const names = [...new Set([...(facts.voices ?? []), value].filter(Boolean))];
        return h('select', {...common, onchange: (event) => set(event.target.value)},
          names.map((name) => h('option', {value: name, selected: name === value}, name)));
      }
      case 'choice':
        return h('select',
          {...common, onchange: (event) => set(event.target.value === '' && field.nullable ? null : event.target.value)},
          field.options.map(([name, label]) => h('option', {value: name, selected: name === (value ?? '')}, label)));
      case 'tokens': {
        const number = h('input', {
          ...common,
          type: 'number',
          min: 1,
          max: 4096,
          step: 1,
          value: value === 'inf' || value === null ? '' : value,
          disabled: facts.isReadOnly || value === 'inf',
          oninput: () => set(number.value === '' ? 'inf' : Number(number.value))
        });
        const unlimited = h('input', {
          type: 'checkbox',
          id: `${id}-inf`,
          checked: value === 'inf',
          disabled: facts.isReadOnly,
          onchange: () => {
            number.disabled = unlimited.checked;
            if (!unlimited.checked && number.value === '') number.value = '1024';
            set(unlimited.checked ? 'inf' : Number(number.value));
          }
        });
        return h('div', {class: 'pair'}, number,
          h('label', {class: 'check', 'for': unlimited.id}, unlimited, h('span', {}, 'No limit')));
      }
      default:
        return null;
    }
  }

  function field(one) {
    const id = unique('setting');
    const help = one.help ? h('p', {class: 'help', id: `${id}-help`}, one.help) : null;
    const described = help ? `${id}-help` : null;
    let node;
    if (one.kind === 'switch' || one.kind === 'transcription') {
      const isOn = Boolean(read(draft.session, one.path));
      const box = h('input', {
        type: 'checkbox',
        role: 'switch',
        id,
        checked: isOn,
        'aria-describedby': described,
        disabled: facts.isReadOnly,
        onchange: () => {
          if (one.kind === 'switch')
            write(draft.session, one.path, box.checked);
          else
            draft.session.transcription = box.checked ? {model: TRANSCRIPTION, language: '', prompt: '', ...draft.remembered} :
                                                        (draft.remembered = draft.session.transcription, null);
          if (one.kind === 'transcription') redraw?.();
          update();
          changed();
        },
      });
      node = h('div', {class: 'field switch-field'},
        h('label', {class: 'switch', 'for': id}, box, h('i', {'aria-hidden': 'true'}), h('span', {}, one.label)), help);
    } else
      node = h('div', {class: `field k-${one.kind}`}, h('label', {'for': id}, one.label), control(one, id, described), help);
    if (one.when) conditional.push([node, one.when]);
    node.dataset.path = one.path;
    return node;
  }

  // Fields of a part that was not there take their values when it comes.
  const redraw = () => {
    for (const input of node.querySelectorAll('[data-path^="transcription."] input, [data-path^="transcription."] textarea'))
      input.value = read(draft.session, input.closest('[data-path]').dataset.path) ?? '';
  };
  const node = h('div', {class: 'session-form'}, SECTIONS.map((section) => {
    const id = unique('section');
    return h('section', {class: 'panel', 'aria-labelledby': id}, h('div', {class: 'panel-head'}, h('h2', {id}, section.title)),
      h('div', {class: 'fields'}, section.fields.map(field)));
  }));
  update();
  return node;
}
