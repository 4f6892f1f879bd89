/** How late numbers reach the screen: from when the house had them until they were painted. */
import type { FeedBed } from './frames';
import type { Lag } from './messages';

const HELD = 2_000;

export class Lags {
  private readonly waiting = new Set<string>();
  private found: number[] = [];

  came(bed: FeedBed): void {
    if (bed.numerics.some((one) => one.interval > 0)) this.waiting.add(bed.patient);
  }

  /** A bed was painted at `at` (µs, the hospital's). */
  painted(patient: string, bed: FeedBed | undefined, at: number): void {
    if (!bed || !this.waiting.delete(patient)) return;
    const newest = Math.max(...bed.numerics.filter((one) => one.interval > 0).map((one) => one.received));
    this.found.push((at - newest) / 1000);
    if (this.found.length > HELD) this.found = this.found.slice(-HELD / 2);
  }

  told(): Lag | null {
    if (this.found.length === 0) return null;
    const sorted = [...this.found].sort((one, other) => one - other);
    const share = (part: number): number => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] as number);
    return { painted: sorted.length, p50: share(0.5), p99: share(0.99) };
  }
}
