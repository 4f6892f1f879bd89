/** What the insight room answers (docs/rooms/insight.md). */
export interface Spread {
  median: number | null;
  p90: number | null;
}

export interface Operations {
  from: string;
  to: string;
  t: number;
  theatre_minutes: number;
  beds: readonly { ward: string; beds: number; taken: number; closed: number; said_taken: number }[];
  census: readonly { kind: string; visits: number }[];
  stays: readonly ({ kind: string; visits: number } & Spread)[];
  waiting: readonly ({ kind: string; unit: string; visits: number } & Spread)[];
  turnaround: readonly ({ kind: string; requests: number; open: number } & Spread)[];
  appointments: readonly { kind: string; appointments: number; missed: number; cancelled: number; due: number }[];
  theatres: readonly { theatre: string; operations: number; days: number; minutes: number }[];
  alerts: readonly { kind: string; active: number }[];
}

export interface MeasureRow {
  id: string;
  title: string;
  status: string;
  why: readonly string[];
  better?: 'increase' | 'decrease';
  steps?: readonly string[];
}

export interface Counted {
  measure: string;
  version: number;
  title: string;
  year: number;
  t: number;
  score: number | null;
  hidden: boolean;
  populations: readonly { code: string; text: string; count: number | null }[];
}

export interface ReportRow {
  id: string;
  measure: string;
  year: string;
  t: string;
  date: string | null;
  score: number | null;
  populations: readonly { text: string | null; count: number | null }[];
}

export interface Again {
  id: string;
  same: boolean;
  t: number;
}

/** The days of a span that ends today, as `YYYY-MM-DD` of the hospital's day. */
export function lastDays(count: number, now: Date, dayOf: (iso: string) => string): { from: string; to: string } {
  const first = new Date(now.getTime() - (count - 1) * 86_400_000);
  return { from: dayOf(first.toISOString()), to: dayOf(now.toISOString()) };
}

export function percent(part: number, whole: number): string {
  return whole > 0 ? `${((100 * part) / whole).toFixed(1)} %` : '–';
}

export function shown(value: number | null, digits = 1): string {
  return value === null ? '–' : value.toFixed(digits);
}
