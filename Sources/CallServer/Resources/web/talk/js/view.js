// The page: one big button, what is going on, how loud both sides are, what was said and how long things took.
import {fill, h, mark, s, say} from '/dashboard/js/dom.js';
import {icon} from '/dashboard/js/icons.js';

import {Level} from './levels.js';
import {Lines} from './lines.js';
import {describe, over} from './problems.js';

const STATES = {
  checking: ['One moment', 'Asking the server.'],
  ready: ['Ready', 'Press the button, then speak. A headset is best; without one, echo is cancelled by the browser.'],
  unable: ['Not possible yet', ''],
  microphone: ['Waiting for the microphone', 'Allow it in the browser’s question.'],
  connecting: ['Connecting', 'Opening the call.'],
  listening: ['Listening', 'Speak when you like, also while the agent speaks.'],
  muted: ['You are muted', 'The agent hears silence.'],
  caller: ['You are speaking', 'Pause when you are done.'],
  thinking: ['The agent is thinking', 'The answer comes in a moment.'],
  agent: ['The agent is speaking', 'Speak to interrupt it.'],
  over: ['Call over', ''],
  failed: ['No call', ''],
};

const MICROPHONE =
  'M12 14.5a3.2 3.2 0 0 1-3.2-3.2V6.7a3.2 3.2 0 0 1 6.4 0v4.6a3.2 3.2 0 0 1-3.2 3.2ZM5.5 11.500a6.5 6.5 0 0 0 13 0M12 18v3';
const MICROPHONE_OFF = `${MICROPHONE}M4.5 4l15 16`;
const STOP = 'M7 7h10v10H7Z';

const shape = (path, size) =>
  s('svg', {class: 'icon', viewBox: '0 0 24 24', width: size, height: size, 'aria-hidden': 'true', focusable: 'false'},
    s('path', {d: path}));

const ms = (value) => value === null ? '–' : `${Math.round(value).toLocaleString('en')} ms`;
const count = (value) => Math.round(value).toLocaleString('en');

class Facts {
  values = new Map();

  constructor(rows) {
    this.node = h('dl', {class: 'facts'}, rows.map(([name, label, help]) => {
      const value = h('dd', {data: {fact: name}}, '–');
      this.values.set(name, value);
      return h('div', {}, h('dt', {}, label, help ? h('small', {}, help) : null), value);
    }));
  }

  show(facts) {
    for (const [name, text] of Object.entries(facts)) say(this.values.get(name), text);
  }
}

export class View {
  levels = {caller: new Level('caller', 'You'), agent: new Level('agent', 'Agent')};
  lines = new Lines();
  #button = '';
  #problem = null;
  #announced = '';

  /** @param on `press()`, `mute()`, `stopAgent()`, `retry()` */
  constructor(root, on) {
    this.announcer = document.getElementById('announcer');
    this.state = h('p', {class: 'state-word', id: 'state'});
    this.hint = h('p', {class: 'help state-help', id: 'state-help'});
    this.button = h('button', {type: 'button', class: 'talk-button', 'aria-describedby': 'state-help', onclick: on.press});
    this.muteButton = h('button', {type: 'button', class: 'button', 'aria-pressed': 'false', onclick: on.mute});
    this.stopButton = h('button', {type: 'button', class: 'button', onclick: on.stopAgent}, shape(STOP, 18), 'Stop the agent');
    this.badge = h('span', {class: 'badge'});
    this.problemBox = h('div', {class: 'problem-box', role: 'alert', hidden: true});
    this.latencies = new Facts([
      ['answer', 'Answer', 'from when the server heard you stop to its first sound'],
      ['median', 'Answers of this call, the median'], ['roundTrip', 'Round trip', 'to the server and back'],
      ['silence', 'Silence after an interruption']
    ]);
    this.details = new Facts([
      ['sent', 'Packets sent'], ['received', 'Packets received'], ['queued', 'Waiting to be played'], ['played', 'Played'],
      ['interruptions', 'Interruptions'], ['gaps', 'Gaps in the sound'], ['lost', 'Dropped (limits)'],
      ['failures', 'Broken packets']
    ]);
    this.on = on;
    fill(root, this.#head(), h('main', {class: 'talk', id: 'main'}, this.#stage(), this.#transcript(), this.#figures()));
  }

  #head() {
    return h('header', {class: 'top'},
      h('a', {class: 'brand', href: '/dashboard', 'aria-label': 'Trunkline, to the dashboard'},
        h('span', {class: 'brand-mark'}, icon('phone', 18)), h('span', {}, 'Trunkline')),
      h('span', {class: 'top-right'}, this.badge));
  }

