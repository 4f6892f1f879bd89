/** What GET /rooms/omop/coverage answers. */
export interface Counted {
  table: string;
  system: string;
  rows: number;
  codes: number;
  mapped_rows: number;
  mapped_codes: number;
}

export interface Unmapped {
  table: string;
  system: string;
  code: string;
  label: string | null;
  concept: number;
  concept_name: string | null;
  reason: string;
  rows: number;
}

/** What GET /rooms/omop/mapping/candidates gives: a standard concept, how alike it is (0–1), whether its code is the same. */
export interface Candidate {
  concept: number;
  name: string;
  domain: string;
  vocabulary: string;
  code: string;
  score: number;
  same: boolean;
}

export interface Balance {
  type: string;
  resources: number;
  rows: number;
  mapped: number;
  unmapped: number;
  dropped: Readonly<Record<string, number>>;
}

export interface Report {
  loaded: readonly string[];
  tables: readonly Counted[];
  unmapped: readonly Unmapped[];
  balance: readonly Balance[];
  total: { resources: number; rows: number; mapped: number; unmapped: number; dropped: number };
}

/** Whole percent, never 100 while anything is missing and never 0 while anything is there. */
export function share(part: number, whole: number): number {
  if (whole === 0) return 0;
  const percent = Math.round((100 * part) / whole);
  if (part < whole && percent === 100) return 99;
  return part > 0 && percent === 0 ? 1 : percent;
}
