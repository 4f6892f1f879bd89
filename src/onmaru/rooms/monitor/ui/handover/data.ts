/** What `GET /handover` answers (docs/rooms/monitor.md). Times are µs since 1970. */
import type { Alert, Place } from '../data';

export interface Part {
  name: string;
  state: string;
  points: number | null;
  least: number;
  most: number;
  value: string;
  unit: string;
  at: number;
}

export interface Total {
  total: number | null;
  least: number;
  most: number;
  level: string;
}

export interface Line {
  source: string;
  kind: string;
  at: number | null;
  ko: string;
  en: string;
  value: string;
  unit: string;
  flag: string;
  status: string;
  detail: string;
  who: string;
}

export interface Handed {
  id: string;
  giver: string;
  taker: string;
  given: number;
  since: number;
  taken: number | null;
  note: string;
}

export interface Sheet {
  patient: string;
  name: string;
  birth: string;
  sex: string;
  number: string;
  bed: string;
  arrived: number | null;
  news2: Total & { scale: string; parts: readonly Part[] };
  before: Total & { points: Readonly<Record<string, number>> };
  alerts: readonly Alert[];
  changes: readonly Line[];
  moreChanges: number;
  labs: number;
  tasks: readonly Line[];
  moreTasks: number;
  handed: Handed | null;
}

export interface Handover {
  at: number;
  since: number;
  by: 'asked' | 'roster' | 'hours';
  wards: readonly Place[];
  next: readonly string[];
  patients: readonly Sheet[];
}

/** `7`, between which totals it lies, or a dash where nothing is known. */
export const told = (one: Total): string => (one.level === '' ? '–' : one.total === null ? `${one.least}–${one.most}` : String(one.total));

/** Which way the score went in the shift, by the parts that are known of both times; '' where there are none. */
export function went({ news2, before }: Pick<Sheet, 'news2' | 'before'>): 'up' | 'down' | 'same' | '' {
  const both = news2.parts.filter((one) => one.points !== null && one.name in before.points);
  if (both.length === 0) return '';
  const more = both.reduce((sum, one) => sum + (one.points ?? 0) - (before.points[one.name] ?? 0), 0);
  return more > 0 ? 'up' : more < 0 ? 'down' : 'same';
}