  #stage() {
    return h('section', {class: 'panel stage', 'aria-labelledby': 'title'}, h('h1', {id: 'title'}, 'Talk to the agent'),
      this.button, this.state, this.hint, h('div', {class: 'actions'}, this.muteButton, this.stopButton),
      h('div', {class: 'levels'}, this.levels.caller.node, this.levels.agent.node), this.problemBox);
  }

  #transcript() {
    return h('section', {class: 'panel transcript', 'aria-labelledby': 'said-title'},
      h('div', {class: 'panel-head'}, h('h2', {id: 'said-title'}, 'Transcript')), this.lines.node);
  }

  #figures() {
    return h('section', {class: 'panel latencies', 'aria-labelledby': 'figures-title'},
      h('div', {class: 'panel-head'}, h('h2', {id: 'figures-title'}, 'How fast')),
      h('div', {class: 'card-body'}, this.latencies.node, h('details', {}, h('summary', {}, 'Connection'), this.details.node)));
  }

  draw(machine, facts) {
    const activity = machine.activity;
    const [word, hint] = STATES[activity];
    mark(document.body, 'data-state', activity);
    say(this.state, word);
    say(this.hint, activity === 'over' && !machine.problem ? over(machine.endReason) : hint);
    this.#announce(machine.phase, word);
    this.#drawButton(machine);
    this.#drawMute(machine);
    mark(this.stopButton, 'disabled', !machine.isAnswering);
    say(this.badge, machine.server ? this.#server(machine.server) : '');
    this.badge.hidden = !machine.server;
    this.#drawProblem(machine.problem);
    this.lines.draw(machine.transcript);
    const {figures} = machine;
    this.latencies.show(
      {answer: ms(figures.answer), median: ms(figures.median), roundTrip: ms(figures.roundTrip), silence: ms(figures.silence)});
    this.details.show({interruptions: count(figures.interruptions), ...facts});
  }

  drawLevels() {
    this.levels.caller.draw();
    this.levels.agent.draw();
  }

  #server({model, voice}) {
    if (model === 'parrot') return 'Parrot: says back what it hears';
    return [model, voice].filter((part) => typeof part === 'string').map((part) => part.slice(0, 60)).join(', ');
  }

  /** Only what begins and ends: what goes on in a call is heard, and speech of a screen reader would go into it. */
  #announce(phase, word) {
    if (phase === this.#announced) return;
    const isFirst = this.#announced === '';
    this.#announced = phase;
    if (!isFirst) say(this.announcer, phase === 'talking' ? 'The call began.' : word);
  }

  #drawButton(machine) {
    const name = machine.isInCall ? 'hangup' : machine.phase === 'over' ? 'again' : 'start';
    mark(this.button, 'disabled', machine.phase === 'checking' || machine.phase === 'unable');
    if (name === this.#button) return;
    this.#button = name;
    const labels = {hangup: 'Hang up', again: 'Call again', start: 'Start talking'};
    fill(this.button, name === 'hangup' ? icon('hangup', 34) : shape(MICROPHONE, 38), h('span', {}, labels[name]));
    mark(this.button, 'class', `talk-button ${name}`);
  }

  #drawMute({isInCall, isMuted}) {
    const key = `${isMuted}`;
    mark(this.muteButton, 'disabled', !isInCall);
    if (this.muteButton.dataset.key === key) return;
    this.muteButton.dataset.key = key;
    mark(this.muteButton, 'aria-pressed', String(isMuted));
    fill(this.muteButton, shape(isMuted ? MICROPHONE_OFF : MICROPHONE, 18), 'Mute');
  }

  #drawProblem(problem) {
    if (problem === this.#problem) return;
    this.#problem = problem;
    this.problemBox.hidden = !problem;
    if (!problem) return fill(this.problemBox);
    const {title, text, detail, again, login} = describe(problem);
    fill(this.problemBox, h('h2', {}, icon('alert', 18), title), text ? h('p', {}, text) : null,
      detail ? h('p', {class: 'detail'}, detail) : null,
      h('div', {class: 'actions'}, login ? h('a', {class: 'button', href: '/dashboard'}, 'Log in on the dashboard') : null,
        again || login ? h('button', {type: 'button', class: 'button', onclick: () => this.on.retry()}, 'Try again') : null));
  }
}
export {count, ms};
