// How quantities are written. Times of day are the reader's own; durations are exact.
import {clean} from './text.js';

/** Milliseconds as 0:42, 12:05 or 1:02:03. */
export function duration(milliseconds) {
  const seconds = Math.max(0, Math.floor((milliseconds || 0) / 1000));
  const two = (number) => String(number).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** A place in a call as 0:42.3. */
export function position(milliseconds) {
  const value = Math.max(0, milliseconds || 0);
  return `${duration(value)}.${Math.floor((value % 1000) / 100)}`;
}

/** Milliseconds as 640 ms or 1.85 s. */
export function milliseconds(value) {
  if (value === null || value === undefined) return '–';
  return value < 1000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(value < 10000 ? 2 : 1)} s`;
}

/** US dollars: three digits below a cent's tenth matter for a single call. */
export function money(dollars) {
  if (dollars === null || dollars === undefined) return '–';
  return `$${dollars.toFixed(dollars !== 0 && Math.abs(dollars) < 1 ? 3 : 2)}`;
}

export const count = (number) => (number ?? 0).toLocaleString('en-US');

export function bytes(number) {
  if (number === null || number === undefined) return '–';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = number;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

const clock = new Intl.DateTimeFormat(undefined, {hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23'});
const day = new Intl.DateTimeFormat(undefined, {day: 'numeric', month: 'short'});
const whole = new Intl.DateTimeFormat(undefined, {dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23'});

const date = (text) => {
  const value = new Date(text ?? NaN);
  return Number.isNaN(value.getTime()) ? null : value;
};

/** 14:03:22 */
export const timeOfDay = (text) => {
  const value = date(text);
  return value ? clock.format(value) : '–';
};

/** 14:03:22 today, and with the day before it otherwise. */
export function moment(text) {
  const value = date(text);
  if (!value) return '–';
  const isToday = value.toDateString() === new Date().toDateString();
  return isToday ? clock.format(value) : `${day.format(value)}, ${clock.format(value)}`;
}

export const fullMoment = (text) => {
  const value = date(text);
  return value ? whole.format(value) : '–';
};

/** A caller as it is shown; carriers leave it out when it is withheld. */
export const number = (text) => (text ? clean(text) : 'Number withheld');

export const plural = (many, one, more = `${one}s`) => `${count(many)} ${many === 1 ? one : more}`;
