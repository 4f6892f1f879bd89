/** What a trial of changed rules asks and answers (POST what-if), and what of the rules was changed. */

export interface Rule {
  name: string;
  urgency: string;
  on: boolean;
  least: number | null;
  delay: number;
  ease: number;
  hold: number;
  quiet: number;
  verified: boolean;
  source: string;
}

export interface Told {
  alerts: number;
  perPatientDay: number | null;
  byRule: Readonly<Record<string, number>>;
  keeps: number;
}

export interface Trial {
  refused?: string;
  days: number;
  patients: number;
  versions: number;
  /** Alerts that somebody had to act on. */
  acted: number;
  now: Told;
  then: Told;
}

export const LIMITS = ['least', 'delay', 'ease', 'hold', 'quiet'] as const;
export type Limit = (typeof LIMITS)[number];

/** Of a rule's draft what is asked for: its name and on, and each limit that differs from what stands. */
export function changes(standing: readonly Rule[], draft: readonly Rule[]): Record<string, unknown>[] {
  return draft.flatMap((rule) => {
    const before = standing.find((one) => one.name === rule.name);
    const other = LIMITS.filter((name) => rule[name] !== before?.[name]);
    if (!before || (other.length === 0 && rule.on === before.on)) return [];
    return [{ name: rule.name, on: rule.on, ...Object.fromEntries(other.map((name) => [name, rule[name]])) }];
  });
}

/** Whole, not below nothing and below 31 days, as the server takes it; a limit of points is at least 1. */
export const sound = (name: Limit, text: string): boolean => /^\d{1,7}$/.test(text) && Number(text) <= 31 * 86_400 && (name !== 'least' || Number(text) > 0);

/** The rules that either told of, by name, with both counts. */
export const byRule = (trial: Trial): (readonly [string, number, number])[] =>
  [...new Set([...Object.keys(trial.now.byRule), ...Object.keys(trial.then.byRule)])].sort().map((name) => [name, trial.now.byRule[name] ?? 0, trial.then.byRule[name] ?? 0] as const);
