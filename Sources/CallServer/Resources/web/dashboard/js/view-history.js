// All calls that were written down: searched, filtered, looked through however many there are, taken away, deleted.
import {get, query, remove} from './api.js';
import {confirm} from './dialog.js';
import {fill, h, mark, say} from './dom.js';
import {count, duration, milliseconds, moment, money, number, plural} from './format.js';
import {icon} from './icons.js';
import {router} from './router.js';
import {session} from './session.js';
import {attempt} from './toast.js';
import {VirtualList} from './virtual-list.js';
import {END_REASONS, reason, state} from './words.js';

/** Calls that are asked for at once, and that the page holds at most. */
const PAGE = 200;
const ROWS_MAX = 50_000;
/** After the last key that was pressed, the search waits so long, in milliseconds. */
const PAUSE = 300;
const WIDE = 52;  // pixels
const NARROW = 92;

const FIELDS = ['text', 'number', 'reason', 'tool', 'from', 'to', 'min_duration_ms'];

/** What was found, with the place that matched marked. The server puts \u0002 and \u0003 around it. */
function snippet(text) {
  const node = h('span', {class: 'snippet'});
  for (const part of String(text).split(/(\u0002[^\u0002\u0003]*\u0003)/)) {
    if (part.startsWith('\u0002'))
      node.append(h('mark', {}, part.slice(1, -1)));
    else
      node.append(h('span', {}, part.replace(/[\u0002\u0003]/g, '')));
  }
  return node;
}

