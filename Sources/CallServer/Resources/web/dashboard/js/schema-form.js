// A form from a JSON schema, for trying a tool: texts, numbers, choices, yes or no, objects within objects, and JSON for what is
// none of these.
import {h, unique} from './dom.js';

/** Objects are laid out so deep; what is deeper is written as JSON. */
const DEPTH_MAX = 4;

const typeOf = (schema) => {
  const type = Array.isArray(schema?.type) ? schema.type.find((one) => one !== 'null') : schema?.type;
  return type ?? (schema?.properties ? 'object' : schema?.enum ? 'string' : 'json');
};

/**
 * @returns `{ node, read() }`; read gives the value, or throws an Error that says which field is wrong. `undefined` is left out.
 */
function part(schema, name, isRequired, depth) {
  const id = unique('field');
  const label = h('label', {'for': id}, name, isRequired ? h('span', {class: 'required'}, ' (required)') : null);
  const help = schema.description ? h('p', {class: 'help', id: `${id}-help`}, schema.description) : null;
  const described = help ? `${id}-help` : null;
  const wrap = (control) => h('div', {class: 'field'}, label, control, help);
  const missing = () => {
    if (isRequired) throw new Error(`“${name}” is required.`);
    return undefined;
  };
  const type = typeOf(schema);
  if (Array.isArray(schema.enum)) {
    const control = h('select', {id, 'aria-describedby': described}, isRequired ? null : h('option', {value: ''}, '(left out)'),
      schema.enum.map((value, index) => h('option', {value: String(index)}, String(value))));
    return {node: wrap(control), read: () => (control.value === '' ? missing() : schema.enum[Number(control.value)])};
  }
  if (type === 'boolean') {
    const control = h('select', {id, 'aria-describedby': described}, isRequired ? null : h('option', {value: ''}, '(left out)'),
      h('option', {value: 'true'}, 'true'), h('option', {value: 'false'}, 'false'));
    return {node: wrap(control), read: () => (control.value === '' ? missing() : control.value === 'true')};
  }
  if (type === 'number' || type === 'integer') {
    const control = h('input', {
      id,
      type: 'number',
      step: type === 'integer' ? '1' : 'any',
      min: schema.minimum,
      max: schema.maximum,
      'aria-describedby': described
    });
    return {
      node: wrap(control),
      read() {
        if (control.value === '') {
          if (control.validity.badInput) throw new Error(`“${name}” is no number.`);
          return missing();
        }
        const value = Number(control.value);
        if (type === 'integer' && !Number.isInteger(value)) throw new Error(`“${name}” is no whole number.`);
        return value;
      },
    };
  }
  if (type === 'string') {
    const control =
      h('input', {id, type: 'text', value: schema.default ?? '', autocomplete: 'off', 'aria-describedby': described});
    return {node: wrap(control), read: () => (control.value === '' ? missing() : control.value)};
  }
  if (type === 'object' && schema.properties && depth < DEPTH_MAX) {
    const inner = object(schema, depth + 1);
    return {
      node: h('fieldset', {class: 'nested'}, h('legend', {}, name), help, inner.node),
      read() {
        const value = inner.read();
        return Object.keys(value).length || isRequired ? value : undefined;
      }
    };
  }
  const control =
    h('textarea', {id, rows: 2, class: 'code', placeholder: type === 'array' ? '[]' : 'JSON', 'aria-describedby': described});
  return {
    node: wrap(control),
    read() {
      if (!control.value.trim()) return missing();
      try {
        return JSON.parse(control.value);
      } catch { throw new Error(`“${name}” is no JSON.`); }
    },
  };
}

function object(schema, depth) {
  const required = new Set(schema?.required ?? []);
  const all =
    Object.entries(schema?.properties ?? {}).map(([name, inner]) => [name, part(inner ?? {}, name, required.has(name), depth)]);
  return {
    node: h('div', {class: 'schema-form'},
      all.length ? all.map(([, one]) => one.node) : h('p', {class: 'help'}, 'It takes no arguments.')),
    read() {
      const value = {};
      for (const [name, one] of all) {
        const inner = one.read();
        if (inner !== undefined) Object.defineProperty(value, name, {value: inner, enumerable: true});
      }
      return value;
    },
  };
}

export const schemaForm = (schema) => object(schema, 0);
