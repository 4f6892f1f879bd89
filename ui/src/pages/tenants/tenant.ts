/** A tenant as `/api/tenants` tells it. Times are µs since 1970. */

import type { Tone } from '../../parts/State';

export const LIMITS = ['resources', 'blobs', 'rate', 'at_once'] as const;
export type Limit = (typeof LIMITS)[number];
export type Limits = Readonly<Record<Limit, number>>;

export interface Line {
  tenant: string;
  state: 'open' | 'suspended' | 'destroying' | 'destroyed';
  /** When, by whom and why it came to this state; 0 and '' where it always was so. */
  at: number;
  by: string;
  reason: string;
  limits: Limits;
  /** Versions in its log; null for one that is not open in this process. */
  entries: number | null;
}

export interface Whole extends Omit<Line, 'entries'> {
  entries: number;
  users?: number;
  engine?: string;
  /** `own`: apart from the data, so that destroying it destroys every copy; `house`: wrapped by the master key alone. */
  key?: string;
  exported?: { at: number; t: number; log: string } | null;
  exporting?: boolean;
  transferred?: string;
}

export const tones: Record<Line['state'], Tone> = { open: 'good', suspended: 'warn', destroying: 'alert', destroyed: 'plain' };

export const gone = (state: Line['state']): boolean => state === 'destroying' || state === 'destroyed';

/** The moment as the formats read it; '' for 0. */
export const instant = (at: number): string => (at ? new Date(at / 1000).toISOString() : '');