export function historyView({search}) {
  const filters = Object.fromEntries(FIELDS.map((name) => [name, search.get(name) ?? '']));
  const narrow = window.matchMedia('(max-width: 760px)');
  let rows = [];
  let total = 0;
  let cursor = null;
  let isDone = false;
  let isLoading = false;
  let generation = 0;
  let wanted = 0;

  const input = (name, attributes) => h('input', {
    id: `history-${name}`,
    name,
    value: name === 'min_duration_ms' && filters[name] ? String(Number(filters[name]) / 1000) : filters[name],
    autocomplete: 'off',
    ...attributes
  });
  const select = (name, any, options) => h('select', {id: `history-${name}`, name}, h('option', {value: ''}, any),
    options.map(([value, label]) => h('option', {value, selected: value === filters[name]}, label)));
  const controls = {
    text: input('text', {type: 'search', placeholder: 'Words said'}),
    number: input('number', {type: 'search', placeholder: '+1555…', inputmode: 'tel'}),
    reason: select('reason', 'Any ending', END_REASONS.map((name) => [name, reason(name)])),
    tool: select('tool', 'Any tool', filters.tool ? [[filters.tool, filters.tool]] : []),
    from: input('from', {type: 'date'}),
    to: input('to', {type: 'date'}),
    min_duration_ms: input('min_duration_ms', {type: 'number', min: '0', step: '1', placeholder: 'seconds'}),
  };
  const field = (name, label) =>
    h('div', {class: `field f-${name}`}, h('label', {'for': `history-${name}`}, label), controls[name]);
  const status = h('p', {class: 'help', role: 'status'});
  const csv = h('a', {class: 'button small', download: 'calls.csv'}, icon('download', 16), 'CSV');
  const jsonl = h('a', {class: 'button small', download: 'calls.jsonl'}, icon('download', 16), 'JSON lines');
  const erase = h('button', {type: 'button', class: 'button small danger-plain', hidden: true, onclick: eraseCaller},
    icon('trash', 16), 'Delete this caller’s records');
  const empty = h('div', {class: 'empty', hidden: true});
  const head = h('div', {class: 'history-row history-head', role: 'row', 'aria-rowindex': '1'},
    ['Began', 'Caller', 'How it ended', 'Duration', 'Turns', 'Interrupted', 'Answer time', 'Cost', 'Found'].map(
      (name) => h('span', {role: 'columnheader', class: `h-${name.split(' ').at(-1).toLowerCase()}`}, name)));

  const list = new VirtualList({
    label: 'Calls; arrows move, Enter opens',
    rowHeight: narrow.matches ? NARROW : WIDE,
    columns: true,
    class: 'history-list',
    draw: row,
    open: (index) => rows[index] && router.go(address(rows[index])),
    seen: (_, end) => {
      wanted = end;
      more();
    }
  });
  const table =
    h('div', {class: 'history-table', role: 'table', 'aria-label': 'Calls'}, h('div', {role: 'rowgroup'}, head), list.node);
  const address = (call) => `#/call/${encodeURIComponent(call.call_sid)}`;

  function row(index) {
    const call = rows[index];
    if (!call) return h('div', {class: 'history-row is-waiting'}, h('span', {role: 'cell', class: 'h-began'}, '…'));
    const [words, tone] = state(call);
    const isOut = (call.direction ?? '').startsWith('outbound');
    const cell = (name, ...children) => h('span', {role: 'cell', class: `h-${name}`}, children);
    return h('div', {class: 'history-row'}, cell('began', moment(call.started_at)),
      cell('caller', h('a', {href: address(call), tabindex: '-1'}, number(isOut ? call.to : call.from)),
        h('small', {}, isOut ? 'called by us' : call.rule ?? '')),
      cell('ended', h('span', {class: `badge ${tone}`}, words)), cell('duration', duration(call.duration_ms)),
      cell('turns', count(call.turns)), cell('interrupted', count(call.interruptions)),
      cell('time', milliseconds(call.latency_ms)), cell('cost', money(call.cost_usd)),
      cell('found', call.snippet ? snippet(call.snippet) : ''));
  }

  function values() {
    const now = {};
    for (const name of FIELDS) now[name] = controls[name].value.trim();
    if (now.min_duration_ms) now.min_duration_ms = String(Math.round(Number(now.min_duration_ms) * 1000));
    return now;
  }
  /** For the server: whole days in the reader's own time. */
  function asked() {
    const now = values();
    if (now.from) now.from = new Date(`${now.from}T00:00:00`).toISOString();
    if (now.to) now.to = new Date(new Date(`${now.to}T00:00:00`).getTime() + 86_400_000).toISOString();
    return now;
  }

  async function more() {
    if (isLoading || isDone || rows.length >= Math.min(total || 1, wanted + PAGE / 2)) return;
    isLoading = true;
    const mine = generation;
    try {
      const answer = await get(`/history${query({...asked(), cursor, limit: PAGE})}`);
      if (mine !== generation) return;
      const isFirst = rows.length === 0;
      const before = rows.length;
      rows.push(...(answer.calls ?? []));
      cursor = answer.next;
      isDone = !cursor || rows.length >= ROWS_MAX;
      // Told with the first page; calls that came or went since show when the last page does.
      total = !cursor ? rows.length : answer.total ?? Math.max(total, rows.length + 1);
      list.count = Math.min(isDone ? rows.length : total, ROWS_MAX);
      mark(table, 'aria-rowcount', list.count + 1);
      if (isFirst || before < wanted + 8) list.redraw();
      tell();
    } catch (error) {
      if (mine !== generation) return;
      isDone = true;
      fill(empty, icon('alert', 32), h('h3', {}, 'The history cannot be shown'),
        h('p', {}, `${error.message[0].toUpperCase()}${error.message.slice(1)}.`),
        h('button', {type: 'button', class: 'button', onclick: restart}, 'Try again'));
      empty.hidden = false;
      table.hidden = true;
      say(status, '');
    } finally {
      if (mine === generation) {
        isLoading = false;
        if (!isDone) more();
      }
    }
  }

  function tell() {
    const isFiltered = Object.values(values()).some(Boolean);
    say(status,
      `${total > ROWS_MAX ? `more than ${plural(ROWS_MAX, 'call')}` : plural(total, 'call')}${isFiltered ? ' found' : ''}${
        total > ROWS_MAX ? `; the first ${count(ROWS_MAX)} are shown, narrow the search for others` : ''}`);
    empty.hidden = total > 0;
    table.hidden = total === 0;
    table.classList.toggle('with-snippets', values().text !== '');
    if (total === 0) {
      fill(empty, icon('history', 32),
        isFiltered ?
          [
            h('h3', {}, 'No call matches'), h('p', {}, 'Fewer words, or a wider span of days, find more.'),
            h('button', {type: 'button', class: 'button', onclick: clear}, 'Clear all filters')
          ] :
          [
            h('h3', {}, 'No call has been written down yet'),
            h('p', {}, 'Calls appear here when they end, as long as records are switched on.'),
            h('a', {class: 'button', href: '#/health'}, 'Are records on?')
          ]);
    }
  }

  function restart() {
    generation += 1;
    rows = [];
    total = 0;
    cursor = null;
    isDone = isLoading = false;
    wanted = 0;
    empty.hidden = true;
    table.hidden = false;
    say(status, 'Searching…');
    const now = values();
    router.remember(`#/history${query(now)}`);
    const exported = query(asked());
    csv.href = `/history/export.csv${exported}`;
    jsonl.href = `/history/export.jsonl${exported}`;
    erase.hidden = !now.number || !session.mayOperate;
    list.count = 0;
    list.redraw();
    list.node.scrollTop = 0;
    more();
  }

  function clear() {
    for (const control of Object.values(controls)) control.value = '';
    restart();
    controls.text.focus();
  }

  async function eraseCaller() {
    const who = controls.number.value.trim();
    if (
      !await confirm(`Delete everything of ${who}?`,
        `All records and recordings of this number go for good, not only those that the other filters show. Use it when a caller asks to be forgotten.`,
        'Delete for good'))
      return;
    let gone = 0;
    if (await attempt(
          async () => { gone = (await remove(`/history${query({number: who})}`))?.deleted ?? 0; }, null, 'Not deleted')) {
      say(status, `${plural(gone, 'record')} deleted.`);
      restart();
    }
  }

  let timer = 0;
  const form = h('form', {
    class: 'filters panel',
    role: 'search',
    'aria-label': 'Find calls',
    onsubmit: (event) => {
      event.preventDefault();
      clearTimeout(timer);
      restart();
    }
  },
    field('text', 'Search'), field('number', 'Number'), field('reason', 'Ending'), field('tool', 'Tool'),
    field('from', 'From day'), field('to', 'To day'), field('min_duration_ms', 'At least (s)'),
    h('button', {type: 'button', class: 'button clear', onclick: clear}, 'Clear'));
  form.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(restart, PAUSE);
  });

  const resized = () => list.setRowHeight(narrow.matches ? NARROW : WIDE);
  narrow.addEventListener('change', resized);
  get('/tools').then((answer) => {
    const tools = (Array.isArray(answer) ? answer : answer?.tools ?? [])
                    .map((tool) => tool.name)
                    .filter((name) => name && name !== filters.tool);
    controls.tool.append(...tools.map((name) => h('option', {value: name}, name)));
  }, () => {});

  return {
    title: 'History',
    fills: true,
    node: h('div', {class: 'view history-view'},
      h('div', {class: 'view-head'}, h('h1', {}, 'History'), status,
        h('div', {class: 'tools'}, erase, h('span', {class: 'help'}, 'Export'), csv, jsonl)),
      form, h('section', {class: 'panel grow', 'aria-label': 'Found calls'}, table, empty)),
    shown: restart,
    dispose() {
      clearTimeout(timer);
      generation += 1;
      narrow.removeEventListener('change', resized);
      list.dispose();
    },
  };
}
