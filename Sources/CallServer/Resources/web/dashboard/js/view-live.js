// The board of calls: those in progress, and the last that ended.
import {makeCallDialog} from './call-dialog.js';
import {hangUpDialog, toggleMute} from './commands.js';
import {fill, h, mark, perFrame, say} from './dom.js';
import {feed} from './feed.js';
import {count, duration, milliseconds, moment, money, number, plural} from './format.js';
import {icon} from './icons.js';
import {session} from './session.js';
import {keep, recall} from './storage.js';
import {speaking, state} from './words.js';

/** Rows that the board draws; more calls are found by the filter. */
const ROWS_MAX = 200;
/** Latencies above these want a look, in milliseconds. */
const SLOW = 1_500;
const VERY_SLOW = 3_000;

const ORDERS = {
  oldest: ['Longest first', (a, b) => a.started_at.localeCompare(b.started_at)],
  newest: ['Newest first', (a, b) => b.started_at.localeCompare(a.started_at)],
  slowest: ['Slowest answers first', (a, b) => (b.latency_ms ?? 0) - (a.latency_ms ?? 0)],
  costliest: ['Costliest first', (a, b) => b.cost_usd - a.cost_usd],
};

function percentile(values, part) {
  if (!values.length) return null;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}

const tone = (latency) => (latency > VERY_SLOW ? 'bad' : latency > SLOW ? 'warn' : '');

/** One row that lives as long as its call is shown: its cells change, it is not drawn anew, so that the focus stays. */
class Row {
  constructor(call) {
    this.sid = call.call_sid;
    const cell = (className, name, ...children) => h('td', {class: className, 'data-name': name, role: 'cell'}, children);
    this.who = h('a', {class: 'caller-link', href: `#/call/${encodeURIComponent(this.sid)}`});
    this.to = h('span', {class: 'sub'});
    this.badge = h('span', {class: 'badge'});
    this.speaker = h('span', {class: 'speaker'}, h('i', {class: 'bars', 'aria-hidden': 'true'}, h('b'), h('b'), h('b')),
      this.speakerText = h('span'));
    this.time = h('span', {class: 'num'});
    this.ended = h('span', {class: 'sub'});
    this.latency = h('span', {class: 'num'});
    this.cuts = h('span', {class: 'num'});
    this.cost = h('span', {class: 'num'});
    this.actions = h('div', {class: 'row-actions'});
    this.node = h('tr', {role: 'row', data: {sid: this.sid}},
      h('th', {scope: 'row', role: 'rowheader', class: 'c-who'}, this.who, this.to), cell('c-state', 'State', this.badge),
      cell('c-speaking', 'Speaking', this.speaker), cell('c-time', 'Duration', this.time, this.ended),
      cell('c-latency', 'Answer time', this.latency), cell('c-cuts', 'Interruptions', this.cuts),
      cell('c-cost', 'Cost', this.cost), cell('c-actions', 'Actions', this.actions));
  }

  update(call) {
    this.call = call;
    const isLive = call.status === 'in-progress';
    // For a call that we made, the person is the one who was called.
    const isOut = call.direction.startsWith('outbound');
    say(this.who, number(isOut ? call.to : call.from));
    say(this.to,
      `${isOut ? 'called from' : 'to'} ${(isOut ? call.from : call.to) || 'unknown'}${call.rule ? ` · ${call.rule}` : ''}`);
    const [words, kind] = state(call);
    say(this.badge, words);
    mark(this.badge, 'class', `badge ${kind}`);
    mark(this.speaker, 'class', `speaker ${isLive ? call.speaking : 'nobody'}`);
    say(this.speakerText, isLive ? speaking(call.speaking) : '–');
    if (!isLive) say(this.ended, moment(call.ended_at));
    say(this.latency, milliseconds(call.latency_ms));
    mark(this.latency, 'class', `num ${tone(call.latency_ms)}`);
    say(this.cuts, count(call.interruptions));
    say(this.cost, money(call.cost_usd));
    this.tick();
    this.#drawActions(isLive, call);
  }

  tick() { say(this.time, duration(feed.durationOf(this.call))); }

