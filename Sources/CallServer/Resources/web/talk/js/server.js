// Asks the server whether it takes calls from browsers.
const TIMEOUT = 8_000;  // ms
const DETAIL_MOST = 300;

const of = (kind, detail, server = null) => ({kind, detail: String(detail ?? '').slice(0, DETAIL_MOST), server});

/** {kind, detail, server}: kind is null when calls are taken, else names a problem. */
export async function askServer() {
  let response;
  try {
    response = await fetch(
      '/talk/status', {credentials: 'same-origin', headers: {Accept: 'application/json'}, signal: AbortSignal.timeout(TIMEOUT)});
  } catch { return of('unreachable'); }
  const body = await response.json().catch(() => null);
  if (response.status === 401) return of('login');
  if (response.ok) return body?.opus ? of(null, '', body) : of('server-unable', 'It was built without Opus.');
  if (response.status === 503) return of('server-unable', body?.error ?? body?.detail);
  return of('server-odd', body?.error ?? body?.detail ?? `Status ${response.status}.`);
}

/** ms from a small request to its answer, as the browser's network stack saw it; null when it failed. */
export async function roundTrip() {
  const from = performance.now();
  try {
    await fetch('/talk/status', {credentials: 'same-origin', cache: 'no-store', signal: AbortSignal.timeout(TIMEOUT)});
  } catch { return null; }
  const entry = performance.getEntriesByType('resource').findLast((one) => one.name.endsWith('/talk/status'));
  performance.clearResourceTimings();
  return entry && entry.startTime >= from - 1 && entry.requestStart > 0 ? entry.responseStart - entry.requestStart :
                                                                          performance.now() - from;
}
