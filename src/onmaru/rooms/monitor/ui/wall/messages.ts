/** What the page and its wall's worker tell each other. */
import type { Shown, Taken } from './beds';
import type { FeedBed, Source } from './frames';
import type { Words } from './tile';

export type ToWorker =
  | { type: 'begin'; canvas: OffscreenCanvas | null; words: Words; still: boolean }
  /** The stream to follow; the one before is let go. `alone`: it is of one bed, which is told whole. */
  | { type: 'follow'; address: string; alone: boolean }
  | { type: 'size'; width: number; height: number; ratio: number }
  | { type: 'alerts'; alerts: ReadonlyMap<string, Taken> }
  | { type: 'names'; names: ReadonlyMap<string, string> }
  | { type: 'focus'; patient: string }
  | { type: 'order'; by: 'risk' | 'bed' }
  /** How often the rows of the list are told anew, ms. */
  | { type: 'rows'; every: number };

/** How late numbers came to the screen after the house had them, ms, of the last ones painted. */
export interface Lag {
  painted: number;
  p50: number;
  p99: number;
}

export type FromWorker =
  | { type: 'rows'; rows: readonly Shown[] }
  | { type: 'bed'; bed: FeedBed }
  | { type: 'order'; order: readonly string[] }
  /** `ago`: ms since the server was last heard; `silent`: patients whose devices say nothing. */
  | { type: 'heard'; ago: number; silent: readonly string[]; feeds: readonly Source[]; lag: Lag | null }
  /** A stream that was refused, by its status; 0: cut off. */
  | { type: 'refused'; status: number };
