/** What the monitor answers about a ward (docs/rooms/monitor.md), and what follows from it on the page. Times are µs since 1970. */
export type Urgency = 'stat' | 'urgent' | 'asap' | 'routine';

export interface Step {
  code: string;
  at: number;
  by: string;
  text: string;
}

export interface Alert {
  id: string;
  patient: string;
  name?: string;
  rule: string;
  urgency: Urgency;
  ward: string;
  raised: number;
  status: string;
  owner: string;
  text: string;
  steps: readonly Step[];
  about: string;
  acknowledged: number | null;
  closed: number | null;
  snoozed: number;
  rung: string;
  ended?: number | null;
  open?: boolean;
}

export interface Told {
  rung: string;
  sent: number;
  users: string;
  reached: number | null;
  reader: string;
}

export interface Looked {
  at: number;
  alert: Alert & { snooze: number };
  evidence: readonly (readonly [string, string])[];
  told: readonly Told[];
  acts: readonly string[];
  outcomes: readonly string[];
}

export interface Value {
  measure: string;
  value: string;
  unit: string;
  at: number;
  every: number;
}

export interface Bed {
  patient: string;
  name: string;
  birth: string;
  sex: string;
  number: string;
  bed: string;
  ward: string;
  wardName: string;
  total: number | null;
  least: number;
  most: number;
  level: string;
  missing: readonly string[];
  values: readonly Value[];
  alert: string;
}

export interface Place {
  id: string;
  name: string;
  patients: number;
}

export interface WardNow {
  at: number;
  wards: readonly Place[];
  beds: readonly Bed[];
  alerts: readonly Alert[];
}

export interface Budget {
  alerts: number;
  perBedDay: number | null;
  ppv: number | null;
  inTime: number | null;
  unreached: number;
  waiting: number;
  leadMinutes: number | null;
  days: number;
}

/** A server that has not answered for so long is silent; shown well within ten seconds. */
export const SILENT_MS = 7_000;
export const MINUTE_US = 60_000_000;

/** Whether a value is older than three of its intervals. */
export const old = (value: Value, now: number): boolean => now - value.at > 3 * value.every;

/** The unit of an age and how many there are: minutes up to two hours, then hours. */
export function age(at: number, now: number): { unit: 'minutes' | 'hours'; n: number } {
  const minutes = Math.max(0, Math.floor((now - at) / MINUTE_US));
  return minutes < 120 ? { unit: 'minutes', n: minutes } : { unit: 'hours', n: Math.floor(minutes / 60) };
}

/** Between which totals the score lies, `7` when it is known. */
export const range = (bed: Bed): string => (bed.total === null ? `${bed.least}–${bed.most}` : String(bed.total));

/** µs as an ISO instant, for the shell's formats. */
export const iso = (at: number): string => new Date(at / 1000).toISOString();

/** What of a step's text stands for itself: the outcome without its note, the snooze without its seconds. */
export function said(step: Step): { code: string; note: string } {
  if (step.text === step.code) return { code: '', note: '' };
  if (step.code === 'act' && !/^[a-z-]+$/.test(step.text)) return { code: '', note: step.text };
  if (step.code === 'acknowledge') return { code: '', note: step.text };
  const [code = '', ...rest] = step.text.split(' ');
  return { code, note: rest.join(' ') };
}
