/** A patient's page opened by its address: the first answers are asked for while the session still is. Each is used once. */
import { address, api, type Outcome, type Query } from '@shell';
import { below } from './data';

/** Asked for before the canvas has been measured; a canvas of about this width needs no second answer. */
export const FIRST_WIDTH = 1600;

const early = new Map<string, Promise<unknown>>();

/** Only what came well is kept: a refusal is asked for again in the ordinary way, which knows how to say it. */
export function askEarly(patient: string): void {
  const first: [string, Query][] = [[below(patient, 'summary'), {}], [below(patient, 'timeline'), { width: FIRST_WIDTH }]];
  for (const [path, query] of first) {
    const whole = address(path, query);
    const asked = fetch(whole, { headers: { Accept: 'application/json' }, credentials: 'same-origin', cache: 'no-store' });
    early.set(whole, asked.then((answer) => (answer.ok ? (answer.json() as Promise<unknown>) : null)).catch(() => null));
  }
}

/** `api.get`, but what was asked for early is taken from there. */
export async function ask<T>(path: string, query: Query, signal: AbortSignal): Promise<Outcome<T>> {
  const whole = address(path, query);
  const waiting = early.get(whole);
  early.delete(whole);
  const value = waiting ? await waiting : null;
  return value ? { ok: true, value: value as T, status: 200 } : api.get<T>(path, { query, signal });
}
