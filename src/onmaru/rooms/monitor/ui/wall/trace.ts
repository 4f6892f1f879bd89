/** The last seconds of one waveform, by the time its samples were taken. What is missing is a gap: no line goes over it. */
import type { Piece } from './frames';

const SECONDS = 16;
/** Pieces whose clocks fit each other to so many samples are one line: times are rounded, samples are not lost. */
const FIT = 2;
/** A piece so old when it comes is not drawn: it would look like now. */
const LATE_US = 10_000_000;
/** A screen is told of a piece soon after it came, and the network takes its time. */
const SPARE_US = 400_000;

export class Trace {
  readonly hz: number;
  readonly unit: string;
  /** Lowest and highest value of the last pieces, to draw between. */
  low = 0;
  high = 0;
  /** How far behind the hospital's clock this one is drawn, µs, so that the next piece is there in time. */
  delay = 0;
  private readonly ring: Float32Array;
  /** The number of the first sample behind the last one held, counted from 1970. */
  private end = 0;
  private last = 0;
  private spans: { low: number; high: number; end: number }[] = [];

  constructor(hz: number, unit: string) {
    this.hz = hz;
    this.unit = unit;
    this.ring = new Float32Array(Math.ceil(hz * SECONDS)).fill(NaN);
  }

  /** Take a piece that came at `now` (µs); one that was taken before, or is too old, changes nothing. */
  take(piece: Piece, now: number): boolean {
    if (piece.at <= this.last || now - piece.at > LATE_US) return false;
    this.last = piece.at;
    const count = piece.samples.length;
    let from = Math.round((piece.at * piece.hz) / 1e6) - count + 1;
    if (Math.abs(from - this.end) <= FIT) from = this.end;
    if (this.end > 0) for (let n = Math.max(this.end, from - this.ring.length); n < from; n += 1) this.put(n, NaN);
    for (let n = 0; n < count; n += 1) this.put(from + n, piece.low + piece.step * (piece.samples[n] as number));
    this.end = Math.max(this.end, from + count);
    this.fit(piece, count);
    this.wait(piece, count, now);
    return true;
  }

  /** The value at a time (µs); NaN where none is held. */
  at(when: number): number {
    return this.sample(Math.floor((when * this.hz) / 1e6));
  }

  /** The value of a sample by its number from 1970; NaN where none is held. */
  sample(n: number): number {
    return n >= this.end || n < this.end - this.ring.length ? NaN : (this.ring[n % this.ring.length] as number);
  }

  private put(n: number, value: number): void {
    this.ring[n % this.ring.length] = value;
  }

  /** The span to draw between: that of the last seconds, and as it was while it still fits, so that lines stand still. */
  private fit(piece: Piece, count: number): void {
    this.spans.push({ low: piece.low, high: piece.low + piece.step * 255, end: this.end });
    this.spans = this.spans.filter((one) => one.end > this.end - 5 * this.hz - count);
    const low = Math.min(...this.spans.map((one) => one.low));
    const high = Math.max(...this.spans.map((one) => one.high));
    if (low >= this.low && high <= this.high && high - low > (this.high - this.low) / 2) return;
    const room = (high - low) * 0.08 || 1;
    this.low = low - room;
    this.high = high + room;
  }

  private wait(piece: Piece, count: number, now: number): void {
    const needed = Math.max(0, now - piece.at) + (count / piece.hz) * 1e6 + SPARE_US;
    if (needed > this.delay || needed < this.delay - 1_500_000) this.delay = Math.ceil(needed / 250_000) * 250_000;
  }
}
