// Who spoke when: two lanes, with what happened between them. It can be read as a text, too.
import {clamp} from './bounded.js';
import {fill, h, perFrame, s} from './dom.js';
import {feed} from './feed.js';
import {duration, plural} from './format.js';

const HEIGHT = 106;
const LANES = {
  caller: 26,
  agent: 58
};
const LANE_HEIGHT = 22;
/** The part of a long call that is shown when not all of it is, in milliseconds. */
const WINDOW = 60_000;
/** Names of the lanes stand to the left of them, in pixels. */
const LEFT = 52;

const KINDS = {
  interruption: ['Interruption', 'diamond'],
  talkover: ['Both spoke', 'circle'],
  tool: ['Tool call', 'square'],
  reconnect: ['Model connection', 'circle'],
  warning: ['Warning', 'triangle'],
  keys: ['Keys', 'square']
};
const SHAPES = {
  diamond: 'M0-5 5 0 0 5-5 0Z',
  square: 'M-4-4H4V4H-4Z',
  circle: 'M0-4.5a4.5 4.5 0 1 0 .01 0Z',
  triangle: 'M0-5 5 4H-5Z'
};

export class Timeline {
  #isWhole = true;

  /** @param pick called with a place in the call and the key of what was said there */
  constructor(model, pick) {
    this.model = model;
    this.pick = pick;
    this.head = null;
    this.svg = s('svg', {class: 'timeline-svg', height: HEIGHT, role: 'img'});
    this.box = h('div', {class: 'timeline-box'}, this.svg);
    this.count = h('span', {class: 'help'});
    this.scale = h('button', {type: 'button', class: 'button small', 'aria-pressed': 'false', onclick: () => this.#toggle()},
      'Last minute only');
    this.legend = h('ul', {class: 'legend', 'aria-hidden': 'true'});
    this.node = h('section', {class: 'panel timeline', 'aria-labelledby': 'timeline-head'},
      h('div', {class: 'panel-head'}, h('h2', {id: 'timeline-head'}, 'Timeline'), this.legend,
        h('div', {class: 'tools'}, this.count, this.scale)),
      this.box);
    this.draw = perFrame(() => this.#draw());
    this.observer = new ResizeObserver(this.draw);
    this.observer.observe(this.box);
    this.svg.addEventListener('click', (event) => this.#click(event));
    fill(this.legend,
      ['interruption', 'tool', 'reconnect', 'warning'].map((kind) => h('li', {},
                                                             s('svg', {width: 12, height: 12, viewBox: '-6 -6 12 12'},
                                                               s('path', {class: `mark ${kind}`, d: SHAPES[KINDS[kind][1]]})),
                                                             KINDS[kind][0])));
  }

  #toggle() {
    this.#isWhole = !this.#isWhole;
    this.scale.setAttribute('aria-pressed', String(!this.#isWhole));
    this.draw();
  }

  #end() {
    const {summary, isLive} = this.model;
    if (!summary) return 1;
    return Math.max(1_000, isLive ? feed.durationOf(summary) : summary.duration_ms ?? 0, this.model.recording?.duration_ms ?? 0);
  }

  #range() {
    const end = this.#end();
    if (this.#isWhole || end < WINDOW) return [0, Math.max(end, this.model.isLive ? 15_000 : 1)];
    if (this.model.isLive || this.head === null) return [end - WINDOW, end];
    const from = clamp(this.head - WINDOW / 2, 0, end - WINDOW);
    return [from, from + WINDOW];
  }

  #click(event) {
    const bounds = this.svg.getBoundingClientRect();
    const [from, to] = this.#range();
    const t = from + clamp((event.clientX - bounds.left - LEFT) / (bounds.width - LEFT), 0, 1) * (to - from);
    const span = this.model.spans.find((one) => t >= one.from && t <= (one.to ?? this.#end())) ??
      this.model.spans.findLast((one) => one.from <= t);
    this.pick?.(t, span?.item);
  }

  /** Where the recording is. */
  playing(t) {
    this.head = t;
    this.draw();
  }

  #draw() {
    const width = this.box.clientWidth;
    if (!width || !this.model.summary) return;
    const {spans, marks} = this.model;
    const [from, to] = this.#range();
    const end = this.#end();
    const x = (t) => LEFT + clamp((t - from) / (to - from), 0, 1) * (width - LEFT - 2);
    const nodes = [];
    const cuts = marks.filter((mark) => mark.kind === 'interruption').length;
    nodes.push(s('title', {},
      `Timeline of ${duration(end)}: ${plural(spans.filter((span) => span.who === 'caller').length, 'caller turn')}, ${
        plural(spans.filter((span) => span.who === 'agent').length, 'agent turn')}, ${plural(cuts, 'interruption')}.`));
    // Ticks at whole numbers that leave room for their words.
    const step = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600].find(
                   (seconds) => (width - LEFT) * seconds * 1000 / (to - from) > 70) ??
      7200;
    for (let t = Math.ceil(from / 1000 / step) * step * 1000; t <= to; t += step * 1000) {
      nodes.push(s('line', {class: 'tick', x1: x(t), x2: x(t), y1: 18, y2: HEIGHT - 20}),
        s('text', {class: 'tick-text', x: Math.min(x(t) + 3, width - 30), y: 13}, duration(t)));
    }
    for (const [who, y] of Object.entries(LANES)) {
      nodes.push(s('text', {class: `lane-text ${who}`, x: 0, y: y + 15}, who === 'caller' ? 'Caller' : 'Agent'),
        s('rect', {class: 'lane', x: LEFT, y, width: Math.max(0, width - LEFT - 2), height: LANE_HEIGHT, rx: 4}));
    }
    for (const span of spans) {
      const last = span.to ?? end;
      if (last < from || span.from > to) continue;
      nodes.push(s('rect', {
        class: `span ${span.who}${span.interrupted ? ' interrupted' : ''}${span.to === null ? ' open' : ''}${
          span.isGuess ? ' guess' : ''}`,
        x: x(span.from),
        y: LANES[span.who] ?? LANES.agent,
        width: Math.max(2, x(last) - x(span.from)),
        height: LANE_HEIGHT,
        rx: 3
      },
        s('title', {},
          `${span.who === 'caller' ? 'Caller' : 'Agent'}, ${duration(span.from)} for ${((last - span.from) / 1000).toFixed(1)} s${
            span.interrupted ? ', interrupted' : ''}${span.isGuess ? ' (estimated: from before this page watched)' : ''}`)));
      if (span.interrupted)
        nodes.push(s('line', {class: 'cut-line', x1: x(last), x2: x(last), y1: LANES.caller, y2: LANES.agent + LANE_HEIGHT}));
    }
    for (const mark of marks) {
      if (mark.t < from || mark.t > to) continue;
      nodes.push(s('path', {
        class: `mark ${mark.kind}`,
        d: SHAPES[KINDS[mark.kind]?.[1] ?? 'square'],
        transform: `translate(${x(mark.t)} ${HEIGHT - 12})`
      },
        s('title', {}, `${duration(mark.t)} ${mark.label}`)));
    }
    if (this.head !== null) nodes.push(s('line', {class: 'head', x1: x(this.head), x2: x(this.head), y1: 16, y2: HEIGHT - 4}));
    this.svg.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`);
    this.svg.setAttribute('width', width);
    fill(this.svg, nodes);
    this.count.textContent = [
      cuts ? plural(cuts, 'interruption') : '', spans.some((span) => span.isGuess) ? 'paler: estimated' : ''
    ].filter(Boolean).join(' · ');
    this.scale.hidden = end < WINDOW * 1.2;
  }

  dispose() { this.observer.disconnect(); }
}
