// How the server is, and how much room it has.
import {get, post} from './api.js';
import {confirm} from './dialog.js';
import {fill, h, mark, say} from './dom.js';
import {feed} from './feed.js';
import {count, fullMoment, moment, money, plural} from './format.js';
import {icon} from './icons.js';
import {session} from './session.js';
import {attempt} from './toast.js';
import {spaced, title} from './words.js';

const EVERY = 5_000;  // ms between two looks
const ERRORS_SHOWN = 50;

const TONES = {
  healthy: 'ok',
  warning: 'warn',
  critical: 'bad'
};
const WORDS = {
  healthy: 'Healthy',
  warning: 'Needs a look',
  critical: 'Critical'
};

function bar(label, value, limit, text) {
  const part = limit ? Math.min(1, Math.max(0, value / limit)) : 0;
  return h('div', {class: 'gauge'}, h('div', {class: 'gauge-words'}, h('span', {}, label), h('b', {}, text)),
    h('div', {
      class: `bar ${
        part > 0.95  ? 'bad' :
          part > 0.8 ? 'warn' :
                       ''}`,
      role: 'meter',
      'aria-label': label,
      'aria-valuemin': '0',
      'aria-valuemax': '100',
      'aria-valuenow': String(Math.round(part * 100)),
      'aria-valuetext': text
    },
      h('i', {css: {width: `${part * 100}%`}})));
}

const facts = (rows) => h('dl', {class: 'facts'},
  rows.filter(([, value]) => value !== null && value !== undefined && value !== '').map(([name, value,
    tone]) => h('div', {}, h('dt', {}, name), h('dd', {class: tone}, value))));

