// What can be in the way of a call, in words that say what to do. `again`: whether trying again makes sense without more;
// `login`: whether logging in helps.
import {reason} from '/dashboard/js/words.js';

const PROBLEMS = {
  'insecure': {
    title: 'This page needs a secure connection',
    text: 'Browsers give the microphone only to pages over https, or from the machine itself (http://localhost). ' +
      'Open this page by its https address, or set TLS_CERT and TLS_KEY on the server.'
  },
  'no-microphone-api': {title: 'This browser gives pages no microphone', text: 'Use a current Chrome, Edge, Firefox or Safari.'},
  'no-coder': {
    title: 'This browser has no audio encoder for pages (WebCodecs)',
    text: 'It needs AudioEncoder and AudioDecoder: Chrome or Edge 94, Firefox 130, Safari 26, or later ones.'
  },
  'no-opus': {title: 'This browser cannot encode Opus', text: 'Use a current Chrome, Edge or Firefox.'},
  'no-worklet': {title: 'This browser has no AudioWorklet', text: 'Use a current Chrome, Edge, Firefox or Safari.'},
  'denied': {
    title: 'The microphone was not allowed',
    text:
      'Allow it for this page: by the symbol beside the address, or in the settings of the browser or the system. Then try again.',
    again: true
  },
  'no-microphone': {title: 'No microphone was found', text: 'Plug one in or switch it on, then try again.', again: true},
  'microphone-busy': {
    title: 'The microphone cannot be used',
    text: 'Another program may be holding it. Close that one, then try again.',
    again: true
  },
  'microphone-lost':
    {title: 'The microphone went away', text: 'It was unplugged, or its permission was taken back.', again: true},
  'microphone': {title: 'The microphone did not start', text: 'Try again, or choose another one in the browser.', again: true},
  'sound': {title: 'The sound did not start', text: 'The browser could not begin to play or to record. Try again.', again: true},
  'no-sound': {
    title: 'The browser’s sound does not run',
    text: 'It gave nothing of the microphone for five seconds. Is a device for sound there, and not held by another program?',
    again: true
  },
  'coder-failed':
    {title: 'The browser’s audio coder failed', text: 'Try again; if it stays so, use another browser.', again: true},
  'login': {title: 'Please log in first', text: 'Who talks here makes a call that somebody pays for.', login: true},
  'server-unable': {title: 'This server takes no calls from browsers at the moment', text: '', again: true},
  'unreachable': {title: 'The server cannot be reached', text: 'Is it running, and is the network there?', again: true},
  'server-odd': {title: 'The server gave an answer that this page does not understand', text: '', again: true},
  'no-connection':
    {title: 'The call could not be opened', text: 'The server, or a proxy before it, refused the connection.', again: true},
  'no-hello': {
    title: 'The server did not answer in time',
    text: 'It opened the connection, but did not begin the call within 10 seconds.',
    again: true
  },
  'protocol': {
    title: 'The server speaks another protocol',
    text: 'Page and server are of different versions. Reload the page.',
    again: true
  },
  'lost': {title: 'The connection was lost', text: 'The server or the network went away in the middle of the call.', again: true},
  'stopping': {title: 'The server is being stopped', text: 'It will take calls again when it is back.', again: true},
  'refused': {title: 'The server refused the call', text: '', again: true},
  'server-error': {title: 'The server had an error', text: 'The call ended by it. Its log says more.', again: true},
  'busy': {title: 'All lines are busy', text: 'Try again in a moment.', again: true},
};

/** {title, text, again, login, detail} of a problem that the machine names. */
export const describe = ({kind, detail}) => ({again: false, login: false, ...PROBLEMS[kind] ?? PROBLEMS['server-odd'], detail});

/** Why a call is over, when nothing was wrong. */
export const over = (endReason) => endReason === 'caller_hung_up' ? 'You hung up.' :
  endReason                                                       ? `${reason(endReason)}.` :
                                                                    'The call is over.';

/** What this browser lacks: the name of a problem, or null. Of what can be found out before anything is asked of the user. */
export async function lacking(encoding, decoding) {
  if (!window.isSecureContext) return 'insecure';
  if (!navigator.mediaDevices?.getUserMedia) return 'no-microphone-api';
  if (!window.AudioEncoder || !window.AudioDecoder || !window.AudioData) return 'no-coder';
  if (!window.AudioContext || !window.AudioWorkletNode) return 'no-worklet';
  try {
    const [encodes, decodes] =
      await Promise.all([AudioEncoder.isConfigSupported(encoding), AudioDecoder.isConfigSupported(decoding)]);
    return encodes.supported && decodes.supported ? null : 'no-opus';
  } catch { return 'no-opus'; }
}
