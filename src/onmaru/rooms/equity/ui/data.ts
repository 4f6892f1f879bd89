/** What the equity room answers (docs/rooms/equity.md), and small steps from it to what is drawn. */
export interface MeasureName {
  id: string;
  title: string;
  better: 'increase' | 'decrease';
}

export interface Line {
  names: readonly string[];
  /** Null where a step would tell of few. */
  steps: readonly (number | null)[];
  persons: number;
  events: number;
  estimate: number | null;
  low: number | null;
  high: number | null;
  missing: Readonly<Record<string, number | null>>;
}

export interface Summary {
  name: string;
  value: number | null;
  low: number | null;
  high: number | null;
}

export interface Gap {
  step: number;
  high: string;
  low: string;
  difference: number;
  p: number;
}

export interface Dimension {
  name: string;
  ordered: boolean;
  why: string;
  lines: readonly Line[];
  shown: number;
  summaries: readonly Summary[];
  opening: { gaps: readonly Gap[]; step: number | null } | null;
}

export interface BoardAnswer {
  measure: string;
  version: number;
  title: string;
  better: 'increase' | 'decrease';
  steps: readonly { code: string; text: string }[];
  base: number;
  year: number;
  t: number;
  digest: string;
  least: number;
  regions: string;
  dimensions: readonly Dimension[];
}

export interface Reached {
  patient: string;
  name: string | null;
  born: string | null;
  phone: string | null;
  passed: number;
}

export interface OutreachAnswer {
  rows: readonly Reached[];
  total: number;
  t: number;
  steps: readonly string[];
}

export const DIMENSIONS = ['sex', 'age', 'insurance', 'deprivation', 'disability', 'language', 'distance'] as const;

type Words = (key: string, given?: Record<string, string | number>) => string;

/** A group's name in the reader's language: a known code in words, another as the record writes it. */
export function groupName(t: Words, dimension: string, name: string): string {
  if (name === '') return t('equity.missing');
  if (dimension === 'age') return t('equity.years', { band: name });
  if (dimension === 'distance') return t('equity.km', { band: name });
  if (dimension === 'deprivation') return t(`equity.fifth.${name}`);
  const key = `equity.group.${dimension}.${name.replace(':', '.')}`;
  const said = t(key);
  return said === key ? name.replace(/^hira:/, '') : said;
}

export function lineName(t: Words, dimension: string, line: Line): string {
  const names = line.names.map((name) => groupName(t, dimension, name));
  return names.length === 1 ? names[0] ?? '' : t('equity.together', { names: names.join(', ') });
}

/** A number as the measures are written: two digits behind the point; an en dash for none. */
export function shown(value: number | null, digits = 2): string {
  return value === null ? '–' : value.toFixed(digits).replace('-', '−');
}

export function range(low: number | null, high: number | null, digits = 2): string {
  return low === null || high === null ? '–' : `${shown(low, digits)} – ${shown(high, digits)}`;
}

/** What part of those who began is left at each step, in percent. */
export function shares(line: Line): number[] {
  const first = line.steps[0] ?? 0;
  return line.steps.map((step) => (first && step !== null ? (100 * step) / first : 0));
}

/** The calendar year that was over last. */
export function lastYear(now: Date): number {
  return now.getFullYear() - 1;
}
