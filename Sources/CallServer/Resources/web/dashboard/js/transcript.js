// What was said, as it is said: words that the caller did not hear are struck through, and following the call does not fight
// reading: it stops as soon as the reader scrolls up.
import {fill, h, mark, perFrame, say} from './dom.js';
import {plural, position} from './format.js';
import {icon} from './icons.js';
import {announce} from './toast.js';

const WHO = {
  caller: 'Caller',
  agent: 'Agent',
  keys: 'Keys',
  operator: 'Operator',
  note: ''
};
/** So near to the end counts as at the end, in pixels. */
const NEAR = 48;

export class Transcript {
  #nodes = new Map();
  #follows = true;
  #missed = 0;
  #spoken = new Set();
  #seek = null;

  constructor(model) {
    this.model = model;
    this.list = h('ol', {class: 'lines'});
    this.box = h('div', {class: 'transcript-box', tabindex: '0', role: 'region', 'aria-label': 'Transcript, scrolls'}, this.list);
    this.jump = h('button', {type: 'button', class: 'button small jump', hidden: true, onclick: () => this.toEnd()});
    this.filter = h('input', {type: 'search', 'aria-label': 'Find in the transcript', placeholder: 'Find', autocomplete: 'off'});
    this.found = h('span', {class: 'help', role: 'status'});
    this.empty = h('p', {class: 'empty-line'});
    this.node = h('section', {class: 'panel transcript', 'aria-labelledby': 'transcript-head'},
      h('div', {class: 'panel-head'}, h('h2', {id: 'transcript-head'}, 'Transcript'),
        h('div', {class: 'tools'}, this.found, this.filter,
          h('button', {type: 'button', class: 'button small', onclick: () => this.save()}, icon('download', 16),
            h('span', {}, 'Text')))),
      h('div', {class: 'transcript-frame'}, this.empty, this.box, this.jump));
    this.box.addEventListener('scroll', () => {
      this.#follows = this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < NEAR;
      if (this.#follows) {
        this.#missed = 0;
        this.jump.hidden = true;
      }
    }, {passive: true});
    this.filter.addEventListener('input', () => this.#find());
    this.draw = perFrame(() => this.#draw());
    this.draw();
  }

  /** Called with a place in the call when a time is pressed: there is a recording. */
  set seek(seek) {
    this.#seek = seek;
    for (const {node} of this.#nodes.values()) node.remove();
    this.#nodes.clear();
    this.draw();
  }

  toEnd() {
    this.#follows = true;
    this.box.scrollTop = this.box.scrollHeight;
    this.jump.hidden = true;
    this.box.focus({preventScroll: true});
  }

  #draw() {
    const {lines, dropped, isLive} = this.model;
    this.empty.hidden = lines.length > 0;
    say(this.empty,
      isLive               ? 'Nobody has said anything yet. Words appear here while they are spoken.' :
        this.model.summary ? 'Nothing was said in this call, or it was not written down.' :
                             'Loading…');
    const wanted = new Set(lines.map((line) => line.key));
    for (const [key, entry] of this.#nodes)
      if (!wanted.has(key)) {
        entry.node.remove();
        this.#nodes.delete(key);
      }
    let fresh = 0;
    lines.forEach((line, index) => {
      let entry = this.#nodes.get(line.key);
      if (!entry) {
        this.#nodes.set(line.key, entry = this.#make(line));
        fresh += 1;
      }
      this.#update(entry, line);
      const at = this.list.children[index];
      if (at !== entry.node) this.list.insertBefore(entry.node, at ?? null);
    });
    if (dropped) this.box.dataset.dropped = String(dropped);
    if (this.#follows && isLive)
      this.box.scrollTop = this.box.scrollHeight;
    else if (fresh && isLive) {
      this.#missed += fresh;
      this.jump.hidden = false;
      fill(this.jump, icon('down', 16), `${plural(this.#missed, 'new line')}`);
    }
    if (this.filter.value) this.#find();
  }

  #make(line) {
    const heard = h('span');
    const unheard = h('del', {hidden: true});
    const dots = h('span', {class: 'dots', hidden: true}, h('span', {class: 'visually-hidden'}, '…'), h('i'), h('i'), h('i'));
    const tag = h('span', {class: 'cut', hidden: true}, 'interrupted');
    const time = this.#seek && line.who !== 'note' ?
      h('button', {type: 'button', class: 'time', title: 'Play from here', onclick: () => this.#seek?.(line.t)},
        position(line.t)) :
      h('span', {class: 'time'}, position(line.t));
    const node = h('li', {class: `line ${line.who}${line.tone ? ` ${line.tone}` : ''}`},
      line.who === 'note' ? null : h('span', {class: 'who'}, WHO[line.who] ?? line.who), time,
      h('p', {class: 'words'}, heard, unheard, dots, tag));
    return {node, heard, unheard, dots, tag};
  }

  #update(entry, line) {
    say(entry.heard, line.text);
    // A reader of the screen hears that words were not heard; the eye sees them struck through.
    if (line.unheard) {
      const words = `${line.text && !/\s$/.test(line.text) ? ' ' : ''}${line.unheard}`;
      if (entry.shown !== words) {
        entry.shown = words;
        fill(entry.unheard, h('span', {class: 'visually-hidden'}, ' [not heard by the caller:] '), words);
        entry.unheard.title = 'The caller did not hear this';
      }
    }
    entry.unheard.hidden = !line.unheard;
    entry.dots.hidden = !line.pending;
    entry.tag.hidden = !line.interrupted;
    entry.node.classList.toggle('pending', line.pending);
    if (this.model.isLive && !line.pending && line.text && !this.#spoken.has(line.key)) {
      this.#spoken.add(line.key);
      if (this.#spoken.size > 2_000) this.#spoken.clear();
      if (this.isSettled && line.who !== 'note') announce(`${WHO[line.who]}: ${line.text}`);
    }
  }

  /** Marks the lines that are heard at a moment of the recording. */
  playing(t) {
    let current = null;
    for (const line of this.model.lines) {
      if (line.who === 'note') continue;
      if (line.t <= t && (line.end === null || line.end === undefined || t < line.end + 300)) current = line.key;
      if (line.t > t) break;
    }
    if (current === this.current) return;
    const before = this.#nodes.get(this.current);
    if (before) mark(before.node, 'aria-current', null);
    this.current = current;
    const node = this.#nodes.get(current)?.node;
    if (!node) return;
    mark(node, 'aria-current', 'true');
    const top = node.offsetTop - this.box.clientHeight / 3;
    if (Math.abs(top - this.box.scrollTop) > this.box.clientHeight / 3) this.box.scrollTop = top;
  }

  show(key) {
    const node = this.#nodes.get(key)?.node;
    if (!node) return;
    this.#follows = false;
    this.box.scrollTop = node.offsetTop - 40;
    node.classList.remove('flash');
    requestAnimationFrame(() => node.classList.add('flash'));
  }

  #find() {
    const text = this.filter.value.trim().toLowerCase();
    let found = 0;
    let first = null;
    for (const line of this.model.lines) {
      const entry = this.#nodes.get(line.key);
      if (!entry) continue;
      const hit = text !== '' && `${line.text} ${line.unheard}`.toLowerCase().includes(text);
      entry.node.classList.toggle('faded', text !== '' && !hit);
      if (hit) {
        found += 1;
        first ??= entry.node;
      }
    }
    say(this.found, text ? plural(found, 'line') : '');
    if (first && text !== this.sought) {
      this.#follows = false;
      this.box.scrollTop = first.offsetTop - 40;
    }
    this.sought = text;
  }

  save() {
    const text = this.model.lines
                   .map((line) => `${position(line.t)}  ${line.who === 'note' ? '--' : WHO[line.who] ?? line.who}: ${line.text}` +
                       `${line.unheard ? ` [not heard: ${line.unheard}]` : ''}${line.interrupted ? ' [interrupted]' : ''}`)
                   .join('\n');
    const link = h('a', {
      href: URL.createObjectURL(new Blob([`${text}\n`], {type: 'text/plain;charset=utf-8'})),
      download: `${this.model.sid}.txt`
    });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1_000);
  }
}
