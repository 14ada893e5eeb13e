// Elements without markup: every text becomes a text node, so nothing that somebody said can become an element.
import {clean} from './text.js';

const SVG = 'http://www.w3.org/2000/svg';

function set(node, name, value) {
  if (value === undefined || value === null || value === false) return;
  if (name.startsWith('on'))
    node.addEventListener(name.slice(2).toLowerCase(), value);
  else if (name === 'class')
    node.setAttribute('class', value);
  else if (name === 'data')
    Object.assign(node.dataset, value);
  // The policy forbids style attributes; properties set one by one are allowed.
  else if (name === 'css')
    for (const [key, text] of Object.entries(value)) node.style.setProperty(key, text);
  else if (name === 'value' || name === 'checked' || name === 'selected' || name === 'indeterminate')
    node[name] = value;
  else
    node.setAttribute(name, value === true ? '' : String(value));
}

export function append(node, ...children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false || child === '') continue;
    node.append(child instanceof Node ? child : document.createTextNode(clean(child)));
  }
  return node;
}

/** An element: `h('p', { class: 'note' }, 'text', otherNode)`. Attributes that are null or false are left out. */
export function h(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) set(node, name, value);
  return append(node, ...children);
}

/** The same for SVG. */
export function s(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes ?? {})) set(node, name, value);
  return append(node, ...children);
}

/** Puts children in place of what was there. */
export function fill(node, ...children) {
  node.replaceChildren();
  return append(node, ...children);
}

/** Changes a text only when it is another one: no work for the browser, no noise for screen readers. */
export function say(node, text) {
  const cleaned = clean(text);
  if (node.textContent !== cleaned) node.textContent = cleaned;
}

/** Sets or removes an attribute only when that changes something. */
export function mark(node, name, value) {
  if (value === null || value === undefined || value === false) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value === true ? '' : value)) {
    node.setAttribute(name, value === true ? '' : String(value));
  }
}

let ids = 0;
/** An id that no other element has. */
export const unique = (prefix) => `${prefix}-${++ids}`;

/** Runs `work` once before the next paint, however often it is asked for. */
export function perFrame(work) {
  let asked = false;
  const run = () => {
    asked = false;
    work();
  };
  return () => {
    if (asked) return;
    asked = true;
    // Hidden pages get no frames: they catch up now and then.
    if (document.hidden)
      setTimeout(run, 500);
    else
      requestAnimationFrame(run);
  };
}
