// Devices that may call: paired by the six digits that they show, and those that wait for somebody to type them in.
import {get, post, remove} from './api.js';
import {confirm} from './dialog.js';
import {fill, h, say} from './dom.js';
import {moment} from './format.js';
import {icon} from './icons.js';
import {attempt, toast} from './toast.js';

/** Between two looks at who waits, in milliseconds. */
const EVERY = 5_000;

export class DevicesPanel {
  #timer = 0;
  #isGone = false;
  #drawn = '';

  constructor() {
    this.code = h('input', {
      id: 'device-code',
      required: true,
      inputmode: 'numeric',
      pattern: '[0-9]{6}',
      maxlength: '6',
      placeholder: '123456',
      autocomplete: 'off',
      title: 'Six digits, as the device shows them'
    });
    this.problem = h('p', {class: 'problem', role: 'alert', hidden: true});
    this.list = h('div', {class: 'devices'});
    this.node = h('section', {class: 'panel', 'aria-labelledby': 'devices-head'},
      h('div', {class: 'panel-head'}, h('h2', {id: 'devices-head'}, 'Devices')),
      h('div', {class: 'card-body'},
        h('p', {}, 'A device that asks for its stream shows six digits until somebody types them in here.'),
        h('form', {class: 'inline-form', onsubmit: (event) => this.#pair(event)},
          h('div', {class: 'field'}, h('label', {'for': 'device-code'}, 'Code on the device'), this.code),
          h('button', {type: 'submit', class: 'button primary'}, 'Pair it'), this.problem),
        this.list));
  }

  async look() {
    clearTimeout(this.#timer);
    if (!document.hidden) {
      try {
        this.#draw(await get('/devices'));
      } catch (error) {
        this.#drawn = '';
        fill(this.list, h('p', {class: 'help'}, `Which devices there are cannot be asked: ${error.message}.`));
      }
    }
    // Another look may have begun meanwhile.
    clearTimeout(this.#timer);
    if (!this.#isGone) this.#timer = setTimeout(() => this.look(), EVERY);
  }

  #draw({paired = [], waiting = []}) {
    const key = JSON.stringify([paired, waiting]);
    // Not drawn anew while nothing changes: the focus stays where it is.
    if (key === this.#drawn) return;
    this.#drawn = key;
    fill(this.list,
      waiting.length ?
        [
          h('h3', {}, 'Waiting for their code'),
          h('ul', {class: 'device-list'},
            waiting.map(
              (one) => h('li', {}, h('code', {}, one.device), h('span', {class: 'help'}, `since ${moment(one.since)}`))))
        ] :
        null,
      h('h3', {}, 'Paired'),
      paired.length ? h('ul', {class: 'device-list'},
                        paired.map((name) =>
                                     h('li', {}, h('code', {}, name),
                                       h(
                                         'button', {
                                           type: 'button',
                                           class: 'button small danger-plain',
                                           'aria-label': `Remove the device ${name}`,
                                           onclick: () => this.#remove(name)
                                         },
                                         icon('trash', 16), 'Remove')))) :
                      h('p', {class: 'help'}, 'No device is paired.'));
  }

  async #pair(event) {
    event.preventDefault();
    this.problem.hidden = true;
    try {
      const {device, kept} = await post('/devices/pair', {code: this.code.value.trim()});
      toast(kept ? `${device} may call now.` : `${device} may call until the server stops: its database does not keep it.`);
      this.code.value = '';
    } catch (error) {
      say(this.problem, `Not paired: ${error.message}.`);
      this.problem.hidden = false;
      this.code.focus();
    }
    await this.look();
  }

  async #remove(name) {
    if (!await confirm(`Remove ${name}?`, 'Its calls end, and it needs a new code to call again.', 'Remove')) return;
    await attempt(() => remove(`/devices/${encodeURIComponent(name)}`), `${name} may not call any more.`, 'Not removed');
    await this.look();
  }

  dispose() {
    this.#isGone = true;
    clearTimeout(this.#timer);
  }
}
