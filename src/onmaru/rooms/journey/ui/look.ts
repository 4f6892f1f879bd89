/** Small things that timeline, list and drawer say alike: arrows of flags and values cut to fit. */

export const dark = (): boolean => document.documentElement.dataset['mantineColorScheme'] === 'dark';

/** What a thing is called; an encounter without words of its own by its class, in the reader's language. */
export function called(thing: { kind?: string; ko?: string; en?: string }, language: 'ko' | 'en', t: (key: string) => string): string {
  const text = thing[language] ?? '';
  const key = `journey.class.${text}`;
  return thing.kind === 'encounter' && t(key) !== key ? t(key) : text;
}

export const CRITICAL = new Set(['HH', 'LL', 'AA']);

/** Arrow of a flag, shown beside its word and never alone. */
export const arrow = (flag: string): string => ({ HH: '▲▲', H: '▲', LL: '▼▼', L: '▼', AA: '◆◆', A: '◆' })[flag] ?? '';

/** A value for a narrow place: no more than five significant digits; the whole token is one click away. */
export function short(value: string): string {
  return value.replace(/\d+\.\d+/g, (digits) => (digits.length > 7 ? String(Number(Number(digits).toPrecision(5))) : digits));
}
