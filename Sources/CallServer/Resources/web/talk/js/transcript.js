// What was said, as lines: pure, with the time given from outside (ms).
//
// An agent's text comes in pieces of about a sentence; each is remembered with the place in the answer's audio at which it
// came. When an answer is cut, the words whose audio was not played are told from those that were, to about a word.
export const LINES_MOST = 400;     // lines that are kept; older ones go and are counted
export const TEXT_MOST = 20_000;   // characters of one line; what is over is left out
export const PIECES_MOST = 400;    // pieces of one answer; further ones lengthen the last
export const WAITING_MS = 10_000;  // a caller's line that has no words by then goes
const CHARACTERS_PER_SECOND = 18;  // fast speech: where the place of a piece's end is not known

/** Scripts that are written without spaces between sentences. */
const UNSPACED = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\u3001\u3002\uff01\uff1f]$/u;

export function join(before, piece) {
  if (!before || /\s$/.test(before) || /^\s/.test(piece) || UNSPACED.test(before)) return before + piece;
  return `${before} ${piece}`;
}

/**
 * How many characters of an answer's text were heard after so many ms of its audio, of which so many had come; ends between
 * words.
 */
export function heardCharacters(pieces, text, heardMs, cameMs) {
  let begun = 0;
  let heard = 0;
  for (let index = 0; index < pieces.length; index += 1) {
    const piece = pieces[index];
    const next = pieces[index + 1];
    const length = (next?.from ?? text.length) - piece.from;
    begun = Math.max(begun, piece.at);
    const shortest = begun + length / CHARACTERS_PER_SECOND * 1000;
    // The next piece's place is this one's end, unless its text came ahead of the audio.
    const end = next && next.at > begun ? next.at : next ? shortest : Math.max(shortest, cameMs);
    if (heardMs < end) {
      heard = piece.from + Math.floor(length * Math.max(0, heardMs - begun) / (end - begun));
      break;
    }
    heard = piece.from + length;
    begun = end;
  }
  if (heard >= text.length) return text.length;
  if (/\s/.test(text[heard])) return heard;
  const before = text.slice(0, heard).search(/\s\S*$/);
  return before < 0 ? (UNSPACED.test(text) ? heard : 0) : before;
}

export class Transcript {
  lines = [];  // {id, who: 'caller' | 'agent' | 'note', at, text, isWaiting, pieces, heard, tone}
  removed = 0;
  version = 0;
  #ids = 0;

  #add(line) {
    this.#ids += 1;
    this.lines.push({id: this.#ids, text: '', isWaiting: false, heard: null, ...line});
    if (this.lines.length > LINES_MOST) {
      this.lines.shift();
      this.removed += 1;
    }
    this.version += 1;
    return this.lines.at(-1);
  }

  note(text, tone, now) { this.#add({who: 'note', text: text.slice(0, TEXT_MOST), tone, at: now}); }

  /** The caller began to speak: the line stands where it belongs, before the words are known. */
  callerBegan(now) {
    if (this.lines.at(-1)?.isWaiting) return;
    this.#add({who: 'caller', isWaiting: true, at: now});
  }

  callerSaid(text, now) {
    const words = text.slice(0, TEXT_MOST);
    const line = this.lines.find((one) => one.isWaiting);
    if (!line) return this.#add({who: 'caller', text: words, at: now});
    line.isWaiting = false;
    line.text = words;
    this.version += 1;
  }

  /** @returns the answer's line, once it has words */
  agentBegan(now) { return {pending: true, at: now, line: null}; }

  /** @param at ms of the answer's audio that had come before the piece */
  agentSaid(answer, piece, at, now) {
    answer.line ??= this.#add({who: 'agent', pieces: [], at: now});
    const line = answer.line;
    const text = join(line.text, piece).slice(0, TEXT_MOST);
    if (line.pieces.length < PIECES_MOST) line.pieces.push({from: line.text.length, at});
    line.text = text;
    this.version += 1;
  }

  /** The answer was cut when so many ms of its audio had been played, of which so many had come. */
  cut(answer, heardMs, cameMs) {
    if (!answer.line) return;
    answer.line.heard = heardCharacters(answer.line.pieces, answer.line.text, heardMs, cameMs);
    this.version += 1;
  }

  tick(now) {
    const kept = this.lines.filter((line) => !line.isWaiting || now - line.at < WAITING_MS);
    if (kept.length === this.lines.length) return;
    this.lines = kept;
    this.version += 1;
  }

  /** The call is over: no words will come. */
  end() {
    this.lines = this.lines.filter((line) => !line.isWaiting);
    this.version += 1;
  }
}
