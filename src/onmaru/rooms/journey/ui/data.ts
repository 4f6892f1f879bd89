/** What the journey's routes answer. Times are ms since 1970; `at` is the time as the source wrote it. */

export const KINDS = [
  'encounter', 'condition', 'allergy', 'medication', 'vital', 'lab', 'immunization', 'observation', 'procedure', 'imaging',
  'report', 'document', 'note', 'order', 'questionnaire', 'appointment', 'communication', 'plan', 'billing', 'other',
] as const;
export type Kind = (typeof KINDS)[number];

export interface Words {
  ko: string;
  en: string;
}

export interface Other {
  id: string;
  name: string;
  number: string;
}

export interface Namesake {
  id: string;
  name: string;
  identifier: string;
  birthDate: string;
  gender: string;
  ward: string;
  bed: string;
}

export interface Fact extends Words {
  source: string;
  at: string;
  code: string;
  status: string;
  severity: string;
  detail: string;
}

export interface Vital extends Words {
  source: string;
  code: string;
  at: string;
  value: string;
  unit: string;
  flag: string;
  rangeLow: string;
  rangeHigh: string;
}

export interface Stay extends Words {
  source: string;
  start: string;
  status: string;
  class: string;
  reason: string;
  ward: string;
  bed: string;
  actor: string;
}

export interface Extent {
  kinds: { kind: Kind; n: number; undated: number }[];
  total: number;
  from: number | null;
  to: number | null;
}

export interface Summary extends Extent {
  patient: {
    id: string;
    name: string;
    otherNames: string;
    birthDate: string;
    gender: string;
    identifier: string;
    deceased: string;
    active: boolean;
  };
  survivor: Other | null;
  merged: Other[];
  seeAlso: Other[];
  namesakes: Namesake[];
  encounter: Stay | null;
  allergies: Fact[];
  problems: Fact[];
  medications: Fact[];
  warnings: Fact[];
  vitals: Vital[];
}

export interface Cluster {
  kind: Kind;
  n: number;
  low: number;
  last: number;
  flagged: number;
  critical: number;
  source?: string;
  ko?: string;
  en?: string;
  value?: string;
  unit?: string;
  flag?: string;
  at?: string;
  /** null: it goes on. */
  high?: number | null;
}

export interface Span extends Words {
  kind: Kind;
  source: string;
  low: number;
  high: number | null;
  at: string;
}

export interface TimelineAnswer {
  from: number;
  to: number;
  bucket: number;
  clusters: Cluster[];
  spans: Span[];
  extent: Extent;
}

export interface Item extends Words {
  source: string;
  version: number;
  kind: Kind;
  low: number | null;
  high: number | null;
  at: string;
  code: string;
  value: string;
  unit: string;
  flag: string;
  status: string;
  detail: string;
  encounter: string;
  actor: string;
}

export interface Provenance {
  id: string;
  recorded: string;
  occurred: string;
  activity: string;
  reason: string;
  agents: { who: string; reference: string; role: string }[];
  messages: { what: string; reference: string; role: string }[];
}

export interface Source {
  version: number;
  at: string;
  by: string;
  versions: { version: number; op: string; at: string; by: string }[];
  provenance: Provenance[] | null;
}

export interface Point {
  source: string;
  time: number;
  at: string;
  number: number;
  value: string;
  unit: string;
  flag: string;
  rangeLow: string;
  rangeHigh: string;
}

export const below = (patient: string, rest: string): string =>
  `/rooms/journey/patients/${encodeURIComponent(patient)}/${rest}`;
