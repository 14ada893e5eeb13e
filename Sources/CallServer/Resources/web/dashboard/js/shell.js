// What surrounds every view: navigation, the strip that tells how the server stands, and what is wrong with the connection.
import {makeCallDialog} from './call-dialog.js';
import {fill, h, mark, say} from './dom.js';
import {feed} from './feed.js';
import {count, money} from './format.js';
import {icon} from './icons.js';
import {session} from './session.js';

const PLACES = [
  ['live', 'Live calls', 'Live'],
  ['history', 'History', 'History'],
  ['configuration', 'Configuration', 'Configure'],
  ['health', 'Health', 'Health'],
  ['setup', 'Setup', 'Setup'],
];

/** A connection may be away so long before the page says so, in milliseconds: a change of view opens a new one. */
const PATIENCE = 1_200;

const THEMES = [['system', 'As the system', 'system'], ['light', 'Light', 'sun'], ['dark', 'Dark', 'moon']];

export class Shell {
  #view = null;
  #offs = [];
  #timer = 0;

  constructor() {
    this.main = h('main', {id: 'main', class: 'main', tabindex: '-1'});
    this.banner = h('div', {class: 'banners', 'aria-live': 'assertive'});
    this.figures = h('div', {class: 'figures', role: 'group', 'aria-label': 'How the server stands'});
    this.link = h('span', {class: 'link', role: 'status'});
    this.links =
      new Map(PLACES.map(([name, label, short]) => [name,
                           h('a', {class: 'place', href: `#/${name}`}, icon(name, 20), h('span', {class: 'place-long'}, label),
                             h('span', {class: 'place-short', 'aria-hidden': 'true'}, short))]));
    const make = h('button', {type: 'button', class: 'button primary make-call', onclick: () => makeCallDialog()}, icon('phone'),
      h('span', {}, 'Make a call'));
    this.node = h('div', {class: 'shell'},
      h('button', {type: 'button', class: 'skip', onclick: () => this.main.focus()}, 'Skip to content'),
      h('header', {class: 'top'},
        h('a', {class: 'brand', href: '#/live', 'aria-label': 'Trunkline, live calls'}, brand(), h('span', {}, 'Trunkline')),
        this.link, this.figures, h('div', {class: 'top-right'}, session.mayOperate ? make : null, this.#themes(), this.#user())),
      h('nav', {class: 'nav', 'aria-label': 'Views'}, [...this.links.values()], session.mayOperate ? talkPlace() : null),
      h('div', {class: 'stage'}, this.banner, this.main));
    this.#offs.push(feed.on('state', () => this.#linked()), feed.on('overview', () => this.#overview()),
      feed.on('calls', () => this.#overview()));
    this.#linked();
  }

  #themes() {
    const button = h('button', {type: 'button', class: 'button plain square'});
    const draw = () => {
      const at = THEMES.findIndex(([name]) => name === window.trunklineTheme.get());
      const [, label, picture] = THEMES[at] ?? THEMES[0];
      fill(button, icon(picture, 20));
      mark(button, 'aria-label', `Colours: ${label}. Change`);
      mark(button, 'title', `Colours: ${label}`);
    };
    button.addEventListener('click', () => {
      const at = THEMES.findIndex(([name]) => name === window.trunklineTheme.get());
      window.trunklineTheme.set(THEMES[(at + 1) % THEMES.length][0]);
      draw();
    });
    draw();
    return button;
  }

  #user() {
    const title = `${session.user ?? 'This machine'}, ${session.role}`;
    if (!session.canLogIn)
      return h('span', {class: 'user', title}, icon('user', 18), h('span', {class: 'user-name'}, session.user ?? 'local'));
    return h('div', {class: 'user'},
      h('span', {class: 'user-name', title}, session.user ?? 'local', h('small', {}, session.role)),
      h('button', {type: 'button', class: 'button plain small', onclick: () => session.logOut()}, 'Log out'));
  }

  #linked() {
    clearTimeout(this.#timer);
    if (feed.state === 'open') return this.#tellLink('open');
    if (this.isTold === undefined) this.#tellLink('connecting');
    this.#timer = setTimeout(() => this.#tellLink('lost'), PATIENCE);
  }

  #tellLink(state) {
    this.isTold = state;
    this.link.className = `link ${state}`;
    const words = {open: 'Live', connecting: 'Connecting', lost: 'Connection lost'};
    fill(this.link, h('i', {class: 'dot', 'aria-hidden': 'true'}), h('span', {}, words[state]));
    this.node.classList.toggle('is-stale', state === 'lost');
    this.#banners();
  }

