// Texts come from callers, models and tools: they are shown, never obeyed. Terminal escapes and characters that turn the
// direction of writing or hide are replaced by a visible sign. ZWJ and ZWNJ stay: emoji and some scripts need them.
const UNSEEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

const sign = (character) => {
  const code = character.codePointAt(0);
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);  // the control pictures, such as ␛
  if (code === 0x7f) return '\u2421';
  return `\u27e8U+${code.toString(16).toUpperCase().padStart(4, '0')}\u27e9`;
};

/** A text without characters that work unseen. Line feeds and tabs stay. */
export const clean = (text) => String(text ?? '').replace(/\r\n/g, '\n').replace(UNSEEN, sign);

/** At most `length` characters, never half of a surrogate pair. */
export function shorten(text, length) {
  const whole = String(text ?? '');
  if (whole.length <= length) return whole;
  const cut = whole.slice(0, length - 1);
  return (/[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut) + '…';
}

/** JSON for people; a text that is no JSON stays as it is. Never throws: tools may answer anything. */
export function pretty(text) {
  if (typeof text !== 'string') return JSON.stringify(text, null, 2) ?? '';
  const trimmed = text.trim();
  if (!/^[[{]/.test(trimmed)) return text;
  try {
    return JSON.stringify(JSON.parse(trimmed), null, 2);
  } catch { return text; }
}
