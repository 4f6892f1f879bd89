/** Reads the binary frames of `GET live/feed` (docs/rooms/monitor.md) piece by piece; a pure state machine over bytes. */

export interface Numeric {
  measure: string;
  value: string;
  unit: string;
  at: number;
  received: number;
  /** µs until the next one is due; 0 where none is promised. */
  interval: number;
  flag: string;
}

export interface Part {
  name: string;
  state: string;
  points: number | null;
  least: number;
  most: number;
}

export interface News2 {
  total: number | null;
  least: number;
  most: number;
  level: string | null;
  leastLevel: string;
  scale: string;
  parts: readonly Part[];
}

export interface FeedBed {
  id: string;
  name: string;
  patient: string;
  ward: string;
  wardName: string;
  devices: readonly { id: string; state: string; last: number }[];
  numerics: readonly Numeric[];
  news2: News2 | null;
}

export interface Source {
  name: string;
  kind: string;
  state: string;
  last: number;
}

export interface Piece {
  patient: string;
  code: string;
  unit: string;
  hz: number;
  /** When the last sample was taken, µs since 1970. */
  at: number;
  low: number;
  step: number;
  samples: Uint8Array;
}

export type Frame =
  | { kind: 'beds'; at: number; whole: boolean; beds: readonly FeedBed[]; feeds: readonly Source[] }
  | { kind: 'waves'; at: number; pieces: readonly Piece[] }
  | { kind: 'clock'; at: number; feeds: readonly Source[] };

/** Longer than any frame that the house sends: what announces more is no such stream. */
const LONGEST = 64 * 1024 * 1024;
const HEAD = 4;
const text = new TextDecoder();
const parsed = (bytes: Uint8Array): unknown => JSON.parse(text.decode(bytes));

/** Returns a function that takes the next bytes and gives the frames completed by them; throws where they are no frames. */
export function frameReader(): (bytes: Uint8Array) => Frame[] {
  let held: Uint8Array[] = [];
  let size = 0;
  return (bytes) => {
    held.push(bytes);
    size += bytes.length;
    let whole = held.length === 1 ? bytes : null;
    const found: Frame[] = [];
    let from = 0;
    if (size < HEAD) return found;
    whole ??= joined(held, size);
    const view = new DataView(whole.buffer, whole.byteOffset, whole.byteLength);
    while (size - from >= HEAD) {
      const length = view.getUint32(from, true);
      if (length === 0 || length > LONGEST) throw new Error('no frame');
      if (size - from - HEAD < length) break;
      const frame = read(whole.subarray(from + HEAD, from + HEAD + length));
      if (frame) found.push(frame);
      from += HEAD + length;
    }
    held = from < size ? [whole.subarray(from)] : [];
    size -= from;
    return found;
  };
}

function joined(parts: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

type Row = readonly [string, string, string, number, number, number, number, number];

/** One frame; null for a kind that a later house may send. */
function read(frame: Uint8Array): Frame | null {
  const body = frame.subarray(1);
  if (frame[0] === 1) return { kind: 'beds', ...(parsed(body) as Omit<Extract<Frame, { kind: 'beds' }>, 'kind'>) };
  if (frame[0] === 3) return { kind: 'clock', ...(parsed(body) as Omit<Extract<Frame, { kind: 'clock' }>, 'kind'>) };
  if (frame[0] !== 2) return null;
  const head = new DataView(body.buffer, body.byteOffset).getUint32(0, true);
  const { at, pieces } = parsed(body.subarray(4, 4 + head)) as { at: number; pieces: readonly Row[] };
  let from = 4 + head;
  const found = pieces.map(([patient, code, unit, hz, when, count, low, step]) => {
    const samples = body.subarray(from, from + count);
    from += count;
    return { patient, code, unit, hz, at: when, low, step, samples };
  });
  return { kind: 'waves', at, pieces: found };
}
