/** What the quality room answers, and the words for it. */
export type State = 'failed' | 'passed' | 'not-applicable';
export const STATES: readonly State[] = ['failed', 'passed', 'not-applicable'];

export interface Verdict {
  check: string;
  outcome: State;
  violated: number;
  total: number;
  percent: number | null;
  threshold: number;
  severity: string;
  why: string;
  says: string;
  category: string;
  level: string;
  owner: string;
}

export type Totals = Readonly<Record<string, Readonly<Record<State, number>>>>;

/** GET last. `at`: µs since 1970 UTC, 0 where no run was kept. */
export interface Last {
  t: number;
  at: number;
  totals: Totals;
  checks: readonly Verdict[];
}

export interface Run {
  at: number;
  t: number;
  violated: number;
  total: number;
}

/** GET checks/{check}. */
export interface One {
  check: { id: string; says: string; category: string; level: string; severity: string; threshold: number };
  verdict: Verdict | null;
  threshold: { percent: number; owner: string; reason: string } | null;
  task: { id: string; status: string } | null;
  trend: readonly Run[];
}

/** GET checks/{check}/rows. The message's own words are null where none brought the row. */
export interface Row {
  source: string;
  version: number;
  t: number;
  patient: string;
  value: string | null;
  message: string | null;
  control: string | null;
  kind: string | null;
  sender: string | null;
  sent: string | null;
}

/** GET checks/{check}/senders. */
export interface Sender {
  sender: string;
  day: string | null;
  violated: number;
  total: number;
}

/** Of those that apply, how many passed: `rate` in whole percent, never 100 while one failed; null where none applies. */
export function rate(of: Readonly<Record<State, number>> | undefined): number | null {
  if (!of || of.passed + of.failed === 0) return null;
  const percent = Math.round((100 * of.passed) / (of.passed + of.failed));
  return of.failed > 0 && percent === 100 ? 99 : percent;
}

/** Those whose id or words hold every word that was typed. */
export function chosen(checks: readonly Verdict[], typed: string): readonly Verdict[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  return checks.filter((one) => words.every((word) => `${one.check} ${one.says} ${one.owner}`.toLowerCase().includes(word)));
}

/** µs since 1970 as the time that `format` reads. */
export function moment(at: number): string {
  return new Date(at / 1000).toISOString();
}

/** A v2 message as lines of text, from the attachment of its document; null where its bytes lie elsewhere. */
export function messageText(document: { content?: readonly { attachment?: { contentType?: string; data?: string } }[] }): string | null {
  const held = document.content?.[0]?.attachment;
  if (!held?.data) return null;
  const charset = /charset=([\w-]+)/.exec(held.contentType ?? '')?.[1] ?? 'utf-8';
  const bytes = Uint8Array.from(atob(held.data), (letter) => letter.charCodeAt(0));
  return new TextDecoder(charset).decode(bytes).replace(/\r\n?/g, '\n');
}
