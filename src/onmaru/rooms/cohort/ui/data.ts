/** What the cohort room takes and answers (docs/rooms/cohort.md), and small steps between drafts. */
export const DOMAINS = [
  'condition', 'drug', 'procedure', 'measurement', 'observation', 'visit', 'device', 'death', 'condition-era', 'drug-era',
] as const;
export type Domain = (typeof DOMAINS)[number];

export interface Concept {
  concept: number;
  name: string;
  descendants?: boolean;
  excluded?: boolean;
}

export interface Range {
  least?: number;
  most?: number;
}

export interface Event {
  domain: Domain;
  concepts?: string;
  first?: boolean;
  age?: Range;
  value?: Range;
}

export interface Asked {
  event: Event;
  least: number;
  most?: number;
  begin?: number;
  end?: number;
}

export interface Rule {
  name: string;
  match: 'all' | 'any';
  events: readonly Asked[];
  people: readonly { age?: Range; sex?: readonly number[] }[];
}

export interface Definition {
  format: 'onmaru cohort 1';
  name: string;
  concepts: Readonly<Record<string, readonly Concept[]>>;
  entry: { events: readonly Event[]; before: number; after: number; which: 'first' | 'last' | 'all' };
  rules: readonly Rule[];
  leaving: { by: 'observation' | 'days'; days: number };
  pad: number;
}

/** A definition of ours, or a Circe expression as it came. */
export type Said = Definition | Readonly<Record<string, unknown>>;

export interface Step {
  name: string;
  persons: number | null;
  entries: number | null;
  alone: number | null;
}

export interface Found {
  name: string;
  persons: number | null;
  entries: number | null;
  steps: readonly Step[];
  t: number;
  digest: string;
  sql: string;
  hidden: boolean;
}

export interface Kept {
  id: string;
  name: string;
  definition: Said;
  persons: number | null;
  t: number | null;
}

export const blank = (): Definition => ({
  format: 'onmaru cohort 1',
  name: '',
  concepts: {},
  entry: { events: [{ domain: 'condition', first: true }], before: 0, after: 0, which: 'first' },
  rules: [],
  leaving: { by: 'observation', days: 365 },
  pad: 0,
});

export const isOurs = (said: Said): said is Definition => (said as { format?: unknown }).format === 'onmaru cohort 1';

/** What was read from a file, with all that a draft needs where it is a definition of ours. */
export function opened(text: string): Said | null {
  try {
    const said = JSON.parse(text) as Partial<Definition>;
    if (typeof said !== 'object' || said === null || Array.isArray(said)) return null;
    if (!isOurs(said as Said)) return said as Said;
    const empty = blank();
    const rules = (said.rules ?? []).map((rule) => ({ ...rule, match: rule.match ?? 'all', events: rule.events ?? [], people: rule.people ?? [] }));
    return { ...empty, ...said, entry: { ...empty.entry, ...said.entry }, leaving: { ...empty.leaving, ...said.leaving }, rules } as Definition;
  } catch {
    return null;
  }
}

/** One of a list replaced, or taken out where there is nothing instead. */
export function put<T>(list: readonly T[], place: number, one: T | null): T[] {
  return one === null ? list.filter((_, n) => n !== place) : list.map((old, n) => (n === place ? one : old));
}

/** A concept set under another name, in every event that asks for it. */
export function renamed(said: Definition, before: string, after: string): Definition {
  const event = (one: Event): Event => (one.concepts === before ? { ...one, concepts: after } : one);
  const concepts = Object.fromEntries(Object.entries(said.concepts).map(([name, lines]) => [name === before ? after : name, lines]));
  const rules = said.rules.map((rule) => ({ ...rule, events: rule.events.map((asked) => ({ ...asked, event: event(asked.event) })) }));
  return { ...said, concepts, rules, entry: { ...said.entry, events: said.entry.events.map(event) } };
}

/** A number that was typed; undefined for nothing. */
export function typed(text: string): number | undefined {
  const value = Number(text);
  return text.trim() === '' || Number.isNaN(value) ? undefined : value;
}

/** A range without what was not said; undefined where nothing was. */
export function ranged(least: number | undefined, most: number | undefined): Range | undefined {
  if (least === undefined && most === undefined) return undefined;
  return { ...(least === undefined ? {} : { least }), ...(most === undefined ? {} : { most }) };
}

export function download(name: string, text: string, type = 'application/json'): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
