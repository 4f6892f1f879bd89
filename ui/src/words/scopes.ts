/** SMART scopes (App Launch 2) read for people: who is meant, which kinds of data, and what may be done with them. */

export const SPECIAL = ['openid', 'fhirUser', 'profile', 'launch', 'launch/patient', 'launch/encounter', 'offline_access', 'online_access'] as const;

export interface Granted {
  context: 'patient' | 'user' | 'system';
  /** Resource types; `*` is all of them. Those that may be used alike stand together. */
  types: readonly string[];
  /** Of c, r, u, d, s. */
  verbs: string;
  /** A search that narrows it; '' for all. */
  search: string;
}

export interface Read {
  special: readonly string[];
  granted: readonly Granted[];
  /** What is no scope; it grants nothing. */
  unread: readonly string[];
}

const FORM = /^(patient|user|system)\/(\*|[A-Z][A-Za-z]+)\.(c?r?u?d?s?|read|write|\*)(?:\?(.+))?$/;
const V1: Readonly<Record<string, string>> = { read: 'rs', write: 'cud', '*': 'cruds' };

export function readScopes(text: string): Read {
  const special: string[] = [];
  const unread: string[] = [];
  const granted = new Map<string, Granted & { types: string[] }>();
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const hit = FORM.exec(word);
    if ((SPECIAL as readonly string[]).includes(word)) special.push(word);
    else if (!hit?.[3]) unread.push(word);
    else {
      const [, context, type = '', letters, search = ''] = hit;
      const verbs = V1[letters] ?? letters;
      const key = `${context} ${verbs} ${search}`;
      const one = granted.get(key) ?? { context: context as Granted['context'], types: [], verbs, search };
      if (!one.types.includes(type)) one.types.push(type);
      granted.set(key, one);
    }
  }
  return { special, granted: [...granted.values()], unread };
}
