/** Follows `GET live/feed` for ever: reads its frames, comes again when it ends, and lets go of one that is silent. */
import { SILENT_MS } from './clock';
import { type Frame, frameReader } from './frames';

const RETRY_MS = [250, 500, 1_000, 2_000];
const REFUSED_MS = 5_000;

export interface Followed {
  frame: (frame: Frame) => void;
  /** The status of a refusal; 0 for a stream that broke. Not told of one that ended as it should. */
  refused: (status: number) => void;
}

export async function follow(address: string, told: Followed, stopped: AbortSignal): Promise<void> {
  let failures = 0;
  while (!stopped.aborted) {
    const status = await once(address, told, stopped);
    if (stopped.aborted) return;
    if (status !== 200) told.refused(status);
    failures = status === 200 ? 0 : failures + 1;
    const wait = status >= 400 ? REFUSED_MS : (RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] ?? 0);
    await new Promise((done) => setTimeout(done, wait));
  }
}

/** One connection until it ends: 200 when it ended as it should, the status of a refusal, 0 when it broke. */
async function once(address: string, told: Followed, stopped: AbortSignal): Promise<number> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENT_MS);
  try {
    const signal = AbortSignal.any([stopped, silence.signal]);
    const answer = await fetch(address, { cache: 'no-store', credentials: 'same-origin', signal });
    if (!answer.ok || !answer.body) return answer.status;
    const read = frameReader();
    const reader = answer.body.getReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return 200;
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENT_MS);
      for (const frame of read(value)) told.frame(frame);
    }
  } catch {
    return 0;
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
}
