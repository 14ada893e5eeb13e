// Tabs as screen readers know them: arrows move between them, Tab goes on into the panel.
import {h, unique} from './dom.js';

/** @param tabs `[name, label, node]` each; returns `{ node, select(name), badge(name, text) }` */
export function tabs(label, all, selected, changed) {
  const id = unique('tabs');
  const buttons = new Map();
  const panels = new Map();
  const list = h('div', {class: 'tablist', role: 'tablist', 'aria-label': label});
  for (const [name, words, node] of all) {
    const badge = h('span', {class: 'tab-badge'});
    const button = h('button', {
      type: 'button',
      role: 'tab',
      id: `${id}-${name}`,
      'aria-controls': `${id}-${name}-panel`,
      class: 'tab',
      onclick: () => select(name)
    },
      words, badge);
    buttons.set(name, {button, badge});
    panels.set(name,
      h('div', {
        role: 'tabpanel',
        id: `${id}-${name}-panel`,
        'aria-labelledby': `${id}-${name}`,
        class: `tabpanel ${name}`,
        tabindex: '0'
      },
        node));
    list.append(button);
  }
  list.addEventListener('keydown', (event) => {
    const names = all.map(([name]) => name);
    const at = names.findIndex((name) => buttons.get(name).button === document.activeElement);
    const to = {ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: names.length - 1}[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const name = names[(to + names.length) % names.length];
    select(name);
    buttons.get(name).button.focus();
  });
  function select(name) {
    if (!buttons.has(name)) name = all[0][0];
    for (const [key, {button}] of buttons) {
      button.setAttribute('aria-selected', String(key === name));
      button.tabIndex = key === name ? 0 : -1;
      panels.get(key).hidden = key !== name;
    }
    changed?.(name);
  }
  select(selected);
  return {
    node: h('div', {class: 'tabs panel'}, list, [...panels.values()]),
    select,
    badge(name, text) {
      const {badge} = buttons.get(name);
      if (badge.textContent !== text) badge.textContent = text;
    }
  };
}