  #drawActions(isLive, call) {
    const key = `${isLive}${call.agent_muted}${session.mayOperate}`;
    if (key === this.drawn) return;
    this.drawn = key;
    const who = number(call.from);
    const hadFocus = this.actions.contains(document.activeElement) ? document.activeElement.dataset.act : null;
    fill(this.actions,
      isLive ? h('a', {
        class: 'button plain square',
        data: {act: 'listen'},
        href: `#/call/${encodeURIComponent(this.sid)}?listen`,
        title: 'Listen',
        'aria-label': `Listen to the call of ${who}`
      },
                 icon('headphones', 20)) :
               null,
      isLive && session.mayOperate ?
        [
          h('button', {
            type: 'button',
            class: 'button plain square',
            data: {act: 'mute'},
            title: call.agent_muted ? 'Let the caller hear the agent again' : 'Mute the agent',
            'aria-label': `${call.agent_muted ? 'Unmute' : 'Mute'} the agent for ${who}`,
            onclick: () => toggleMute(this.call)
          },
            icon(call.agent_muted ? 'sound' : 'mute', 20)),
          h('button', {
            type: 'button',
            class: 'button plain square danger-plain',
            data: {act: 'hangup'},
            title: 'Hang up',
            'aria-label': `Hang up ${who}`,
            onclick: () => hangUpDialog(this.call)
          },
            icon('hangup', 20)),
        ] :
        null,
      h('a', {class: 'button small', href: `#/call/${encodeURIComponent(this.sid)}`, 'aria-label': `Open the call of ${who}`},
        'Open'));
    if (hadFocus) (this.actions.querySelector(`[data-act="${hadFocus}"]`) ?? this.who).focus();
  }
}

class Table {
  #rows = new Map();

  constructor(caption, isLive) {
    this.body = h('tbody', {role: 'rowgroup'});
    const head = (name, className) => h('th', {scope: 'col', role: 'columnheader', class: className}, name);
    this.node = h('table', {class: `board ${isLive ? 'is-live' : 'is-ended'}`, role: 'table'},
      h('caption', {class: 'visually-hidden'}, caption),
      h('thead', {role: 'rowgroup'},
        h('tr', {role: 'row'}, head(isLive ? 'Caller' : 'Caller', 'c-who'), head(isLive ? 'State' : 'How it ended', 'c-state'),
          head('Speaking', 'c-speaking'), head('Duration', 'c-time'), head('Answer time', 'c-latency'),
          head('Interrupted', 'c-cuts'), head('Cost', 'c-cost'),
          head(h('span', {class: 'visually-hidden'}, 'Actions'), 'c-actions'))),
      this.body);
  }

  show(calls) {
    const wanted = new Set(calls.map((call) => call.call_sid));
    for (const [sid, row] of this.#rows) {
      if (wanted.has(sid)) continue;
      row.node.remove();
      this.#rows.delete(sid);
    }
    calls.forEach((call, index) => {
      let row = this.#rows.get(call.call_sid);
      if (!row) this.#rows.set(call.call_sid, row = new Row(call));
      row.update(call);
      // Moved only when it stands elsewhere: a move takes the focus away.
      if (this.body.children[index] !== row.node) this.body.insertBefore(row.node, this.body.children[index] ?? null);
    });
  }

