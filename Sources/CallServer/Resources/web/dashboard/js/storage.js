// What a reload must not lose. Browsers may refuse to keep anything: then it holds until the page is left.
const memory = new Map();
const PREFIX = 'trunkline.';

/** The kept value, or `otherwise`. */
export function recall(name, otherwise = null) {
  try {
    const text = localStorage.getItem(PREFIX + name);
    return text === null ? otherwise : JSON.parse(text);
  } catch { return memory.get(name) ?? otherwise; }
}

export function keep(name, value) {
  memory.set(name, value);
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch { /* full, or private */
  }
}

export function forget(name) {
  memory.delete(name);
  try {
    localStorage.removeItem(PREFIX + name);
  } catch { /* nothing was kept */
  }
}
