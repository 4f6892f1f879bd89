/** One live connection a page to `/api/events`: it resumes where it broke off and says within ten seconds when it is down. */
import { standing } from './client';
import { prefix } from './place';
import { eventReader, type StreamEvent } from './stream';

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

const QUIET_MS = 4_000; // silence after which the server is asked whether it is there
const PROBE_MS = 3_000;
const OPEN_MS = 6_000; // a connection that has not opened by then is given up
const GRACE_MS = 1_500; // a break shorter than this is not shown
const RETRY_MS = [500, 1_000, 2_000, 4_000, 8_000];

const watchers = new Set<() => void>();
const listeners = new Set<(change: Change | null) => void>();
let now: LiveState = { state: 'off', heard: 0 };
let running: AbortController | null = null;
let lastId = '';

/** `change` null = changes may have been missed: load anew. */
export function onChange(listen: (change: Change | null) => void): () => void {
  listeners.add(listen);
  return () => listeners.delete(listen);
}

export function onState(watch: () => void): () => void {
  watchers.add(watch);
  return () => watchers.delete(watch);
}

export const liveState = (): LiveState => now;

export function startLive(): void {
  if (running) return;
  running = new AbortController();
  lastId = '';
  become('connecting', 0);
  void keep(running.signal);
}

export function stopLive(): void {
  running?.abort();
  running = null;
  become('off');
}

function become(state: LiveState['state'], heard = now.heard): void {
  if (state === now.state && heard === now.heard) return;
  now = { state, heard };
  watchers.forEach((watch) => watch());
}

const tell = (change: Change | null): void => listeners.forEach((listen) => listen(change));

function deliver(event: StreamEvent): void {
  if (event.id) lastId = event.id;
  const change = event.event === 'change' ? readChange(event.data) : null;
  if (change) tell(change);
}

export function readChange(data: string): Change | null {
  try {
    const raw = JSON.parse(data) as Partial<Change>;
    return { t: Number(raw.t ?? 0), patients: raw.patients ?? [], types: raw.types ?? [] };
  } catch {
    return null;
  }
}

/** Connects again and again until stopped. */
async function keep(stopped: AbortSignal): Promise<void> {
  let failures = 0;
  while (!stopped.aborted) {
    const broken = setTimeout(() => !stopped.aborted && become('down'), GRACE_MS);
    const lived = await follow(stopped, () => clearTimeout(broken));
    clearTimeout(broken);
    if (stopped.aborted) return;
    failures = lived ? 0 : failures + 1;
    if (failures > 1) become('down');
    else if (now.state === 'live') become('connecting');
    await pause(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] ?? 1_000, stopped);
  }
}

/** One connection until it ends; true if it ever lived. */
async function follow(stopped: AbortSignal, opened: () => void): Promise<boolean> {
  const silence = new AbortController();
  const unopened = setTimeout(() => silence.abort(), OPEN_MS);
  const missed = lastId === '' && now.heard > 0;
  let watch: Watch | null = null;
  try {
    const answer = await fetch(`${prefix}/api/events`, {
      headers: { Accept: 'text/event-stream', ...(lastId && { 'Last-Event-ID': lastId }) },
      cache: 'no-store', credentials: 'same-origin', signal: AbortSignal.any([stopped, silence.signal]),
    });
    clearTimeout(unopened);
    if (answer.status === 401) standing.onExpired();
    if (!answer.ok || !answer.body) return false;
    opened();
    watch = watchSilence(() => {
      become('down');
      silence.abort();
    });
    watch.heard();
    if (missed) tell(null);
    const read = eventReader();
    for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
      watch.heard();
      read(text).forEach(deliver);
    }
  } catch {
    // The connection broke or was dropped as silent: the caller tries again.
  } finally {
    clearTimeout(unopened);
    watch?.end();
  }
  return watch !== null;
}

interface Watch {
  heard: () => void;
  end: () => void;
}

/** Between heartbeats asks a static file whether the server answers: a dead network closes no connection by itself. */
function watchSilence(dead: () => void): Watch {
  let last = Date.now();
  const heard = (): void => {
    last = Date.now();
    become('live', last);
  };
  const probe = async (): Promise<void> => {
    const answer = await fetch('/mark.svg', { method: 'HEAD', cache: 'no-store', signal: AbortSignal.timeout(PROBE_MS) });
    if (!answer.ok) throw new Error(`probe answered ${answer.status}`);
  };
  let ended = false;
  const timer = setInterval(() => {
    if (Date.now() - last < QUIET_MS) return;
    last = Date.now();
    probe().then(() => ended || heard(), () => ended || dead());
  }, 1_000);
  return {
    heard,
    end: () => {
      ended = true;
      clearInterval(timer);
    },
  };
}

/** Waits; shorter when stopped or when the browser says that the network is back. */
function pause(ms: number, stopped: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const over = (): void => {
      clearTimeout(timer);
      removeEventListener('online', over);
      done();
    };
    const timer = setTimeout(over, ms);
    stopped.addEventListener('abort', over, { once: true });
    addEventListener('online', over);
  });
}
