// Short notices in the corner. Errors stay until they are closed; the rest goes after a while. At most NOTICES_MAX at once.
import {h} from './dom.js';
import {icon} from './icons.js';

const NOTICES_MAX = 4;
const SHOWN = 5_000;  // ms

/** @param tone 'ok', 'bad' or 'info' */
export function toast(text, tone = 'ok') {
  const all = document.getElementById('toasts');
  const close = () => node.remove();
  const node = h('div', {class: `toast ${tone}`, role: tone === 'bad' ? 'alert' : 'status'},
    icon(tone === 'bad' ? 'alert' :
        tone === 'ok'   ? 'check' :
                          'info'),
    h('p', {}, text),
    h('button', {type: 'button', class: 'button plain small', 'aria-label': 'Close notice', onclick: close}, icon('close', 16)));
  all.append(node);
  while (all.children.length > NOTICES_MAX) all.firstElementChild.remove();
  if (tone !== 'bad') setTimeout(close, SHOWN);
}

/** Says something to screen readers only. */
export function announce(text) {
  const node = document.getElementById('announcer');
  if (node) node.textContent = text;
}

/** Runs something that may fail, and tells how it went. Returns whether it went well. */
export async function attempt(work, success, failure) {
  try {
    await work();
    if (success) toast(success);
    return true;
  } catch (error) {
    toast(`${failure}: ${error.message}`, 'bad');
    return false;
  }
}
