// What a call needs, checked now. It runs when it is opened and when it is asked to: nobody's API is asked every second, and it
// never stands in the way of anything else.
import {get, post} from './api.js';
import {DevicesPanel} from './devices-panel.js';
import {fill, h, mark, say} from './dom.js';
import {feed} from './feed.js';
import {moment} from './format.js';
import {icon} from './icons.js';
import {session} from './session.js';
import {toast} from './toast.js';

const LOOKS = {
  ok: ['check', 'ok', 'In order'],
  warning: ['alert', 'warn', 'Look at this'],
  failed: ['close', 'bad', 'Not working'],
  skipped: ['minus', 'quiet', 'Not checked']
};

export function setupView() {
  const list = h('ol', {class: 'checks', 'aria-busy': 'true'});
  const status = h('p', {class: 'help', role: 'status'}, 'Checking…');
  const again = h('button', {type: 'button', class: 'button', onclick: run}, icon('refresh'), 'Check again');
  const address = h('div');

  async function run() {
    again.disabled = true;
    mark(list, 'aria-busy', 'true');
    say(status, 'Checking: this asks the model, the public address and the carrier, and may take some seconds…');
    try {
      const {checks = []} = await get('/setup');
      fill(list, checks.map((check) => {
        const [picture, tone, words] = LOOKS[check.status] ?? LOOKS.skipped;
        return h('li', {class: `check-row ${tone}`}, h('span', {class: 'check-mark'}, icon(picture, 20)),
          h('div', {}, h('h2', {}, check.title, h('span', {class: `badge ${tone}`}, words)), h('p', {}, check.detail),
            check.advice ? h('p', {class: 'advice'}, h('b', {}, 'What to do: '), check.advice) : null));
      }));
      const count = (name) => checks.filter((check) => check.status === name).length;
      const failed = count('failed');
      const warned = count('warning');
      say(status,
        `${failed ? `${failed} not working` : 'Nothing is broken'}${warned ? `, ${warned} to look at` : ''}. Checked at ${
          moment(new Date().toISOString())}; what was found is told again for ten seconds.`);
    } catch (error) {
      say(status, '');
      fill(list,
        h('li', {class: 'check-row bad'}, h('span', {class: 'check-mark'}, icon('close')),
          h('div', {}, h('h2', {}, 'The checks did not run'), h('p', {}, `${error.message}.`))));
    }
    mark(list, 'aria-busy', null);
    again.disabled = false;
  }

  function drawAddress() {
    const url = feed.overview?.public_url;
    if (address.dataset.url === String(url)) return;
    address.dataset.url = String(url);
    const hook = url ? `${url.replace(/\/$/, '')}/incoming-call` : null;
    fill(address,
      hook ? h('div', {class: 'copy-row'}, h('code', {}, hook),
               h('button', {
                 type: 'button',
                 class: 'button small',
                 onclick: () => navigator.clipboard?.writeText(hook).then(
                   () => toast('Copied.'), () => toast('The browser does not allow copying.', 'bad'))
               },
                 icon('copy', 16), 'Copy')) :
             h('p', {class: 'help'}, 'PUBLIC_URL is not set, so there is no address to give to Twilio yet.'));
  }

  const number = h('input', {
    type: 'tel',
    id: 'setup-number',
    required: true,
    pattern: '\\+[0-9]{7,15}',
    placeholder: '+15550100',
    autocomplete: 'off',
    title: 'A plus sign and 7 to 15 digits'
  });
  const problem = h('p', {class: 'problem', role: 'alert', hidden: true});
  const form = h('form', {
    class: 'inline-form',
    onsubmit: async (event) => {
      event.preventDefault();
      problem.hidden = true;
      try {
        await post('/setup/webhook', {number: number.value.trim()});
        toast('Calls of this number come here now.');
        run();
      } catch (error) {
        problem.textContent = `Not set: ${error.message}.`;
        problem.hidden = false;
      }
    },
  },
    h('div', {class: 'field'}, h('label', {'for': 'setup-number'}, 'Number of the Twilio account'), number),
    h('button', {type: 'submit', class: 'button primary'}, 'Set its webhook'), problem);

  const devices = session.mayOperate ? new DevicesPanel() : null;
  const off = feed.on('overview', drawAddress);
  drawAddress();
  return {
    title: 'Setup',
    node: h('div', {class: 'view setup-view'},
      h('div', {class: 'view-head'}, h('h1', {}, 'Setup'), status, h('div', {class: 'tools'}, again)),
      h('section', {class: 'panel', 'aria-label': 'Checks'}, list),
      h('section', {class: 'panel', 'aria-labelledby': 'hook-head'},
        h('div', {class: 'panel-head'}, h('h2', {id: 'hook-head'}, 'Bring calls here')),
        h('div', {class: 'card-body'}, h('p', {}, 'Twilio asks this address what to do with a call:'), address,
          session.mayOperate ? form : null)),
      devices?.node),
    shown() {
      run();
      devices?.look();
    },
    dispose() {
      off();
      devices?.dispose();
    },
  };
}
