/** Every answer of the server as a value: what came, or why it did not. Nothing here throws. */

export type ProblemKind =
  | 'offline' // no answer came
  | 'expired' // 401: sign in again
  | 'forbidden' // 403
  | 'absent' // 404, 410
  | 'conflict' // 409, 412: somebody else was first
  | 'refused' // any other 4xx: the request was wrong; `issues` says where
  | 'busy' // 429, 503: try again later
  | 'failed'; // 5xx, or an answer that cannot be read

export interface Issue {
  code: string;
  text: string;
  /** FHIRPath of the element at fault; '' when the whole request is. */
  path: string;
}

export interface Problem {
  kind: ProblemKind;
  /** HTTP status; 0 when no answer came. */
  status: number;
  /** The server's own code (`error.code`, or the first issue's). */
  code: string;
  /** The server's own words in the asked language; '' when it sent none. */
  text: string;
  issues: readonly Issue[];
  /** Seconds after which the server says to try again; 0 where it does not say. */
  wait: number;
}

export type Outcome<T> = { ok: true; value: T; status: number } | { ok: false; problem: Problem };

export function kindOf(status: number): ProblemKind {
  if (status === 0) return 'offline';
  if (status === 401) return 'expired';
  if (status === 403) return 'forbidden';
  if (status === 404 || status === 410) return 'absent';
  if (status === 409 || status === 412) return 'conflict';
  if (status === 429 || status === 503) return 'busy';
  return status >= 400 && status < 500 ? 'refused' : 'failed';
}

/** Reads `{error:{code,text}}` or an OperationOutcome; any other body leaves code and text empty. */
export function problemOf(status: number, body: string, retryAfter: string | null = null): Problem {
  const issues = issuesOf(parsed(body));
  const first = issues[0];
  return { kind: kindOf(status), status, code: first?.code ?? '', text: first?.text ?? '', issues, wait: Number(retryAfter) || 0 };
}

type Loose = { [key: string]: unknown };

function parsed(body: string): Loose {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Loose) : {};
  } catch {
    return {};
  }
}

function issuesOf(body: Loose): Issue[] {
  const error = body['error'] as Loose | undefined;
  if (error && typeof error === 'object') return [{ code: word(error['code']), text: word(error['text']), path: '' }];
  if (body['resourceType'] !== 'OperationOutcome' || !Array.isArray(body['issue'])) return [];
  return (body['issue'] as Loose[]).map((issue) => ({
    code: word(issue['code']),
    text: word(issue['diagnostics']) || word((issue['details'] as Loose | undefined)?.['text']),
    path: Array.isArray(issue['expression']) ? word(issue['expression'][0]) : '',
  }));
}

const word = (value: unknown): string => (typeof value === 'string' ? value : '');
