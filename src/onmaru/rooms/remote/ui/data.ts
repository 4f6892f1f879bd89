/** What the room of care at home answers (docs/rooms/remote.md). Times are µs since 1970. */
export interface Attention {
  id: string;
  reason: 'threshold' | 'unreachable';
  key: string;
  text: string;
  at: number;
  owner: string;
  closed: number | null;
  note: string;
}

export interface Line {
  id: string;
  patient: string;
  name: string;
  birth: string;
  sex: string;
  number: string;
  title: string;
  state: string;
  faults: readonly string[];
  start: number;
  end: number | null;
  silence: number;
  attempts: number;
  author: string;
  last: number;
  quiet: number;
  failed: number;
  reached: number;
  came: number;
  due: number;
  adherence: number | null;
  unusable: number;
  attention: readonly Attention[];
}

export interface Cell {
  start: number;
  end: number;
  due: number;
  came: number;
  open: boolean;
}

export interface Reading {
  source: string;
  at: number;
  known: number;
  value: string;
  unit: string;
  device: string;
  matter: string;
  crossed: '' | 'low' | 'high';
}

export interface Series {
  key: string;
  limits: { low: number | null; high: number | null; unit: string } | null;
  readings: readonly Reading[];
}

export interface Activity {
  kind: 'measure' | 'form';
  key: string;
  text: string;
  frequency: number;
  every: number;
  cells: readonly Cell[];
  came: number;
  due: number;
  series: readonly Series[];
}

export interface Contact {
  at: number;
  how: string;
  by: string;
  note: string;
  answered: boolean | null;
}

export interface Whole {
  at: number;
  plan: Line;
  activities: readonly Activity[];
  contacts: readonly Contact[];
  attention: readonly Attention[];
}

export interface Question {
  linkId: string;
  text: string;
  type: string;
  required: boolean;
  options: readonly string[];
  items: readonly Question[];
}

export interface Due {
  kind: 'measure' | 'form';
  key: string;
  text: string;
  unit: string;
  frequency: number;
  every: number;
  now: Cell | null;
  came: number;
  due: number;
  items: readonly Question[];
}

export interface Own {
  id: string;
  title: string;
  state: string;
  activities: readonly Due[];
}

const HOUR_US = 3_600_000_000;

/** How long as `{unit, n}`: hours up to two days, then days. */
export function span(us: number): { unit: 'hours' | 'days'; n: number } {
  const hours = Math.max(0, Math.floor(us / HOUR_US));
  return hours < 48 ? { unit: 'hours', n: hours } : { unit: 'days', n: Math.floor(hours / 24) };
}

/** How a period went: `open` while nothing of it is missed yet. */
export function went(cell: Cell): 'full' | 'part' | 'none' | 'open' {
  if (cell.came >= cell.due) return 'full';
  if (cell.open) return 'open';
  return cell.came > 0 ? 'part' : 'none';
}

export const iso = (at: number): string => new Date(at / 1000).toISOString();

/** The answers of a page's fields as the server takes them: numbers as numbers, nothing for what was left empty. */
export function answersOf(items: readonly Question[], given: Readonly<Record<string, string>>): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const one of items) {
    const text = given[one.linkId]?.trim() ?? '';
    if (text) {
      if (one.type === 'boolean') found[one.linkId] = text === 'yes';
      else if (one.type === 'integer' || one.type === 'decimal') found[one.linkId] = Number(text);
      else found[one.linkId] = text;
    }
    Object.assign(found, answersOf(one.items, given));
  }
  return found;
}
