// The fields of a session: what each is called, what it does, and when it is shown. The configuration is drawn from this table.
const isVAD = (session) => session.turn_detection.type === 'server_vad';
const isSemantic = (session) => session.turn_detection.type === 'semantic_vad';
const detects = (session) => session.turn_detection.type !== 'none';
const transcribes = (session) => Boolean(session.transcription);

export const SECTIONS = [
  {
    title: 'What the agent is told',
    fields: [
      {
        path: 'instructions',
        label: 'Instructions',
        kind: 'text',
        rows: 12,
        help: 'Who the agent is and how it behaves. Placeholders such as {{name}} are filled from the call’s variables.',
        measure: true
      },
      {
        path: 'say_first',
        label: 'First words',
        kind: 'text',
        rows: 2,
        help: 'Said word for word when the line is up. Empty: the agent begins by the greeting below, or waits for the caller.'
      },
      {
        path: 'greeting',
        label: 'Greeting',
        kind: 'text',
        rows: 2,
        help: 'How to begin, in the agent’s own words, such as “Greet the caller and ask what it is about”.'
      },
    ]
  },
  {
    title: 'Voice',
    fields: [
      {path: 'voice', label: 'Voice', kind: 'voice', help: 'A call keeps the voice it began with.'},
      {path: 'speed', label: 'Speed', kind: 'range', min: 0.25, max: 1.5, step: 0.05, help: '1 is as recorded.'},
      {
        path: 'max_output_tokens',
        label: 'Longest answer',
        kind: 'tokens',
        help: 'In tokens, 1 to 4,096. A limit that is too small cuts answers off in mid-sentence.'
      },
    ]
  },
  {
    title: 'When it is whose turn',
    fields: [
      {
        path: 'turn_detection.type',
        label: 'Turn detection',
        kind: 'choice',
        options: [['server_vad', 'By loudness'], ['semantic_vad', 'By meaning'], ['none', 'None']],
        help:
          'By loudness: a pause ends the turn. By meaning: the model waits while the caller seems to go on. None: the caller’s turn ends only by keys or by an operator.'
      },
      {
        path: 'turn_detection.threshold',
        label: 'Threshold',
        kind: 'range',
        min: 0,
        max: 1,
        step: 0.05,
        when: isVAD,
        help: 'How loud speech must be. Higher for noisy lines.'
      },
      {
        path: 'turn_detection.silence_duration_ms',
        label: 'Pause that ends a turn (ms)',
        kind: 'number',
        min: 0,
        max: 10000,
        step: 10,
        when: isVAD,
        help: 'Shorter answers sooner, and interrupts more.'
      },
      {
        path: 'turn_detection.prefix_padding_ms',
        label: 'Audio before speech (ms)',
        kind: 'number',
        min: 0,
        max: 5000,
        step: 10,
        when: isVAD,
        help: 'What is kept from before the speech was noticed.'
      },
      {
        path: 'turn_detection.idle_timeout_ms',
        label: 'Ask again after silence (ms)',
        kind: 'number',
        min: 5000,
        max: 30000,
        step: 100,
        nullable: true,
        when: isVAD,
        help: 'Empty: never.'
      },
      {
        path: 'turn_detection.eagerness',
        label: 'Eagerness',
        kind: 'choice',
        options: [['low', 'Low'], ['medium', 'Medium'], ['high', 'High'], ['auto', 'Auto']],
        when: isSemantic,
        help: 'How soon the agent takes its turn.'
      },
      {
        path: 'turn_detection.interrupt_response',
        label: 'The caller may interrupt the agent',
        kind: 'switch',
        when: detects,
        help: 'Off: the agent finishes what it says.'
      },
      {
        path: 'turn_detection.create_response',
        label: 'Answer when the caller’s turn ends',
        kind: 'switch',
        when: detects,
        help: 'Off: answers come only when an operator asks for them.'
      },
    ]
  },
  {
    title: 'Hearing',
    fields: [
      {
        path: 'transcription',
        label: 'Write down what the caller says',
        kind: 'transcription',
        help: 'Off: the agent hears as well, but transcripts and history lack the caller’s words.'
      },
      {path: 'transcription.model', label: 'Transcription model', kind: 'line', when: transcribes},
      {
        path: 'transcription.language',
        label: 'Language',
        kind: 'line',
        when: transcribes,
        help: 'Such as en or de. Empty: found out by itself.'
      },
      {
        path: 'transcription.prompt',
        label: 'Words to expect',
        kind: 'text',
        rows: 2,
        when: transcribes,
        help: 'Names and terms that callers use.'
      },
      {
        path: 'noise_reduction',
        label: 'Noise reduction',
        kind: 'choice',
        nullable: true,
        options: [['', 'None'], ['near_field', 'Near: handset'], ['far_field', 'Far: hands-free']]
      },
    ]
  },
];

export const read = (session, path) => path.split('.').reduce((value, name) => value?.[name], session);

export function write(session, path, value) {
  const names = path.split('.');
  const last = names.pop();
  let place = session;
  for (const name of names) place = place[name] ??= {};
  place[last] = value;
}
