/** The string tables and the language in use. Every key exists in Korean and English (a test holds this). */
import { useSyncExternalStore } from 'react';
import type { Language, Strings } from '../room';
import en from './en.json';
import ko from './ko.json';

export type Values = Readonly<Record<string, string | number>>;
export type Translate = (key: string, values?: Values) => string;

export const tables: Record<Language, Strings> = {
  ko: { ...ko },
  en: { ...en },
};

/** The strings of a room, and those of pages that are loaded when first opened: whoever brings them calls this as it is loaded. */
export function learn(strings: Record<Language, Strings>): void {
  Object.assign(tables.ko, strings.ko);
  Object.assign(tables.en, strings.en);
}

/** `{name}` is replaced by the value, `{count|patient|patients}` by the first word if it is 1 and the second otherwise. */
export function fill(text: string, values: Values = {}): string {
  return text.replace(/\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g, (whole, name: string, one?: string, many?: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    if (one === undefined) return String(value);
    return Number(value) === 1 ? one : (many ?? '');
  });
}

const KEPT = 'onmaru.language';
const watchers = new Set<() => void>();
let language: Language = first();

function first(): Language {
  if (typeof window === 'undefined') return 'ko';
  const kept = localStorage.getItem(KEPT);
  if (kept === 'ko' || kept === 'en') return kept;
  return navigator.language.startsWith('ko') ? 'ko' : 'en';
}

export const languageNow = (): Language => language;

/** `keep` false: the account's language, until the user chooses one on this machine. */
export function setLanguage(next: Language, keep = true): void {
  if (!keep && localStorage.getItem(KEPT)) return;
  if (keep) localStorage.setItem(KEPT, next);
  language = next;
  watchers.forEach((watch) => watch());
}

const subscribe = (watch: () => void): (() => void) => {
  watchers.add(watch);
  return () => watchers.delete(watch);
};

export const useLanguage = (): Language => useSyncExternalStore(subscribe, languageNow);

export const translator = (lang: Language): Translate => (key, values) => fill(tables[lang][key] ?? key, values);

/** In components use `useT`, which follows the switch; `t` is for code outside of React. */
export const t: Translate = (key, values) => translator(language)(key, values);

const made = { ko: translator('ko'), en: translator('en') };

export const useT = (): Translate => made[useLanguage()];
