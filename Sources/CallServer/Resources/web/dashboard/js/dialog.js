// Modal dialogs on the browser's own <dialog>: it keeps the focus inside, closes on Escape, and gives the focus back.
import {h, unique} from './dom.js';
import {icon} from './icons.js';

/**
 * Shows a dialog.
 * @param title its heading
 * @param body nodes
 * @param buttons `{ label, tone, run(close) }` each; run is awaited, and the dialog closes unless it returns false
 * @returns a promise that is settled when it closes: the label of the button, or null
 */
export function dialog(title, body, buttons, {wide = false, focus = null} = {}) {
  return new Promise((resolve) => {
    const id = unique('dialog');
    let chosen = null;
    const error = h('p', {class: 'problem', role: 'alert', hidden: true});
    const node = h('dialog', {class: wide ? 'dialog wide' : 'dialog', 'aria-labelledby': id});
    const controls = buttons.map((button) => h('button', {
      type: button.submits ? 'submit' : 'button',
      class: `button ${button.tone ?? ''}`,
      onclick: button.submits ? null : () => run(button),
    },
                                   button.label));
    const submitting = buttons.find((button) => button.submits);
    async function run(button) {
      error.hidden = true;
      for (const control of controls) control.disabled = true;
      try {
        if (await button.run?.() === false) return;
        chosen = button.label;
        node.close();
      } catch (problem) {
        error.textContent = problem.message;
        error.hidden = false;
      } finally {
        for (const control of controls) control.disabled = false;
      }
    }
    node.append(h('form', {
      class: 'dialog-form',
      method: 'dialog',
      novalidate: !submitting,
      onsubmit: (event) => {
        event.preventDefault();
        if (submitting) run(submitting);
      },
    },
      h('header', {class: 'dialog-head'}, h('h2', {id}, title),
        h('button', {type: 'button', class: 'button plain small', 'aria-label': 'Close', onclick: () => node.close()},
          icon('close'))),
      h('div', {class: 'dialog-body'}, body, error), h('footer', {class: 'dialog-foot'}, controls)));
    node.addEventListener('close', () => {
      node.remove();
      resolve(chosen);
    });
    // A press outside closes it; a press that begins inside does not.
    node.addEventListener('mousedown', (event) => {
      if (event.target === node) node.close();
    });
    document.body.append(node);
    node.showModal();
    (focus ?? controls[0])?.focus();
  });
}

/** Asks before something that cannot be undone. */
export async function confirm(title, text, label, tone = 'danger') {
  return (await dialog(title, h('p', {}, text), [{label: 'Cancel'}, {label, tone}])) === label;
}
