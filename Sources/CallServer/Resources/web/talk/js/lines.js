// The transcript as elements: lines that did not change are left alone.
import {fill, h} from '/dashboard/js/dom.js';

const NAMES = {
  caller: 'You',
  agent: 'Agent'
};

const clock = (at) =>
  new Date(performance.timeOrigin + at).toLocaleTimeString([], {hour: '2-digit', minute: '2-digit', second: '2-digit'});

function words(line) {
  if (line.isWaiting) return h('span', {class: 'dots', role: 'img', 'aria-label': 'speaking'}, h('i'), h('i'), h('i'));
  if (line.heard === null || line.heard >= line.text.length) return line.text;
  return [
    line.text.slice(0, line.heard), h('span', {class: 'visually-hidden'}, ' Not heard: '),
    h('del', {}, line.text.slice(line.heard))
  ];
}

export class Lines {
  #drawn = new Map();  // id → {node, key}
  #version = -1;
  #of = null;

  constructor() {
    this.node = h('div', {class: 'said', role: 'log', 'aria-label': 'Transcript', tabindex: '0'});
    this.empty = h('p', {class: 'empty-line'}, 'What you and the agent say stands here.');
    fill(this.node, this.empty);
  }

  draw(transcript) {
    if (transcript === this.#of && transcript.version === this.#version) return;
    if (transcript !== this.#of) {
      fill(this.node, this.empty);
      this.#drawn.clear();
    }
    this.#of = transcript;
    this.#version = transcript.version;
    this.empty.hidden = transcript.lines.length > 0;
    const isAtEnd = this.node.scrollHeight - this.node.scrollTop - this.node.clientHeight < 60;
    const seen = new Set();
    for (const line of transcript.lines) {
      seen.add(line.id);
      this.#line(line);
    }
    for (const [id, {node}] of this.#drawn)
      if (!seen.has(id)) {
        node.remove();
        this.#drawn.delete(id);
      }
    if (isAtEnd) this.node.scrollTop = this.node.scrollHeight;
  }

  #line(line) {
    const key = `${line.isWaiting} ${line.heard} ${line.text.length}`;
    const old = this.#drawn.get(line.id);
    if (old?.key === key) return;
    const node = old?.node ?? h('div', {class: `line ${line.who} ${line.tone ?? ''}`.trim()});
    const isCut = line.heard !== null && line.heard < line.text.length;
    fill(node,
      line.who === 'note' ? null :
                            h('div', {class: 'who'}, NAMES[line.who], isCut ? h('span', {class: 'cut'}, 'interrupted') : null),
      h('time', {class: 'time num'}, clock(line.at)), h('div', {class: 'words'}, words(line)));
    if (!old) this.node.append(node);
    this.#drawn.set(line.id, {node, key});
  }
}
