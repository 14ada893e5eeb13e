// The page begins here: who uses it, then the shell with its views, or the login.
import {events} from './api.js';
import {fill, h} from './dom.js';
import {feed} from './feed.js';
import {router} from './router.js';
import {session} from './session.js';
import {Shell} from './shell.js';
import {callView} from './view-call.js';
import {configurationView} from './view-configuration.js';
import {healthView} from './view-health.js';
import {historyView} from './view-history.js';
import {liveView} from './view-live.js';
import {loginView} from './view-login.js';
import {setupView} from './view-setup.js';

const VIEWS = {
  live: liveView,
  call: callView,
  history: historyView,
  configuration: configurationView,
  health: healthView,
  setup: setupView,
};

const app = document.getElementById('app');
let shell = null;

function show(parts, search, isFirst) {
  if (!shell) return;
  const [name = 'live', ...rest] = parts;
  const make = VIEWS[name];
  if (!make) return router.go('#/live');
  router.guard = null;
  shell.show(name, make({parts: rest, search}), isFirst);
}

let begun = false;
function changed() {
  if (session.isKnown && !shell) {
    feed.start();
    shell = new Shell();
    fill(app, shell.node);
    if (begun)
      router.again();
    else {
      begun = true;
      router.start(show);
    }
  } else if (!session.isKnown) {
    shell?.dispose();
    shell = null;
    feed.stop();
    fill(app, loginView());
  }
}

events.on('unauthorized', () => session.lose());
session.on('change', changed);

async function begin() {
  try {
    await session.load();
  } catch (error) {
    fill(app,
      h('main', {class: 'login'},
        h('div', {class: 'login-card'}, h('h1', {}, 'Trunkline'),
          h('p', {class: 'problem', role: 'alert'}, `The dashboard cannot start: ${error.message}.`),
          h('button', {class: 'button primary', type: 'button', onclick: begin}, 'Try again'))));
  }
}
begin();
