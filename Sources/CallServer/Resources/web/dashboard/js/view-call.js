// One call: followed while it lasts, and looked into afterwards.
import {callPath, get, post, remove} from './api.js';
import {CallModel} from './call-model.js';
import {hangUpDialog, instructionsDialog, interrupt, toggleMute, transferDialog} from './commands.js';
import {confirm} from './dialog.js';
import {fill, h, mark, perFrame, say, unique} from './dom.js';
import {feed} from './feed.js';
import {bytes, count, duration, fullMoment, milliseconds, money, number, plural} from './format.js';
import {icon} from './icons.js';
import {Inspector} from './inspector.js';
import {Listen} from './listen.js';
import {Meters} from './meters.js';
import {router} from './router.js';
import {session} from './session.js';
import {keep, recall} from './storage.js';
import {tabs} from './tabs.js';
import {Timeline} from './timeline.js';
import {attempt} from './toast.js';
import {ToolCards} from './tool-cards.js';
import {Transcript} from './transcript.js';
import {Waterfall} from './waterfall.js';
import {act, speaking, state} from './words.js';

/** The record of a call that just ended is written within about so long, in milliseconds. */
const WRITTEN_AFTER = 2_000;
/** So long the board is waited for, in milliseconds. */
const PATIENCE = 1_500;

