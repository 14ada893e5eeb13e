// What new calls begin with. Saving is told as it is: not saved, being saved, saved (where, when, by whom), or refused and why.
// A draft lives in this browser until it is saved or given up.
import {get, put, remove} from './api.js';
import {confirm, dialog} from './dialog.js';
import {fill, h, mark, say, unique} from './dom.js';
import {moment} from './format.js';
import {router} from './router.js';
import {sessionForm} from './session-form.js';
import {session} from './session.js';
import {forget, keep, recall} from './storage.js';
import {toast} from './toast.js';
import {toolTry} from './tool-try.js';

const DRAFT = 'configuration-draft';
const copy = (value) => JSON.parse(JSON.stringify(value));
/** Compared without regard to the order of names. */
const same = (a, b) => stable(a) === stable(b);
const stable = (value) => JSON.stringify(value,
  (_, inner) => (inner && typeof inner === 'object' && !Array.isArray(inner) ?
      Object.fromEntries(Object.entries(inner).sort(([x], [y]) => x.localeCompare(y))) :
      inner));

const WHERE = {
  database: 'in the database: it survives a restart',
  memory: 'in memory only: a restart forgets it',
  nothing: ''
};

export function configurationView() {
  let saved = null;  // the server's document
  let draft = null;  // { session, tools: { name: bool } }
  let state = 'loading';
  let problems = [];
  let schemas = new Map();
  const isReadOnly = !session.mayOperate;

  const form = h('div', {class: 'config-form'}, h('p', {class: 'empty-line'}, 'Loading…'));
  const status = h('p', {class: 'save-status', role: 'status'});
  const problemList = h('div', {class: 'problems', role: 'alert', hidden: true});
  const save = h('button', {type: 'button', class: 'button primary', onclick: () => store()}, 'Save for new calls');
  const discard = h('button', {type: 'button', class: 'button', onclick: giveUp}, 'Discard changes');
  const reset = h('button', {type: 'button', class: 'button plain', onclick: toSettings}, 'Use the server’s settings');
  const about = h('p', {class: 'help'}, 'What new calls begin with. Calls in progress keep theirs.');
  const notice = h('div', {class: 'banner info', hidden: true});
  const viewers = h('div', {class: 'banner warn', hidden: true});

  const toolsOf = (document) => Object.fromEntries((document.tools ?? []).map((tool) => [tool.name, Boolean(tool.enabled)]));
  const fresh = (document) => ({session: copy(document.session), tools: toolsOf(document)});
  const isDirty = () => Boolean(saved && draft) && !(same(draft.session, saved.session) && same(draft.tools, toolsOf(saved)));
  const stamp = (document) => `${document.saved?.where ?? ''} ${document.saved?.at ?? ''}`;

  function tell() {
    const dirty = isDirty();
    const {where, at, by, applied, problem} = saved?.saved ?? {};
    const words = {
      loading: 'Loading…',
      saving: 'Saving…',
      failed: 'Not saved: see what is wrong below.',
      idle: dirty ? 'Not saved yet. This browser keeps the draft.' :
        applied === false ?
                    `Saved${by ? ` by ${by}` : ''}, but not in use: ${problem ?? 'it does not go with the settings'}` :
        where && where !== 'nothing' ?
                    `Saved for new calls${at ? `, ${moment(at)}` : ''}${by ? ` by ${by}` : ''}; kept ${WHERE[where] ?? where}` :
                    'As the server’s own settings have it; nothing was changed here.',
    };
    say(status, words[state] ?? '');
    mark(status, 'class',
      `save-status ${
        state === 'failed'             ? 'bad' :
          state === 'saving'           ? 'info' :
          dirty || applied === false   ? 'warn' :
          where && where !== 'nothing' ? 'ok' :
                                         ''}`);
    save.disabled = isReadOnly || !dirty || state === 'saving';
    discard.disabled = !dirty || state === 'saving';
    const asked = saved?.viewer_session;
    reset.disabled = isReadOnly || state === 'saving' || ((!where || where === 'nothing') && !asked);
    viewers.hidden = !asked;
    if (asked) {
      fill(viewers,
        h('p', {},
          `${asked.by} changed the session on /ws/logs, ${moment(asked.at)}. New calls get this over what is set below, until `,
          'the server is started again or its own settings are returned to.'),
        h('pre', {}, JSON.stringify(asked.session, null, 2)));
    }
    problemList.hidden = !problems.length;
    router.guard = dirty ? leave : null;
  }

  function changed() {
    if (state === 'failed') {
      state = 'idle';
      problems = [];
    }
    if (isDirty())
      keep(DRAFT, {session: draft.session, tools: draft.tools, base: stamp(saved), at: new Date().toISOString()});
    else
      forget(DRAFT);
    tell();
  }

  function draw() {
    fill(form, sessionForm(draft, {voices: saved.voices, isReadOnly}, changed), toolPanel());
    tell();
  }

  function toolPanel() {
    const id = unique('tools');
    const tools = saved.tools ?? [];
    return h('section', {class: 'panel', 'aria-labelledby': id}, h('div', {class: 'panel-head'}, h('h2', {id}, 'Tools')),
      tools.length ? h('ul', {class: 'tool-list'}, tools.map((tool) => {
        const box = h('input', {
          type: 'checkbox',
          role: 'switch',
          id: unique('tool'),
          checked: Boolean(draft.tools[tool.name]),
          disabled: isReadOnly,
          onchange: () => {
            draft.tools[tool.name] = box.checked;
            changed();
          }
        });
        const schema = schemas.get(tool.name);
        const details = schema && session.mayOperate ?
          h('details', {}, h('summary', {}, 'Try it', h('span', {class: 'visually-hidden'}, `: ${tool.name}`))) :
          null;
        // Made when it is opened for the first time.
        details?.addEventListener('toggle', () => {
          if (details.open && details.children.length === 1) details.append(toolTry(schema));
        });
        return h('li', {},
          h('label', {class: 'switch', 'for': box.id}, box, h('i', {'aria-hidden': 'true'}), h('code', {}, tool.name)),
          h('p', {class: 'help'}, tool.description ?? ''), details);
      })) :
                     h('p', {class: 'empty-line'}, 'The server has no tools. TOOLS_FILE adds some.'));
  }

  function showProblems(error) {
    problems = error.body?.problems?.length ?
      error.body.problems.map((one) => (typeof one === 'string' ?
                                  one :
                                  `${one.field ?? one.path ?? ''}: ${one.detail ?? one.message ?? JSON.stringify(one)}`)) :
      [error.message];
    fill(problemList, h('p', {}, 'The server did not take it; new calls begin as before.'),
      h('ul', {}, problems.map((one) => h('li', {}, one))));
  }

  async function store() {
    state = 'saving';
    problems = [];
    tell();
    try {
      const tools = (saved.tools ?? []).map((tool) => tool.name).filter((name) => draft.tools[name]);
      saved = await put('/configuration', {session: draft.session, tools});
      draft = fresh(saved);
      forget(DRAFT);
      state = 'idle';
      notice.hidden = true;
      draw();
      toast('Saved. New calls begin with it; calls in progress keep theirs.');
      return true;
    } catch (error) {
      state = 'failed';
      showProblems(error);
      tell();
      return false;
    }
  }

  async function giveUp() {
    if (!await confirm('Discard your changes?', 'The form shows again what new calls begin with.', 'Discard')) return;
    draft = fresh(saved);
    forget(DRAFT);
    state = 'idle';
    problems = [];
    notice.hidden = true;
    draw();
  }

  async function toSettings() {
    if (!await confirm('Return to the server’s own settings?',
          'What was saved here is forgotten. New calls begin as the environment and the configuration file say.',
          'Return to them'))
      return;
    try {
      await remove('/configuration');
      forget(DRAFT);
      await load();
      toast('New calls begin with the server’s own settings.');
    } catch (error) { toast(`Not done: ${error.message}`, 'bad'); }
  }

  async function leave() {
    const chosen = await dialog('Leave with unsaved changes?',
      h('p', {}, 'New calls do not have them yet. The draft stays in this browser and is here when you come back.'), [
        {label: 'Stay'}, {label: 'Discard and leave', tone: 'danger', run: () => forget(DRAFT)},
        {label: 'Leave, keep the draft', tone: 'primary'}
      ]);
    return chosen !== null && chosen !== 'Stay';
  }

  async function load() {
    try {
      const [document, tools] = await Promise.all([get('/configuration'), get('/tools').catch(() => [])]);
      saved = document;
      schemas =
        new Map((Array.isArray(tools) ? tools : tools?.tools ?? []).filter((tool) => tool.name).map((tool) => [tool.name, tool]));
      draft = fresh(saved);
      notice.hidden = true;
      const kept = isReadOnly ? null : recall(DRAFT);
      if (kept?.session) {
        // Fields that the server has and an older draft lacks keep the server's values.
        draft = {session: {...draft.session, ...kept.session}, tools: {...draft.tools, ...kept.tools}};
        for (const name of Object.keys(draft.tools))
          if (!(name in toolsOf(saved))) delete draft.tools[name];
        if (isDirty()) {
          const isOvertaken = kept.base !== stamp(saved);
          mark(notice, 'class', `banner ${isOvertaken ? 'warn' : 'info'}`);
          fill(notice,
            h('p', {},
              `Your draft of ${moment(kept.at)} was restored.${
                isOvertaken ? ` Meanwhile ${saved.saved?.by ?? 'somebody'} saved other values: saving yours replaces them.` :
                              ''}`));
          notice.hidden = false;
        } else
          forget(DRAFT);
      }
      state = 'idle';
      if (saved.models?.current)
        say(about, `What new calls begin with, on ${saved.models.current}. Calls in progress keep theirs.`);
      draw();
    } catch (error) {
      fill(form,
        h('div', {class: 'empty'}, h('h3', {}, 'The configuration cannot be shown'), h('p', {}, `${error.message}.`),
          h('button', {type: 'button', class: 'button', onclick: load}, 'Try again')));
    }
  }

  const unload = (event) => {
    if (isDirty()) event.preventDefault();
  };
  window.addEventListener('beforeunload', unload);
  const keys = (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === 's') {
      event.preventDefault();
      if (!save.disabled) store();
    }
  };
  document.addEventListener('keydown', keys);
  load();
  return {
    title: 'Configuration',
    node: h('div', {class: 'view config-view'}, h('div', {class: 'view-head'}, h('h1', {}, 'Configuration'), about),
      isReadOnly ? h('div', {class: 'banner info'}, h('p', {}, 'You are a viewer: you may look, but not change anything.')) :
                   null,
      notice, viewers, form,
      h('div', {class: 'save-bar'}, problemList, status, h('div', {class: 'actions'}, reset, discard, save))),
    dispose() {
      window.removeEventListener('beforeunload', unload);
      document.removeEventListener('keydown', keys);
    },
  };
}
