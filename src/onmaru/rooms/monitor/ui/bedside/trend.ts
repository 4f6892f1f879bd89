/** The arithmetic of a course over time: the window that is shown, its marks, lines that break at gaps. Times are µs since 1970. */

export type Point = readonly [start: number, least: number, mean: number, most: number, n: number];

export interface Series {
  measure: string;
  unit: string;
  points: readonly Point[];
}

export interface Event {
  kind: 'medication' | 'procedure' | 'stay' | 'place' | 'alert';
  at: number;
  until: number | null;
  text: string;
  source: string;
  urgency?: string;
  outcome?: string;
}

export interface Course {
  from: number;
  to: number;
  every: number;
  series: readonly Series[];
  events: readonly Event[];
  more: boolean;
}

export interface Span {
  from: number;
  to: number;
}

const MINUTE = 60_000_000;
const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const SPANS: readonly (readonly [string, number])[] = [
  ['1h', HOUR], ['6h', 6 * HOUR], ['24h', DAY], ['7d', 7 * DAY], ['30d', 30 * DAY], ['180d', 180 * DAY],
];
/** A course of whole minutes: the same window is asked for again within one. */
const whole = (at: number): number => Math.ceil(at / MINUTE) * MINUTE;

/** The window of a length that ends at `end`, never later than now. */
export const spanOf = (length: number, end: number, now: number): Span => {
  const to = Math.min(whole(end), whole(now));
  return { from: to - length, to };
};

/** Runs of stretches that follow each other: between two runs nothing is known and no line is drawn. */
export function runs(points: readonly Point[], every: number): Point[][] {
  const found: Point[][] = [];
  for (const point of points) {
    const last = found.at(-1)?.at(-1);
    if (last && point[0] - last[0] <= 1.5 * every) found.at(-1)?.push(point);
    else found.push([point]);
  }
  return found;
}

/** Lowest and highest of the axis, at steps that can be read. */
export function extent(points: readonly Point[]): { low: number; high: number; step: number } {
  const low = Math.min(...points.map((one) => one[1]));
  const high = Math.max(...points.map((one) => one[3]));
  const rough = Math.max(high - low, 1) / 2;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * size).find((one) => one >= rough) ?? 10 * size;
  const from = Math.floor(low / step) * step;
  return { low: from, high: Math.max(Math.ceil(high / step) * step, from + step), step };
}

const STEPS = [5 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY];

/** Times to mark, at whole steps of the hospital's clock, which is `offset` µs ahead of UTC; at most so many. */
export function marks(span: Span, offset: number, most: number): { at: number; day: boolean }[] {
  const length = span.to - span.from;
  const step = STEPS.find((one) => length / one <= most) ?? 60 * DAY;
  const found: { at: number; day: boolean }[] = [];
  for (let at = Math.ceil((span.from + offset) / step) * step; at < span.to + offset; at += step) found.push({ at: at - offset, day: at % DAY === 0 });
  return found;
}

/** The point of a measure whose stretch holds a time; null in a gap. */
export const pointAt = (series: Series, at: number, every: number): Point | null =>
  series.points.find((one) => one[0] <= at && at < one[0] + every) ?? null;

/** Rows on which stretches of time do not cover each other, at most `rows`; what finds no place is put on the last. */
export function lanes<T extends Span>(items: readonly T[], rows: number): (readonly [T, number])[] {
  const ends: number[] = [];
  return items.map((item) => {
    const free = ends.findIndex((end) => end <= item.from);
    const row = free >= 0 ? free : Math.min(ends.length, rows - 1);
    ends[row] = Math.max(ends[row] ?? 0, item.to);
    return [item, row] as const;
  });
}
