/** The thin client: one function per verb, each giving an Outcome. It adds tenant, language and CSRF token to every request. */
import { prefix } from './place';
import { type Outcome, problemOf } from './outcome';

export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export interface Ask {
  query?: Query;
  signal?: AbortSignal;
  headers?: Readonly<Record<string, string>>;
  /** How long the answer may take, where that is known to be long; in ms. */
  limit?: number;
}

/** What a request carries besides its own words; the session keeps it up to date. */
export const standing = { csrf: '', language: 'ko', onExpired: (): void => undefined };

const TIMEOUT_MS = 30_000;

/** The address below the tenant: `address('/api/me', {a: 1})` → `/t/X/api/me?a=1`. Empty parameters are left out. */
export function address(path: string, query: Query = {}): string {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === '') continue;
    for (const one of Array.isArray(value) ? value : [value]) words.append(name, String(one));
  }
  const text = words.toString();
  return `${prefix}${path}${text ? `?${text}` : ''}`;
}

type Take<T> = (answer: Response) => Promise<T>;

async function asked<T>(method: string, path: string, ask: Ask, body: unknown, take: Take<T>): Promise<Outcome<T>> {
  const headers: Record<string, string> = {
    Accept: path.startsWith('/fhir') ? 'application/fhir+json' : 'application/json',
    'Accept-Language': standing.language,
    ...ask.headers,
  };
  if (method !== 'GET' && standing.csrf) headers['X-CSRF-Token'] = standing.csrf;
  if (body !== undefined) headers['Content-Type'] ??= path.startsWith('/fhir') ? 'application/fhir+json' : 'application/json';
  const limit = AbortSignal.timeout(ask.limit ?? TIMEOUT_MS);
  try {
    const answer = await fetch(address(path, ask.query), {
      method,
      headers,
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
      signal: ask.signal ? AbortSignal.any([ask.signal, limit]) : limit,
      credentials: 'same-origin',
      cache: 'no-store',
    });
    if (answer.ok) return { ok: true, value: await take(answer), status: answer.status };
    const text = await answer.text();
    if (answer.status === 401 && path !== '/api/login') standing.onExpired();
    return { ok: false, problem: problemOf(answer.status, text, answer.headers.get('Retry-After')) };
  } catch {
    return { ok: false, problem: problemOf(0, '') };
  }
}

const send = (method: string, path: string, ask: Ask, body?: unknown): Promise<Outcome<string>> =>
  asked(method, path, ask, body, (answer) => answer.text());

function read<T>(outcome: Outcome<string>): Outcome<T> {
  if (!outcome.ok) return outcome;
  try {
    return { ...outcome, value: (outcome.value ? JSON.parse(outcome.value) : null) as T };
  } catch {
    return { ok: false, problem: { ...problemOf(outcome.status, ''), kind: 'failed' } };
  }
}

/** Paths are below the tenant: `api.get('/rooms/journey/patients')`, `api.get('/fhir/Patient/1')`. */
export const api = {
  get: async <T>(path: string, ask: Ask = {}): Promise<Outcome<T>> => read<T>(await send('GET', path, ask)),
  /** The answer's own bytes as text: a resource's tokens (`72.50`) stay as they were written. */
  text: (path: string, ask: Ask = {}): Promise<Outcome<string>> => send('GET', path, ask),
  /** What a POST gives as a file, whatever its bytes are. */
  file: (path: string, body: unknown, ask: Ask = {}): Promise<Outcome<Blob>> =>
    asked('POST', path, ask, body, (answer) => answer.blob()),
  post: async <T>(path: string, body?: unknown, ask: Ask = {}): Promise<Outcome<T>> =>
    read<T>(await send('POST', path, ask, body)),
  put: async <T>(path: string, body: unknown, ask: Ask = {}): Promise<Outcome<T>> =>
    read<T>(await send('PUT', path, ask, body)),
  patch: async <T>(path: string, body: unknown, ask: Ask = {}): Promise<Outcome<T>> =>
    read<T>(await send('PATCH', path, ask, body)),
  delete: async <T>(path: string, ask: Ask = {}, body?: unknown): Promise<Outcome<T>> =>
    read<T>(await send('DELETE', path, ask, body)),
};