export function callView({parts, search}) {
  const sid = parts[0] ?? '';
  const model = new CallModel(sid);
  const offs = [];
  let isGone = false;
  let listen = null;
  let audio = null;

  const transcript = new Transcript(model);
  const toolCards = new ToolCards(model);
  const show = (t, key) => {
    if (key) transcript.show(key);
    if (audio) seek(t);
  };
  const timeline = new Timeline(model, show);
  const waterfall = new Waterfall(model, (t, key) => show(t, key));
  const inspector = new Inspector(model);
  const meters = new Meters();
  const facts = h('dl', {class: 'facts'});
  const tabset = tabs('About this call',
    [
      ['tools', 'Tools', toolCards.node],
      ['latency', 'Answer times', waterfall.node],
      ['events', 'Events', inspector.node],
      ['details', 'Details', facts],
    ],
    recall('call-tab', 'tools'), (name) => keep('call-tab', name));

  const who = h('h1', {}, 'Call');
  const to = h('p', {class: 'sub'});
  const badge = h('span', {class: 'badge'});
  const figure = (label, className) => {
    const value = h('dd');
    return {value, node: h('div', {class: className}, h('dt', {}, label), value)};
  };
  const figures = {
    time: figure('Duration'),
    speaks: figure('Speaking', 'f-speaks'),
    latency: figure('Answer time'),
    cuts: figure('Interruptions'),
    cost: figure('Cost')
  };
  const controls = h('div', {class: 'controls', role: 'group', 'aria-label': 'Lead this call'});
  const listening = h('div');
  const composerSlot = h('div');
  const recordingSlot = h('div');
  const problem = h('div', {class: 'banner bad', hidden: true, role: 'alert'});
  const meterBox = h('div', {class: 'meter-box'}, meters.node);

  function seek(t) {
    if (!audio) return;
    audio.currentTime = Math.max(0, t / 1000);
    audio.play().catch(() => {});
  }

  // Controls

  function drawControls() {
    const call = model.summary;
    const isLive = model.isLive;
    const key = `${isLive}${call?.agent_muted}${call?.can_transfer}${session.mayOperate}`;
    if (!call || key === controls.dataset.key) return;
    controls.dataset.key = key;
    const focused = controls.contains(document.activeElement) ? document.activeElement.dataset.act : null;
    const button = (act, picture, label, run, tone = '') =>
      h('button', {type: 'button', class: `button ${tone}`, data: {act}, onclick: run}, icon(picture), label);
    meterBox.hidden = !isLive;
    if (isLive) {
      if (!listen) {
        listen = new Listen(sid);
        fill(listening, listen.panel);
        if (search.has('listen')) {
          router.remember(`#/call/${encodeURIComponent(sid)}`);
          listen.start();
        }
      }
      fill(controls, listen.button,
        session.mayOperate ?
          [
            button('mute', call.agent_muted ? 'sound' : 'mute', call.agent_muted ? 'Unmute agent' : 'Mute agent',
              () => toggleMute(model.summary)),
            button('interrupt', 'hand', 'Interrupt', () => interrupt(model.summary)),
            button('change', 'edit', 'Instructions', () => instructionsDialog(model.summary)),
            call.can_transfer ? button('transfer', 'transfer', 'Transfer', () => transferDialog(model.summary)) : null,
            button('hangup', 'hangup', 'Hang up', () => hangUpDialog(model.summary), 'danger'),
          ] :
          h('p', {class: 'help'}, 'You are a viewer: you may look and listen, but not act.'));
      fill(composerSlot, session.mayOperate ? composer() : null);
    } else {
      listen?.stop();
      fill(listening);
      fill(composerSlot);
      fill(controls, session.mayOperate && model.record ? button('delete', 'trash', 'Delete record', removeRecord) : null,
        model.record || model.summary ?
          h('a',
            {class: 'button', href: `#/history${model.summary?.from ? `?number=${encodeURIComponent(model.summary.from)}` : ''}`},
            icon('history'), 'This caller’s calls') :
          null);
    }
    if (focused) controls.querySelector(`[data-act="${focused}"]`)?.focus();
  }

  function composer() {
    const id = unique('message');
    const text = h('textarea', {id, rows: 1, placeholder: 'The agent says this to the caller', 'aria-describedby': `${id}-help`});
    const help = h('p', {class: 'help', id: `${id}-help`});
    const respond = h('input', {type: 'checkbox', id: `${id}-respond`, checked: true});
    const respondLabel =
      h('label', {class: 'check small', 'for': respond.id, hidden: true}, respond, h('span', {}, 'Answer at once'));
    let mode = 'say';
    const modes = ['say', 'instruct'].map(
      (name) => h('button', {type: 'button', class: 'segment', data: {mode: name}, onclick: () => choose(name)},
        name === 'say' ? 'Say' : 'Whisper'));
    function choose(name) {
      mode = name;
      for (const one of modes) one.setAttribute('aria-pressed', String(one.dataset.mode === name));
      text.placeholder =
        name === 'say' ? 'The agent says this to the caller' : 'Tell the agent something; the caller does not hear it';
      respondLabel.hidden = name === 'say';
      say(help, name === 'say' ? 'Said aloud, in the agent’s voice.' : 'Only the agent is told.');
    }
    choose('say');
    const send = h('button', {type: 'submit', class: 'button primary'}, icon('send'), h('span', {}, 'Send'));
    const form = h('form', {
      class: 'composer panel',
      onsubmit: async (event) => {
        event.preventDefault();
        if (!text.value.trim()) return text.focus();
        send.disabled = true;
        const body = {text: text.value.trim(), mode};
        if (mode === 'instruct') body.respond = respond.checked;
        if (await attempt(() => post(callPath(sid, 'message'), body),
              mode === 'say' ? 'The agent says it.' : 'The agent was told.', 'Not sent'))
          text.value = '';
        send.disabled = false;
        text.focus();
      },
    },
      h('div', {class: 'segments', role: 'group', 'aria-label': 'How'}, modes),
      h('label', {class: 'visually-hidden', 'for': id}, 'Message'), text, send,
      h('div', {class: 'composer-foot'}, help, respondLabel));
    text.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && !event.shiftKey) {
        event.preventDefault();
        form.requestSubmit();
      }
    });
    return form;
  }

  async function removeRecord() {
    if (!await confirm('Delete the record of this call?',
          'The transcript, the tools’ results, the figures and the recording go for good.', 'Delete for good'))
      return;
    if (await attempt(() => remove(`/history/${encodeURIComponent(sid)}`), 'The record was deleted.', 'Not deleted'))
      router.go('#/history');
  }

  // What is shown of it

  const drawHead = perFrame(() => {
    const call = model.summary;
    if (!call || isGone) return;
    const isOut = (call.direction ?? '').startsWith('outbound');
    say(who, number(isOut ? call.to : call.from));
    say(to,
      `${isOut ? 'called from' : 'called'} ${(isOut ? call.from : call.to) || 'an unknown number'} · ${
          [call.rule, call.voice && `voice ${call.voice}`, call.model].filter(Boolean).join(' · ')}`);
    const [words, tone] = state(call);
    say(badge, words);
    mark(badge, 'class', `badge ${tone}`);
    say(figures.time.value, duration(feed.durationOf(call)));
    say(figures.speaks.value, model.isLive ? speaking(call.speaking) : '–');
    mark(figures.speaks.value, 'class', `is-${call.speaking}`);
    figures.speaks.node.hidden = !model.isLive;
    say(figures.latency.value, milliseconds(call.latency_ms));
    say(figures.cuts.value, count(call.interruptions));
    say(figures.cost.value, money(call.cost_usd));
    drawControls();
  });

  const drawFacts = perFrame(() => {
    const call = model.summary;
    if (!call) return;
    const row = (name, value) =>
      (value === null || value === undefined || value === '' ? null : h('div', {}, h('dt', {}, name), h('dd', {}, value)));
    const use = model.fullUsage;
    fill(facts, row('Call', call.call_sid), row('Stream', call.stream_sid), row('From', call.from), row('To', call.to),
      row('Direction', call.direction), row('Rule', call.rule), row('Model', call.model), row('Voice', call.voice),
      row('Began', fullMoment(call.started_at)), row('Ended', call.ended_at ? fullMoment(call.ended_at) : null),
      row('Reason', call.end_reason ? `${state(call)[0]}, by ${call.ended_by ?? 'unknown'}` : null),
      row('In detail', call.end_detail),
      row('Model lost and found', typeof call.reconnects === 'number' ? count(call.reconnects) : null),
      use ?
        row('Tokens in',
          `${count(use.audio_in)} audio (${count(use.audio_cached)} cached), ${count(use.text_in)} text (${
            count(use.text_cached)} cached)`) :
        model.usage.responses ?
        row('Tokens in', `${count(model.usage.input)}, ${count(model.usage.cached)} of them cached; since this page was opened`) :
        null,
      use ? row('Tokens out', `${count(use.audio_out)} audio, ${count(use.text_out)} text`) :
        model.usage.responses ? row('Tokens out', `${count(model.usage.output)}; since this page was opened`) :
                                null,
      model.rateLimits ?
        row('Left of the rate limits',
          model.rateLimits.map((limit) => `${limit.name} ${limit.remaining === null ? '–' : count(limit.remaining)}`)
            .join(', ')) :
        null,
      model.recording ? row('Recording', `${duration(model.recording.duration_ms)}, ${bytes(model.recording.bytes)}`) : null,
      model.recording?.dropped || model.recording?.disk_errors ?
        row('Silent in the recording',
          `${plural(model.recording.dropped ?? 0, 'piece')} of audio lost, ${
            plural(model.recording.disk_errors ?? 0, 'write')} failed`) :
        null,
      model.actions.length ?
        row('Done by people', h('ul', {}, model.actions.map((action) => h('li', {}, `${duration(action.t)} ${act(action)}`)))) :
        null);
  });

  function drawRecording() {
    const {recording} = model;
    if (!recording?.url || audio) return;
    // Only files of this server: the address is data, too.
    const url = new URL(recording.url, location.href);
    if (url.origin !== location.origin) return;
    audio = h('audio',
      {controls: true, preload: 'metadata', src: url.pathname + url.search, 'aria-label': 'Recording: caller left, agent right'});
    audio.addEventListener('timeupdate', () => {
      timeline.playing(audio.currentTime * 1000);
      transcript.playing(audio.currentTime * 1000);
    });
    audio.addEventListener('error', () => { say(state_, 'The recording cannot be played here.'); });
    const state_ = h('span', {class: 'help'}, 'Caller left, agent right. Press a time in the transcript to hear that place.');
    fill(recordingSlot,
      h('section', {class: 'panel recording', 'aria-label': 'Recording'}, audio, state_,
        h('a', {class: 'button small', href: url.pathname + url.search, download: ''}, icon('download', 16), 'WAV')));
    transcript.seek = seek;
  }

  offs.push(model.on('change', (what) => {
    if (what === 'lines') transcript.draw();
    if (what === 'tools') {
      toolCards.draw();
      const open = model.tools.filter((tool) => !tool.outcome).length;
      tabset.badge('tools', model.tools.length ? (open && model.isLive ? `${open} waiting` : String(model.tools.length)) : '');
    }
    if (what === 'timeline') timeline.draw();
    if (what === 'turns') waterfall.draw();
    if (what === 'summary') {
      drawHead();
      drawFacts();
      transcript.draw();
      timeline.draw();
    }
    if (what === 'facts') drawFacts();
    if (what === 'ended') setTimeout(() => !isGone && load(), WRITTEN_AFTER);
  }));

  // Where it comes from

  let isLoading = false;
  async function load() {
    if (isLoading || isGone) return;
    isLoading = true;
    try {
      await loadOnce();
    } finally { isLoading = false; }
  }

  async function loadOnce() {
    const known = feed.calls.get(sid);
    if (known) model.take(known);
    if (!known || known.status !== 'in-progress') {
      const record =
        await get(`/history/${encodeURIComponent(sid)}`).catch((error) => (error.status === 401 ? Promise.reject(error) : null));
      if (isGone) return;
      // A call that is still open has a record, too, which does not tell how it goes on.
      if (record && record.status !== 'in-progress') {
        model.recording = record.recording;
        drawRecording();
        model.history(record);
        controls.dataset.key = '';
        inspector.stop();
        drawHead();
        return;
      }
    }
    try {
      const detail = await get(callPath(sid));
      if (isGone) return;
      model.detail(detail);
      if (!model.isLive) inspector.stop();
      setTimeout(() => { transcript.isSettled = true; }, 1_000);
      problem.hidden = true;
    } catch (error) {
      if (isGone) return;
      if (error.status === 404) {
        say(who, 'No such call');
        fill(problem, icon('alert'),
          h('p', {}, 'The server knows no call of this name. Its record may have been deleted, or it was not written down.'),
          h('a', {class: 'button small', href: '#/history'}, 'All calls'));
      } else
        fill(problem, icon('alert'), h('p', {}, `The call cannot be shown: ${error.message}.`),
          h('button', {type: 'button', class: 'button small', onclick: load}, 'Try again'));
      problem.hidden = false;
    }
  }

  offs.push(
    feed.on('event',
      (message) => {
        if (message.call_sid === sid && model.summary) model.event(message);
      }),
    feed.on('call',
      (call) => {
        if (call.call_sid === sid && !model.record) model.take(call);
      }),
    feed.on('levels', (levels) => meters.show(levels)),
    // After a lost connection, what happened meanwhile is asked for.
    feed.on('snapshot',
      () => {
        if (!model.record) load();
      }),
  );
  const tick = setInterval(() => {
    if (model.isLive) {
      drawHead();
      timeline.draw();
    }
  }, 1_000);

  const place = () => (model.isLive ? 'live' : 'history');
  return {
    title: 'Call',
    get place() { return feed.calls.get(sid)?.status === 'in-progress' ? 'live' : place(); },
    fills: true,
    node: h('div', {class: 'view call-view'},
      h('div', {class: 'call-head'},
        h('a', {
          class: 'button plain square',
          href: '#/live',
          'aria-label': 'Back to the live calls',
          title: 'Back',
          onclick: (event) => {
            if (history.length > 1) {
              event.preventDefault();
              history.back();
            }
          }
        },
          icon('back')),
        h('div', {class: 'call-who'}, h('div', {class: 'call-title'}, who, badge), to),
        h('dl', {class: 'call-figures', 'aria-label': 'Figures of this call'}, Object.values(figures).map((one) => one.node))),
      problem, h('div', {class: 'call-bar'}, controls, meterBox), listening, recordingSlot, timeline.node,
      h('div', {class: 'call-columns'}, h('div', {class: 'call-left'}, transcript.node, composerSlot), tabset.node)),
    shown() {
      feed.watch(sid);
      const known = feed.calls.get(sid);
      if (!known || known.status === 'in-progress') inspector.connect();
      // The board says whether it is in progress; without a connection it is loaded all the same.
      if (feed.isKnown)
        load();
      else
        setTimeout(() => {
          if (!model.summary) load();
        }, PATIENCE);
    },
    dispose() {
      isGone = true;
      clearInterval(tick);
      feed.watch(null);
      listen?.stop();
      audio?.pause();
      inspector.dispose();
      timeline.dispose();
      meters.dispose();
      for (const off of offs) off();
    },
  };
}