  tick() {
    for (const row of this.#rows.values())
      if (row.call.status === 'in-progress') row.tick();
  }
}

export function liveView() {
  const live = new Table('Calls in progress', true);
  const ended = new Table('Calls that ended', false);
  const settings = recall('live', {order: 'oldest', filter: ''});
  const filter = h('input',
    {type: 'search', id: 'live-filter', placeholder: 'Number, rule or voice', value: settings.filter, autocomplete: 'off'});
  const order = h('select', {id: 'live-order'},
    Object.entries(ORDERS).map(([name, [label]]) => h('option', {value: name, selected: name === settings.order}, label)));
  const note = h('p', {class: 'help', role: 'status'});
  const empty = h('div', {class: 'empty'});
  const stat = (label) => {
    const value = h('dd');
    const more = h('dd', {class: 'stat-more'});
    return {value, more, node: h('div', {class: 'stat'}, h('dt', {}, label), value, more)};
  };
  const stats =
    {calls: stat('In progress'), answer: stat('Answer time, median'), cost: stat('Spent today'), ended: stat('Ended lately')};
  const liveBox = h('section', {class: 'panel', 'aria-labelledby': 'live-head'},
    h('div', {class: 'panel-head'}, h('h2', {id: 'live-head'}, 'In progress'),
      h('div', {class: 'tools'}, h('label', {class: 'inline', 'for': 'live-filter'}, h('span', {}, 'Filter'), filter),
        h('label', {class: 'inline', 'for': 'live-order'}, h('span', {}, 'Order'), order))),
    live.node, empty, note);
  const endedBox = h('section', {class: 'panel', 'aria-labelledby': 'ended-head'},
    h('div', {class: 'panel-head'}, h('h2', {id: 'ended-head'}, 'Ended lately'),
      h('a', {class: 'button small push', href: '#/history'}, 'All calls')),
    ended.node);

  function drawEmpty(calls, shown) {
    const key = !feed.isKnown ? 'wait' :
      !calls.length           ? `none${feed.overview?.public_url ?? ''          }${feed.overview?.draining}` :
                shown ? '' :
                        'filtered';
    if (key === empty.dataset.key) return;
    empty.dataset.key = key;
    empty.hidden = key === '';
    live.node.hidden = key !== '';
    if (key === 'wait')
      fill(empty, h('p', {}, 'Asking the server for its calls…'));
    else if (key === 'filtered') {
      fill(empty, h('h3', {}, 'No call matches the filter'),
        h('button', {
          type: 'button',
          class: 'button',
          onclick: () => {
            filter.value = '';
            changed();
          }
        },
          'Clear the filter'));
    } else if (key) {
      const url = feed.overview?.public_url;
      fill(empty, icon('phone', 32), h('h3', {}, 'No call at the moment'),
        h('p', {},
          feed.overview?.draining ? 'The server is draining and takes no new calls.' :
            url                   ? `The line is open: calls that arrive at ${url} appear here by themselves.` :
                                    'PUBLIC_URL is not set, so Twilio cannot reach this server yet. The checklist says what is missing.'),
        h('div', {class: 'actions'},
          session.mayOperate ? h('button', {type: 'button', class: 'button primary', onclick: () => makeCallDialog()},
                                 icon('phone'), 'Make a call') :
                               null,
          session.mayOperate ? h('a', {class: 'button', href: '/talk', target: '_blank', rel: 'noopener'}, icon('microphone'),
                                 'Talk in the browser') :
                               null,
          h('a', {class: 'button', href: '#/setup'}, 'Check the setup')));
    }
  }

  function draw() {
    const text = filter.value.trim().toLowerCase();
    const matches = (call) =>
      !text || [call.from, call.to, call.rule, call.voice, call.call_sid].some((part) => part?.toLowerCase().includes(text));
    const calls = feed.live;
    const found = calls.filter(matches).sort(ORDERS[order.value]?.[1] ?? ORDERS.oldest[1]);
    const past = feed.ended.sort((a, b) => (b.ended_at ?? '').localeCompare(a.ended_at ?? ''));
    live.show(found.slice(0, ROWS_MAX));
    ended.show(past);
    endedBox.hidden = !past.length;
    drawEmpty(calls, found.length);
    say(note,
      found.length > ROWS_MAX ? `${ROWS_MAX} of ${count(found.length)} calls are shown: use the filter to find others.` : '');
    const latencies = [...calls, ...past].map((call) => call.latency_ms).filter((value) => value !== undefined && value !== null);
    const talking = calls.filter((call) => call.speaking !== 'nobody').length;
    say(stats.calls.value, count(calls.length));
    say(stats.calls.more, calls.length ? `${talking} with speech right now` : `room for ${count(feed.overview?.calls_max ?? 0)}`);
    say(stats.answer.value, milliseconds(percentile(latencies, 0.5)));
    say(stats.answer.more,
      latencies.length ? `95 of 100 within ${milliseconds(percentile(latencies, 0.95))}` : 'no answer measured yet');
    const overview = feed.overview;
    say(stats.cost.value, money(overview?.day_cost_usd));
    say(stats.cost.more, overview?.day_budget_usd ? `of ${money(overview.day_budget_usd)} a day` : 'no daily budget is set');
    const trouble = past.filter((call) => state(call)[1] === 'bad').length;
    say(stats.ended.value, count(past.length));
    say(stats.ended.more, trouble ? `${plural(trouble, 'call')} ended in trouble` : 'none ended in trouble');
    mark(stats.ended.more, 'class', `stat-more ${trouble ? 'bad' : ''}`);
  }
  const changed = () => {
    keep('live', {order: order.value, filter: filter.value});
    draw();
  };
  filter.addEventListener('input', changed);
  order.addEventListener('change', changed);
  const drawSoon = perFrame(draw);
  const offs = [feed.on('calls', drawSoon), feed.on('overview', drawSoon)];
  const timer = setInterval(() => live.tick(), 1_000);
  draw();
  return {
    title: 'Live calls',
    node: h('div', {class: 'view'}, h('h1', {}, 'Live calls'),
      h('dl', {class: 'stats'}, Object.values(stats).map((one) => one.node)), liveBox, endedBox),
    dispose() {
      clearInterval(timer);
      for (const off of offs) off();
    },
  };
}
