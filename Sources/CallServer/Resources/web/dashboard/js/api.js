// Requests to the server: JSON both ways, errors in its own words.
import {Emitter} from './emitter.js';

/** Longest wait for an answer, in milliseconds. Trying a tool may take 20 s. */
const TIMEOUT = 25_000;

export const events = new Emitter();  // 'unauthorized'

export class ApiError extends Error {
  /** @param status the HTTP status; 0 when no answer came */
  constructor(status, detail, body) {
    super(detail);
    this.status = status;
    this.body = body;
  }
}

const words = {
  401: 'please log in',
  403: 'you may look, but not act',
  404: 'there is no such thing (any more)',
  429: 'too many requests: wait a minute',
  503: 'the server takes nothing at the moment',
};

export async function request(method, path, body) {
  let response;
  try {
    response = await fetch(path, {
      method,
      credentials: 'same-origin',
      headers: body === undefined ? {Accept: 'application/json'} :
                                    {Accept: 'application/json', 'Content-Type': 'application/json'},
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT),
    });
  } catch (error) {
    throw new ApiError(0, error.name === 'TimeoutError' ? 'the server did not answer in time' : 'the server cannot be reached');
  }
  const text = await response.text().catch(() => '');
  let parsed = null;
  try {
    parsed = text ? JSON.parse(text) : null;
  } catch { /* no JSON: the status speaks */
  }
  if (response.ok) return parsed;
  // The health page answers 503 with its full report.
  if (response.status === 503 && parsed?.services) return parsed;
  if (response.status === 401 && path !== '/login') events.emit('unauthorized');
  const detail =
    typeof parsed?.detail === 'string' && parsed.detail ? parsed.detail : words[response.status] ?? `status ${response.status}`;
  throw new ApiError(response.status,
    response.status === 403 ? `you may look, but not act${detail === words[403] ? '' : ` (${detail})`}` : detail, parsed);
}

export const get = (path) => request('GET', path);
export const post = (path, body = {}) => request('POST', path, body);
export const put = (path, body) => request('PUT', path, body);
export const remove = (path) => request('DELETE', path);

/** `?name=value&...` of what is set, or nothing. */
export function query(values) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values))
    if (value !== null && value !== undefined && value !== '') search.set(name, value);
  const text = search.toString();
  return text ? `?${text}` : '';
}

/** The address of one call's command. */
export const callPath = (sid, command) => `/calls/${encodeURIComponent(sid)}${command ? `/${command}` : ''}`;
