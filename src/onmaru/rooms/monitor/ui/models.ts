/** What the monitor answers about risk models (docs/rooms/monitor.md), and what follows from it on the page. Times are µs since 1970. */

export interface Line {
  id: string;
  name: string;
  version: string;
  title: string;
  digest: string;
  registered: number;
  by: string;
  state: 'shadow' | 'active';
  missing: readonly string[];
  failed: Readonly<Record<string, number | null>>;
  approval: { at: number; by: string; said: string } | null;
  auroc: number | null;
}

export type Figure = number | string | null | readonly (number | null)[];
export type Figures = Readonly<Record<string, Figure>>;

export interface Limit {
  figure: string;
  least: number | null;
  most: number | null;
  found: number | null;
  met: boolean;
}

export interface Drifted {
  feature: string;
  psi: number | null;
  chance: number | null;
  'missing then': number;
  'missing now': number;
}

export interface Month {
  month: string;
  stays: number;
  'labelled stays': number;
  observed: number;
  expected: number;
  ratio: number | null;
  interval: readonly [number, number] | null;
  drifted: boolean | null;
}

export interface Taken {
  kind: string;
  at: number;
  by: string;
  said: string;
  counts: boolean;
}

export interface Model extends Line {
  card: string;
  figures: {
    model?: Figures;
    'NEWS2-type'?: Figures;
    before?: Figures;
    after?: Figures;
    groups?: Readonly<Record<string, Figures>>;
    'calibration slope'?: number | null;
    'calibration intercept'?: number | null;
  };
  limits: readonly Limit[];
  watch: { at: number; by: string; said: string; stays: number; inputs: readonly Drifted[]; outcome: readonly Month[] } | null;
  steps: readonly Taken[];
  may: { approve: boolean; withdraw: boolean };
  known: { figures: readonly string[]; needed: Readonly<Record<string, readonly string[]>> };
}

export interface Reason {
  feature: string;
  value: number | null;
  weight: number;
}

export interface Risk {
  model: string;
  version: string;
  at: number;
  probability: number;
  interval: readonly [number, number];
  reasons: readonly Reason[];
}

export interface Judged {
  patient: string;
  state: string;
  at: number;
  probability: number | null;
  interval: readonly [number, number] | null;
  reasons: readonly Reason[];
}

/** A share as a percentage with one digit. */
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** A figure as the card shows it: an interval as its two ends. */
export function shown(figure: Figure | undefined): string {
  if (figure === null || figure === undefined) return '–';
  return Array.isArray(figure) ? figure.map((one) => shown(one as Figure)).join('–') : String(figure);
}

const KINDS = ['last', 'age', 'count', 'mean6', 'least6', 'most6', 'spread6', 'change6'];

/** A feature's column and what of it is meant: `HR mean6` is the mean of the last six hours. */
export function parted(feature: string): { column: string; kind: string } {
  const at = feature.lastIndexOf(' ');
  const kind = feature.slice(at + 1);
  return at > 0 && KINDS.includes(kind) ? { column: feature.slice(0, at), kind } : { column: feature, kind: '' };
}

/** Rows of a Markdown table, without the line that parts its head from the rest. */
export const cells = (lines: readonly string[]): string[][] =>
  lines.filter((line) => !/^\|[\s|:-]+\|$/.test(line)).map((line) => line.slice(1, -1).split('|').map((cell) => cell.trim()));