export function healthView() {
  const overall = h('div', {class: 'overall'});
  const services = h('div', {class: 'cards'});
  const capacity = h('div', {class: 'card-body'});
  const records = h('div', {class: 'card-body'});
  const server = h('div', {class: 'card-body'});
  const errors = h('div');
  const drain = h('button', {type: 'button', class: 'button', onclick: toggleDrain});
  const drainText = h('p', {class: 'help'});
  const updated = h('p', {class: 'help'});
  let health = null;
  let timer = 0;
  let isGone = false;

  function draw() {
    if (health) {
      const tone = TONES[health.status] ?? 'warn';
      mark(overall, 'class', `overall ${tone}`);
      const key = `${health.status}${(health.services ?? []).map((one) => one.message).join()}`;
      if (overall.dataset.key !== key) {
        overall.dataset.key = key;
        const troubled = (health.services ?? []).filter((one) => one.status !== 'healthy');
        fill(overall, icon(tone === 'ok' ? 'check' : 'alert', 24),
          h('div', {}, h('b', {}, WORDS[health.status] ?? health.status),
            h('p', {},
              troubled.length ? troubled.map((one) => `${title(one.service)}: ${one.message}`).join('; ') :
                                'Every service is well.')));
      }
      // The records have a panel of their own.
      fill(services,
        (health.services ?? [])
          .filter((one) => one.service !== 'records')
          .map((one) => h('section', {class: 'card panel', 'aria-label': title(one.service)},
                 h('div', {class: 'panel-head'}, h('h2', {}, title(one.service)),
                   h('span', {class: `badge ${TONES[one.status] ?? 'warn'}`}, WORDS[one.status] ?? one.status)),
                 h('div', {class: 'card-body'}, h('p', {}, one.message),
                   Object.entries(one.details ?? {}).filter(([name]) => name.endsWith('_percent')).map(([name,
                     value]) => bar(title(name.replace('_percent', '')), value, 100, `${value} %`)),
                   facts(Object.entries(one.details ?? {})
                           .filter(([name]) => !name.endsWith('_percent'))
                           .map(([name, value]) => [title(name),
                                  typeof value === 'number'   ? count(value) :
                                    typeof value === 'object' ? JSON.stringify(value) :
                                                                String(value)]))))));
      drawErrors();
    }
    const overview = feed.overview;
    if (!overview) return;
    fill(capacity,
      bar('Calls', overview.calls_active, overview.calls_max, `${count(overview.calls_active)} of ${count(overview.calls_max)}`),
      overview.day_budget_usd ? bar('Spent today', overview.day_cost_usd, overview.day_budget_usd,
                                  `${money(overview.day_cost_usd)} of ${money(overview.day_budget_usd)}`) :
                                null,
      facts([
        ['Spent today', overview.day_budget_usd ? null : `${money(overview.day_cost_usd)}, no budget is set`],
        [
          'Longest loop turn',
          overview.turn_longest_us === null || overview.turn_longest_us === undefined ?
            null :
            `${(overview.turn_longest_us / 1000).toFixed(1)} ms`,
          overview.turn_longest_us > 20_000 ? 'warn' : ''
        ],
        ['Events lost', count(overview.events_lost), overview.events_lost ? 'bad' : ''],
      ]));
    fill(server, facts([
      ['Version', overview.version], ['Environment', overview.environment], ['Running since', fullMoment(overview.started_at)],
      ['Public address', overview.public_url || 'not set'], ['Viewers', count(overview.viewers)]
    ]));
    const store = overview.records ?? {};
    const audio = store.recordings ?? {};
    const lost = (number) => [number ? count(number) : null, 'bad'];
    fill(records,
      h('p', {},
        !store.enabled  ? 'Calls are not written down. DATABASE_PATH switches it on.' :
          store.healthy ? `Calls are written down${audio.healthy === false ? ', but recordings are not whole' : ''}.` :
                          'Writing does not work.'),
      store.enabled ? facts([
        ['State', store.healthy ? 'Healthy' : 'Failing', store.healthy ? 'ok' : 'bad'],
        [
          'Audio recording',
          !store.recording          ? 'Off' :
            audio.healthy === false ? 'Losing audio' :
                                      'On',
          audio.healthy === false ? 'bad' : ''
        ],
        ['Waiting to be written', count(store.queued)], ['Dropped', count(store.dropped), store.dropped ? 'bad' : ''],
        ['Last error', store.last_error], ['Calls not recorded', ...lost(audio.refused)],
        ['Pieces of audio lost', ...lost(audio.dropped)], ['Recording writes failed', ...lost(audio.disk_errors)],
        ['Last recording error', audio.last_error], ['Ends of calls not delivered', ...lost(store.ends_undelivered)]
      ]) :
                      null);
    const key = `${overview.draining}${session.mayOperate}`;
    if (drain.dataset.key !== key) {
      drain.dataset.key = key;
      fill(drain, icon(overview.draining ? 'play' : 'pause'), overview.draining ? 'Take calls again' : 'Drain');
      mark(drain, 'class', `button ${overview.draining ? 'primary' : ''}`);
    }
    drain.disabled = !session.mayOperate;
    say(drainText,
      overview.draining ? `Draining: new calls are refused, ${plural(overview.calls_active, 'call')} in progress.` :
                          'Draining refuses new calls and lets those in progress go on: do it before an update.');
  }

  function drawErrors() {
    const all = health.errors ?? {};
    const recent = (all.recent_errors ?? []).slice(-ERRORS_SHOWN).reverse();
    const key = JSON.stringify([all.total_errors, recent.length]);
    if (errors.dataset.key === key) return;
    errors.dataset.key = key;
    fill(errors,
      recent.length ?
        [
          h('ul', {class: 'chips plain-list'}, Object.entries(all.error_counts ?? {}).map(([kind,
            number]) => h('li', {class: 'chip still'}, `${spaced(kind)} ${count(number)}`))),
          h('div', {class: 'scroll-x', tabindex: '0', role: 'region', 'aria-label': 'Recent errors, scrolls'},
            h('table', {class: 'plain'},
              h('thead', {}, h('tr', {}, ['When', 'Kind', 'Where', 'What'].map((name) => h('th', {scope: 'col'}, name)))),
              h('tbody', {},
                recent.map((one) => h('tr', {}, h('td', {class: 'num'}, moment(one.timestamp)), h('td', {}, spaced(one.type)),
                             h('td', {}, one.context), h('td', {class: 'grow'}, one.message))))))
        ] :
        h('p', {class: 'empty-line'}, 'No errors since the server was started.'));
  }

  async function look() {
    clearTimeout(timer);
    if (!document.hidden) {
      try {
        health = await get('/health');
        say(updated, `As of ${moment(new Date().toISOString())}, renewed every ${EVERY / 1000} s`);
      } catch (error) { say(updated, `Not renewed: ${error.message}`); }
      if (isGone) return;
      draw();
    }
    timer = setTimeout(look, EVERY);
  }

  async function toggleDrain() {
    const isDraining = feed.overview?.draining;
    if (!isDraining &&
      !await confirm('Drain this server?',
        `New calls will be refused. ${plural(feed.overview?.calls_active ?? 0, 'call')} in progress will go on until they end.`,
        'Drain'))
      return;
    await attempt(() => post(isDraining ? '/undrain' : '/drain'),
      isDraining ? 'New calls are taken again.' : 'New calls are refused now.', 'Not changed');
    await feed.refresh();
  }

  const off = feed.on('overview', draw);
  const panel = (name, body, ...more) =>
    h('section', {class: 'card panel', 'aria-label': name}, h('div', {class: 'panel-head'}, h('h2', {}, name)), body, more);
  draw();
  return {
    title: 'Health',
    node: h('div', {class: 'view'}, h('div', {class: 'view-head'}, h('h1', {}, 'Health and capacity'), updated), overall,
      h('div', {class: 'cards'}, panel('Capacity', capacity, h('div', {class: 'drain'}, drain, drainText)),
        panel('Records', records), panel('Server', server)),
      services,
      h('section', {class: 'panel', 'aria-label': 'Recent errors'}, h('div', {class: 'panel-head'}, h('h2', {}, 'Recent errors')),
        errors)),
    shown: look,
    dispose() {
      isGone = true;
      clearTimeout(timer);
      off();
    },
  };
}
