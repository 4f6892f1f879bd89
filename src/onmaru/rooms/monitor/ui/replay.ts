/** A case played again: the events of `GET /patients/{id}/replay`, and what of them was known at a moment. Times are µs. */
export interface Reading {
  measure: string;
  value: string;
  unit: string;
  at: number;
}

export interface Part {
  name: string;
  state: string;
  points: number | null;
  value: string;
  unit: string;
}

export interface Event {
  at: number;
  kind: 'reading' | 'score' | 'limit' | 'alert' | 'step' | 'told' | 'care';
  what?: string;
  source?: string;
  readings?: readonly Reading[];
  total?: number | null;
  least?: number;
  most?: number;
  leastLevel?: string;
  parts?: readonly Part[];
  id?: string;
  rule?: string;
  urgency?: string;
  raised?: number;
  value?: number;
  code?: string;
  by?: string;
  text?: string;
  rung?: string;
  users?: string;
  reached?: number | null;
  reader?: string;
  type?: string;
  status?: string;
}

export interface Replay {
  patient: string;
  from: number;
  to: number;
  fresh: number;
  events: readonly Event[];
  refused?: string;
}

export interface Known {
  /** How many of the events had happened. */
  count: number;
  score: Event | null;
  /** Each score with the time at which it began. */
  scores: readonly Event[];
  /** What stood of each measure, by when it was measured. */
  readings: ReadonlyMap<string, readonly Reading[]>;
  /** Alerts by when they were raised, `closed` once somebody had said what came of them. */
  alerts: readonly (Event & { closed: number | null })[];
}

export const SPEEDS = [1, 10, 60, 300, 1800, 3600] as const;

/** How many events had happened at `at`: those are all that may be shown. */
export function known(events: readonly Event[], at: number): number {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (events[middle]!.at <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What was known after the first `count` events; nothing after them is looked at. */
export function knownAfter(events: readonly Event[], count: number): Known {
  const standing = new Map<string, readonly Reading[]>();
  const alerts = new Map<string, Event & { closed: number | null }>();
  const scores: Event[] = [];
  for (const one of events.slice(0, count)) {
    if (one.kind === 'reading') standing.set(one.source!, one.readings ?? []);
    else if (one.kind === 'score') scores.push(one);
    else if (one.kind === 'alert') {
      if (one.what === 'gone') alerts.delete(one.id!);
      else alerts.set(one.id!, { ...one, closed: alerts.get(one.id!)?.closed ?? null });
    } else if (one.kind === 'step' && one.code === 'outcome') {
      const found = alerts.get(one.id!);
      if (found) alerts.set(one.id!, { ...found, closed: one.at });
    }
  }
  const readings = new Map<string, Reading[]>();
  for (const some of standing.values())
    for (const one of some) {
      const mine = readings.get(one.measure);
      if (mine) mine.push(one);
      else readings.set(one.measure, [one]);
    }
  for (const mine of readings.values()) mine.sort((one, other) => one.at - other.at);
  const raised = [...alerts.values()].sort((one, other) => one.raised! - other.raised!);
  return { count, score: scores.at(-1) ?? null, scores, readings, alerts: raised };
}

/** The moment of the next or the last event of people or alerts beside `at`; `at` where there is none. */
export function beside(events: readonly Event[], at: number, way: 1 | -1): number {
  const told = events.filter((one) => one.kind !== 'reading' && one.kind !== 'score');
  if (way === 1) return told.find((one) => one.at > at)?.at ?? at;
  return told.findLast((one) => one.at < at)?.at ?? at;
}

/** At most `wide` points that still show every peak: of each of `wide / 2` steps the lowest and the highest. */
export function thinned(points: readonly (readonly [x: number, y: number])[], wide: number): (readonly [number, number])[] {
  if (points.length <= wide) return [...points];
  const found: (readonly [number, number])[] = [];
  const size = Math.ceil(points.length / (wide / 2));
  for (let start = 0; start < points.length; start += size) {
    const some = points.slice(start, start + size);
    const low = some.reduce((one, other) => (other[1] < one[1] ? other : one));
    const high = some.reduce((one, other) => (other[1] > one[1] ? other : one));
    found.push(...(low[0] <= high[0] ? [low, high] : [high, low]).slice(0, low === high ? 1 : 2));
  }
  return found;
}