  #banners() {
    const overview = feed.overview;
    const lines = [];
    if (this.isTold === 'lost') {
      lines.push([
        'bad', 'alert', 'Connection to the server lost. What you see may be old; trying again by itself.',
        h('button', {type: 'button', class: 'button small', onclick: () => feed.retry()}, 'Try now')
      ]);
    }
    if (overview?.draining)
      lines.push([
        'warn', 'alert', 'Draining: no new calls are taken; calls in progress go on.',
        h('a', {class: 'button small', href: '#/health'}, 'Capacity')
      ]);
    if (overview?.parrot)
      lines.push([
        'info', 'info', 'No model key is set: the built-in parrot answers and says back what it hears.',
        h('a', {class: 'button small', href: '#/setup'}, 'Setup')
      ]);
    if (overview?.records?.enabled && !overview.records.healthy) {
      lines.push([
        'bad', 'alert', `Calls are not being written down: ${overview.records.last_error ?? 'the store does not answer'}.`,
        h('a', {class: 'button small', href: '#/health'}, 'Health')
      ]);
    }
    if (overview?.records?.recordings?.healthy === false) {
      lines.push([
        'bad', 'alert', `Recordings are not whole: ${overview.records.recordings.last_error ?? 'audio was lost'}.`,
        h('a', {class: 'button small', href: '#/health'}, 'Health')
      ]);
    }
    const key = lines.map((line) => line[2]).join('|');
    if (key === this.told) return;
    this.told = key;
    fill(this.banner,
      lines.map(([tone, picture, text, action]) => h('div', {class: `banner ${tone}`}, icon(picture), h('p', {}, text), action)));
  }

  #overview() {
    const overview = feed.overview;
    if (!overview) return;
    const live = feed.isKnown ? feed.live.length : overview.calls_active;
    const budget = overview.day_budget_usd;
    const parts = [
      ['Calls', `${count(live)} / ${count(overview.calls_max)}`],
      ['Today', budget ? `${money(overview.day_cost_usd)} / ${money(budget)}` : money(overview.day_cost_usd)],
    ];
    if (!this.figureNodes) {
      this.figureNodes = parts.map(() => [h('span'), h('b')]);
      fill(this.figures, this.figureNodes.map(([name, value]) => h('span', {class: 'figure'}, name, value)));
    }
    parts.forEach(([name, value], index) => {
      say(this.figureNodes[index][0], name);
      say(this.figureNodes[index][1], value);
    });
    this.#banners();
  }

  show(name, view, isFirst) {
    this.#view?.dispose?.();
    this.#view = view;
    for (const [place, link] of this.links)
      mark(link, 'aria-current', place === name || (name === 'call' && place === view.place) ? 'page' : null);
    document.title = `${view.title} · Trunkline`;
    fill(this.main, view.node);
    this.main.classList.toggle('fills', Boolean(view.fills));
    window.scrollTo(0, 0);
    view.shown?.();
    // Screen readers and keyboards begin at the new view; at the first load, at the top as usual.
    if (!isFirst) {
      const heading = this.main.querySelector('h1');
      heading?.setAttribute('tabindex', '-1');
      heading?.focus({preventScroll: true});
    }
  }

  dispose() {
    this.#view?.dispose?.();
    clearTimeout(this.#timer);
    for (const off of this.#offs) off();
  }
}

/** The page that talks to the agent, beside the calls that go on here. */
function talkPlace() {
  return h('a', {class: 'place talk-place', href: '/talk', target: '_blank', rel: 'noopener'}, icon('microphone', 20),
    h('span', {class: 'place-long'}, 'Talk in browser'), h('span', {class: 'place-short', 'aria-hidden': 'true'}, 'Talk'));
}

export function brand() {
  const mark = h('span', {class: 'brand-mark', 'aria-hidden': 'true'});
  mark.append(icon('live', 20));
  return mark;
}
