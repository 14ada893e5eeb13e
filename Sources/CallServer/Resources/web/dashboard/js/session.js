// Who uses the page, and what they may do.
import {get, post} from './api.js';
import {Emitter} from './emitter.js';

class Session extends Emitter {
  user = null;
  role = null;
  canLogIn = false;

  get isKnown() { return this.role !== null; }
  get mayOperate() { return this.role === 'operator'; }

  async load() {
    const answer = await get('/session');
    this.user = answer?.user ?? null;
    this.role = answer?.role ?? null;
    this.canLogIn = answer?.can_log_in ?? false;
    this.emit('change');
  }

  async logIn(token) {
    await post('/login', {token});
    await this.load();
  }

  async logOut() {
    try {
      await post('/logout');
    } finally { this.lose(); }
  }

  /** The server does not know us any more. */
  lose() {
    if (this.role === null) return;
    this.user = null;
    this.role = null;
    this.emit('change');
  }
}

export const session = new Session();
