// The closed lists of the server in plain words. What is not listed is shown as it came.
const spaced = (name) => String(name ?? '').replace(/_/g, ' ');

const REASONS = {
  caller_hung_up: 'Caller hung up',
  carrier_lost: 'Carrier connection broke',
  no_media: 'Carrier sent no audio',
  agent_hung_up: 'Agent ended the call',
  operator_hung_up: 'Operator hung up',
  transferred: 'Transferred',
  idle: 'Nobody spoke',
  maximum_duration: 'Longest duration reached',
  maximum_cost: 'Highest cost reached',
  model_unreachable: 'Model unreachable',
  model_refused: 'Model refused: key, quota or name',
  session_refused: 'Model refused the session',
  format_mismatch: 'Audio format mismatch',
  model_failed: 'Model kept failing',
  draining: 'Server shut down',
  internal_error: 'Internal error',
  interrupted: 'Cut off: the server ended',
};

/** Ends that somebody should look into. */
const TROUBLE = new Set([
  'carrier_lost', 'no_media', 'model_unreachable', 'model_refused', 'session_refused', 'format_mismatch', 'model_failed',
  'internal_error', 'interrupted'
]);

export const END_REASONS = Object.keys(REASONS);
export const reason = (name) => REASONS[name] ?? (name ? spaced(name) : 'Ended');
export const isTrouble = (name) => TROUBLE.has(name);

export const OUTCOMES = {
  succeeded: ['Succeeded', 'ok'],
  failed: ['Failed', 'bad'],
  timed_out: ['Timed out', 'bad'],
  cancelled: ['Cancelled', 'quiet'],
  refused: ['Refused', 'warn'],
};
export const outcome = (name) => OUTCOMES[name] ?? [spaced(name), 'quiet'];

const CAUSES = {
  speech: 'caller spoke',
  key: 'caller pressed a key',
  command: 'operator'
};
export const cause = (name) => CAUSES[name] ?? spaced(name);

/** The caller spoke into an answer that may not be interrupted. */
export const talkOver = (ms) => `both spoke${ms === null ? '' : ` for ${ms} ms`}, the agent went on`;

/** One interruption, as the server tells and keeps it. */
export const interruption = (cut) => {
  const both = cut.talk_over_ms ?? null;
  if (cut.cause === 'suppressed') return talkOver(both);
  return `interrupted, ${cause(cut.cause)}: ${cut.heard_ms} ms heard, ${cut.dropped_ms} ms dropped${
    both === null ? '' : `, both spoke for ${both} ms`}`;
};

/** What a person did to a call, with the words or the number that belong to it. */
export const act = (action) => `${action.who} ${action.what}${action.detail ? `: ${action.detail}` : ''}`;

/** `model_stalled` as Model stalled. */
const SPELLED = {
  cpu: 'CPU',
  openai: 'Model (OpenAI)',
  websocket: 'Calls (WebSocket)',
  memory_available_gb: 'Memory available (GB)'
};
export const title = (name) => SPELLED[name] ?? spaced(name).charAt(0).toUpperCase() + spaced(name).slice(1);

/** What the carrier says of a call that it makes for us, before there is audio. */
const CARRIER = {
  queued: ['Being called', 'info'],
  initiated: ['Being called', 'info'],
  ringing: ['Ringing', 'info'],
  busy: ['Busy', 'warn'],
  'no-answer': ['No answer', 'warn'],
  failed: ['Could not be called', 'bad'],
  canceled: ['Canceled', 'quiet']
};

/** What a call is doing: a word, and the tone in which it is shown. */
export function state(call) {
  if (CARRIER[call.status]) return CARRIER[call.status];
  if (call.status !== 'in-progress') { return [reason(call.end_reason), isTrouble(call.end_reason) ? 'bad' : 'quiet']; }
  if (!call.model_serving)
    return call.reconnects > 0 || call.latency_ms ? ['Reconnecting model', 'warn'] : ['Connecting model', 'info'];
  if (call.agent_muted) return ['Agent muted', 'warn'];
  return ['In conversation', 'ok'];
}

const SPEAKING = {
  nobody: 'Nobody',
  caller: 'Caller',
  agent: 'Agent',
  both: 'Both'
};
export const speaking = (name) => SPEAKING[name] ?? 'Nobody';

export {spaced};
