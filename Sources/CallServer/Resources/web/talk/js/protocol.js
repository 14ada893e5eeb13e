// The messages between page and server: one WebSocket, JSON as text and raw Opus packets as binary (version 1 of the protocol
// that small voice devices speak, with marks and clear in addition). docs/TALK.md describes it.
export const RATE = 24_000;  // Hz, of what we send
export const FRAME_MS = 20;
export const HELLO_MS = 10_000;   // the server must answer the hello within so long
export const TEXT_MOST = 65_536;  // characters of a message; longer ones are passed over
export const NAME_MOST = 256;     // characters of a mark's name

export const hello = () => ({
  type: 'hello',
  version: 1,
  features: {aec: true, marks: true},
  transport: 'websocket',
  audio_params: {format: 'opus', sample_rate: RATE, channels: 1, frame_duration: FRAME_MS}
});
export const listen = (session, state) =>
  ({session_id: session, type: 'listen', state, ...(state === 'start' ? {mode: 'realtime'} : {})});
export const abort = (session) => ({session_id: session, type: 'abort'});
export const mark = (session, name) => ({session_id: session, type: 'mark', name});

/** The message of a text; null for what is none. */
export function parse(text) {
  if (text.length > TEXT_MOST) return null;
  try {
    const message = JSON.parse(text);
    return message && typeof message === 'object' && typeof message.type === 'string' ? message : null;
  } catch { return null; }
}

/** What is wrong with a server's hello, in words; null when it is right. */
export function objection(message) {
  if (message.transport !== 'websocket') return 'its hello names another transport than websocket';
  if (message.audio_params?.format !== 'opus') return 'its hello names another audio format than opus';
  if (typeof message.session_id !== 'string') return 'its hello names no session';
  return null;
}
