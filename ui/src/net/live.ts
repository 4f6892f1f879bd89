/** One live connection a page to `/api/events`: it resumes where it broke off and says within ten seconds when it is down. */
import { standing } from './client';
import { eventReader, type StreamEvent } from './stream';
import { prefix } from './place';

export interface Change {
  /** The log position that the change was made at. */
  t: number;
  patients: readonly string[];
  types: readonly string[];
}

export interface LiveState {
  state: 'off' | 'connecting' | 'live' | 'down';
  /** When the last sign of life came, ms since 1970; 0 before the first. */
  heard: number;
}

const QUIET_MS = 5_000; // silence after which the server is asked whether it is there
const PROBE_MS = 3_000;
const GRACE_MS = 1_500; // a break shorter than this is not shown
const RETRY_MS = [500, 1_000, 2_000, 4_000, 8_000];

const watchers = new Set<(state: LiveState) => void>();
const listeners = new Set<(change: Change | null) => void>();
let now: LiveState = { state: 'off', heard: 0 };
let stop: AbortController | null = null;
let lastId = '';

/** `change` null = changes may have been missed: load anew. */
export function onChange(listen: (change: Change | null) => void): () => void {
  listeners.add(listen);
  return () => listeners.delete(listen);
}

export function onState(watch: (state: LiveState) => void): () => void {
  watchers.add(watch);
  return () => watchers.delete(watch);
}

export const liveState = (): LiveState => now;

export function startLive(): void {
  if (stop) return;
  stop = new AbortController();
  lastId = '';
  become('connecting');
  void keep(stop.signal);
}

export function stopLive(): void {
  stop?.abort();
  stop = null;
  become('off');
}

function become(state: LiveState['state'], heard = now.heard): void {
  if (state === now.state && heard === now.heard) return;
  now = { state, heard };
  watchers.forEach((watch) => watch(now));
}

const alive = (): void => become('live', Date.now());

function deliver(event: StreamEvent): void {
  if (event.id) lastId = event.id;
  if (event.event === 'change') {
    const change = readChange(event.data);
    if (change) listeners.forEach((listen) => listen(change));
  } else if (event.event === 'reset') {
    listeners.forEach((listen) => listen(null));
  }
}

export function readChange(data: string): Change | null {
  try {
    const raw = JSON.parse(data) as Partial<Change>;
    return { t: Number(raw.t ?? 0), patients: raw.patients ?? [], types: raw.types ?? [] };
  } catch {
    return null;
  }
}

async function keep(signal: AbortSignal): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    const broken = setTimeout(() => !signal.aborted && now.state !== 'live' && become('down'), GRACE_MS);
    const lived = await follow(signal, () => clearTimeout(broken));
    clearTimeout(broken);
    if (signal.aborted) return;
    failures = lived ? 0 : failures + 1;
    become(failures > 1 ? 'down' : 'connecting');
    await wait(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] ?? 1_000, signal);
  }
}

/** One connection until it ends; true if it ever lived. */
async function follow(signal: AbortSignal, opened: () => void): Promise<boolean> {
  const silence = new AbortController();
  const resumed = lastId !== '' || now.heard === 0;
  let lived = false;
  let watch: ReturnType<typeof watchSilence> | null = null;
  try {
    const headers: Record<string, string> = { Accept: 'text/event-stream', 'Accept-Language': standing.language };
    if (lastId) headers['Last-Event-ID'] = lastId;
    const answer = await fetch(`${prefix}/api/events`, {
      headers, cache: 'no-store', credentials: 'same-origin', signal: AbortSignal.any([signal, silence.signal]),
    });
    if (answer.status === 401) standing.onExpired();
    if (!answer.ok || !answer.body) return false;
    lived = true;
    opened();
    alive();
    if (!resumed) listeners.forEach((listen) => listen(null));
    watch = watchSilence(() => silence.abort());
    const read = eventReader();
    for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
      alive();
      watch.heard();
      read(text).forEach(deliver);
    }
  } catch {
    // The connection broke or was dropped as silent: the caller tries again.
  } finally {
    watch?.end();
  }
  return lived;
}

/** Between heartbeats, asks a static file whether the server answers: a dead network closes no connection by itself. */
function watchSilence(dead: () => void): { heard: () => void; end: () => void } {
  let last = Date.now();
  const timer = setInterval(() => {
    if (Date.now() - last < QUIET_MS) return;
    last = Date.now();
    fetch('/mark.svg', { method: 'HEAD', cache: 'no-store', signal: AbortSignal.timeout(PROBE_MS) }).then(alive, dead);
  }, 1_000);
  return { heard: () => (last = Date.now()), end: () => clearInterval(timer) };
}

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, ms);
    const now = (): void => {
      clearTimeout(timer);
      done();
    };
    signal.addEventListener('abort', now, { once: true });
    if (typeof window !== 'undefined') window.addEventListener('online', now, { once: true });
  });
}
