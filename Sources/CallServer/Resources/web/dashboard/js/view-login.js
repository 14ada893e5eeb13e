// Logging in with a token.
import {h} from './dom.js';
import {session} from './session.js';
import {brand} from './shell.js';

export function loginView() {
  const problem = h('p', {class: 'problem', role: 'alert', id: 'login-problem', hidden: true});
  const token = h('input', {
    type: 'password',
    id: 'token',
    name: 'token',
    autocomplete: 'current-password',
    required: true,
    'aria-describedby': 'login-help login-problem'
  });
  const button = h('button', {type: 'submit', class: 'button primary wide'}, 'Log in');
  const form = h('form', {
    onsubmit: async (event) => {
      event.preventDefault();
      problem.hidden = true;
      button.disabled = true;
      try {
        await session.logIn(token.value.trim());
      } catch (error) {
        problem.textContent = error.status === 429 ? 'Too many wrong tokens. Wait a minute, then try again.' :
          error.status === 401                     ? 'This token is not known here.' :
                                                     `Logging in failed: ${error.message}.`;
        problem.hidden = false;
        token.select();
        token.focus();
      } finally { button.disabled = false; }
    },
  },
    h('label', {'for': 'token'}, 'Access token'), token,
    h('p', {class: 'help', id: 'login-help'}, 'One of API_TOKEN, VIEWER_TOKEN or USERS, as the server was set up with.'), problem,
    button);
  const closed =
    h('div', {}, h('p', {}, 'This server has no access tokens, so its dashboard opens only on the machine it runs on.'),
      h('p', {class: 'help'},
        'To log in from here, set API_TOKEN (operators) or VIEWER_TOKEN (lookers-on) and restart the server.'));
  document.title = 'Log in · Trunkline';
  queueMicrotask(() => {
    if (session.canLogIn || session.role === null) token.focus();
  });
  return h('main', {class: 'login', id: 'main'},
    h('div', {class: 'login-card'}, h('div', {class: 'brand'}, brand(), h('span', {}, 'Trunkline')),
      h('h1', {}, 'Log in to the call console'), session.canLogIn ? form : closed));
}
