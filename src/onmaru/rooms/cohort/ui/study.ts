/** What POST /rooms/cohort/study takes and answers. */
import type { Said } from './data';

export const KINDS = ['survival', 'progression', 'incidence', 'characterisation', 'pathways', 'propensity'] as const;
export type Kind = (typeof KINDS)[number];

export interface Study {
  format: 'onmaru study 1';
  kind: Kind;
  target: Said;
  comparator?: Said;
  outcome?: Said;
  competing?: Said | 'death';
  events?: readonly Said[];
  days: number;
  by?: '' | 'sex' | 'age';
}

export interface Answer {
  kind: Kind;
  t: number;
  digest: string;
  sql: string;
  study: Study;
  cohorts: readonly { role: string; name: string; persons: number | null; digest: string }[];
  found: unknown;
}

export interface Term {
  name: string;
  ratio: number;
  low: number;
  high: number;
  p: number;
  zph: number;
  zph_p: number;
}

export interface Survival {
  ticks: readonly number[];
  groups: readonly {
    name: string;
    persons: number;
    events: number | null;
    median: readonly [number | null, number | null, number | null];
    risk: readonly (number | null)[];
    points: readonly (readonly [number, number, number | null, number | null])[];
  }[];
  left_out: readonly string[];
  test: { chi_square: number; degrees: number; p: number } | null;
  cox: { terms: readonly Term[]; refused: string; zph?: number; zph_p?: number; events?: number };
  shares: readonly { name: string; points: readonly (readonly number[])[] }[];
  earlier: number | null;
  both: number | null;
}

export interface Progression {
  days: number;
  persons: number | null;
  earlier: number | null;
  reached: number | null;
  left_early: number | null;
  share: readonly number[] | null;
  by_time: readonly (number | null)[] | null;
}

export interface Incidence {
  per: number;
  lines: readonly { name: string; persons: number | null; events: number | null; years: number | null; rate: readonly number[] | null; proportion: readonly number[] | null }[];
}

export interface Characterisation {
  persons: readonly (number | null)[];
  both: number | null;
  hidden: number;
  people: readonly { what: string; values: readonly (readonly (number | null)[])[]; smd: number | null }[];
  lines: readonly { domain: string; concept: number; name: string | null; counts: readonly number[]; shares: readonly number[]; smd: number | null }[];
}

export interface Pathways {
  paths: readonly { steps: readonly (readonly string[])[]; persons: number }[];
  none: number | null;
  rare: number | null;
  persons: number | null;
}

export interface Propensity {
  persons: readonly number[];
  pairs: number | null;
  auc: number;
  weight: readonly number[];
  balance: readonly { domain: string; concept: number; name: string | null; smd: readonly (number | null)[] }[];
  overlap: readonly (readonly (number | null)[])[];
}

/** Which cohorts a kind asks for besides the target, and which may be left out. */
export const ROLES: Readonly<Record<Kind, { must: readonly string[]; may: readonly string[] }>> = {
  survival: { must: ['outcome'], may: ['comparator', 'competing'] },
  progression: { must: ['outcome'], may: ['competing'] },
  incidence: { must: ['outcome'], may: ['comparator'] },
  characterisation: { must: ['comparator'], may: [] },
  pathways: { must: ['events'], may: [] },
  propensity: { must: ['comparator'], may: [] },
};

export interface Ring {
  name: string;
  value: number;
  children: Ring[];
}

/** Ways as the rings of a sunburst: the first step inside. */
export function rings(paths: Pathways['paths']): Ring[] {
  const root: Ring = { name: '', value: 0, children: [] };
  for (const path of paths) {
    let at = root;
    for (const step of path.steps) {
      const name = step.join(' + ');
      let next = at.children.find((one) => one.name === name);
      if (!next) at.children.push((next = { name, value: 0, children: [] }));
      next.value += path.persons;
      at = next;
    }
  }
  return root.children;
}

/** A p-value as papers print it. */
export const shownP = (p: number): string => (p < 0.001 ? '< 0.001' : p.toFixed(3));
