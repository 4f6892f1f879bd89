/** The wall as a picture: tiles in their places, painted a few a frame, and their traces a third a frame. */
import { type Shown, keyOf } from './beds';
import { GROUND, waveColour, waveRank } from './colours';
import { type Grid, gridOf } from './grid';
import { type Line, sweep } from './sweep';
import { type Box, frame, groundOf, type Paint, paintTile, traceBox, type Words } from './tile';
import type { Trace } from './trace';

/** So long a frame may paint tiles, ms; what is left over waits for the next one. */
const BUDGET_MS = 0.6;
/** Each trace is drawn on each third frame. */
const TURNS = 3;
const BLINK_MS = 500;
const TRACES = 2;

interface Tile {
  shown: Shown;
  box: Box;
  key: string;
  ground: string;
  lines: Line[];
}

type Waves = ReadonlyMap<string, ReadonlyMap<string, Trace>>;

export class Picture {
  private readonly paint: Paint;
  private tiles = new Map<string, Tile>();
  private order: readonly string[] = [];
  private due = new Set<string>();
  private focused = '';
  private turn = 0;
  private on = true;
  private waves: Waves = new Map();
  private width = 0;
  private height = 0;

  constructor(private readonly canvas: OffscreenCanvas, ctx: OffscreenCanvasRenderingContext2D, words: Words, private readonly still: boolean) {
    this.paint = { ctx, words, ratio: 1, quiet: false };
  }

  /** In CSS pixels; `ratio`: device pixels of one. */
  size(width: number, height: number, ratio: number): void {
    this.width = width;
    this.height = height;
    this.paint.ratio = ratio;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.lay();
  }

  /** The beds in their order. */
  place(beds: readonly Shown[], waves: Waves = this.waves): void {
    const before = this.order.length;
    this.waves = waves;
    this.order = beds.map((one) => one.patient);
    const held = this.tiles;
    this.tiles = new Map(beds.map((one) => [one.patient, held.get(one.patient) ?? { shown: one, box: { x: 0, y: 0, w: 0, h: 0 }, key: '', ground: '', lines: [] }]));
    this.lay(before !== beds.length);
  }

  show(shown: Shown): void {
    const tile = this.tiles.get(shown.patient);
    if (!tile) return;
    tile.shown = shown;
    this.due.add(shown.patient);
  }

  traced(patient: string, mine: ReadonlyMap<string, Trace>): void {
    const tile = this.tiles.get(patient);
    if (tile) this.lines(tile, mine);
  }

  focus(patient: string): void {
    for (const one of [this.focused, patient]) if (this.tiles.has(one)) this.again(this.tiles.get(one) as Tile);
    this.focused = patient;
  }

  /** One frame at `at` (µs, the hospital's): gives the patients whose tiles were painted anew. */
  draw(at: number, quiet: boolean): readonly string[] {
    const began = performance.now();
    if (quiet !== this.paint.quiet) {
      this.paint.quiet = quiet;
      for (const tile of this.tiles.values()) this.again(tile);
    }
    this.blink(began);
    const painted: string[] = [];
    for (const patient of this.due) {
      this.due.delete(patient);
      const tile = this.tiles.get(patient);
      if (tile?.box.w) {
        this.fresh(tile);
        painted.push(patient);
      }
      if (performance.now() - began > BUDGET_MS) break;
    }
    this.turn = (this.turn + 1) % TURNS;
    const lines: Line[] = [];
    this.order.forEach((patient, n) => {
      const tile = n % TURNS === this.turn ? this.tiles.get(patient) : undefined;
      if (tile && !this.due.has(patient)) lines.push(...tile.lines);
    });
    sweep(this.paint.ctx, lines, at, this.paint.ratio);
    return painted;
  }

  /** Only what has changed is painted: traces are drawn anew where their ground is another. */
  private fresh(tile: Tile): void {
    const key = keyOf(tile.shown, this.paint.quiet);
    if (key === tile.key) return;
    const ground = groundOf(tile.shown, this.paint.quiet);
    const whole = tile.key === '' || ground !== tile.ground;
    Object.assign(tile, { key, ground });
    paintTile(this.paint, tile.box, tile.shown, tile.shown.patient === this.focused, whole);
    if (whole) for (const line of tile.lines) Object.assign(line, { ground, played: 0 });
  }

  private again(tile: Tile): void {
    tile.key = '';
    this.due.add(tile.shown.patient);
  }

  private lay(all = true): void {
    const grid: Grid = gridOf(this.order.length, this.width, this.height);
    const { ratio } = this.paint;
    if (all) {
      this.paint.ctx.fillStyle = GROUND;
      this.paint.ctx.fillRect(0, 0, this.canvas.width, this.canvas.height);
    }
    this.order.forEach((patient, n) => {
      const tile = this.tiles.get(patient) as Tile;
      const x = (n % grid.columns) * grid.wide * ratio + ratio;
      const y = Math.floor(n / grid.columns) * grid.tall * ratio + ratio;
      if (!all && tile.box.x === x && tile.box.y === y && tile.box.w) return;
      tile.box = { x, y, w: grid.wide * ratio - 2 * ratio, h: grid.tall * ratio - 2 * ratio };
      this.lines(tile, this.waves.get(patient));
      this.again(tile);
    });
  }

  private lines(tile: Tile, mine: ReadonlyMap<string, Trace> | undefined): void {
    const chosen = [...(mine ?? [])].sort(([one], [other]) => waveRank(one) - waveRank(other) || (one < other ? -1 : 1)).slice(0, TRACES);
    const ground = groundOf(tile.shown, this.paint.quiet);
    tile.lines = chosen.map(([code, trace], n) => ({ trace, box: traceBox(tile.box, n), ink: waveColour(code), ground, played: 0 }));
  }

  /** The borders of beds whose alert nobody has taken, twice a second. */
  private blink(now: number): void {
    const on = this.still || Math.floor(now / BLINK_MS) % 2 === 0;
    if (on === this.on) return;
    this.on = on;
    for (const tile of this.tiles.values()) {
      const waits = tile.shown.urgency && !tile.shown.taken && tile.box.w && !this.due.has(tile.shown.patient);
      if (waits) frame(this.paint, tile.box, tile.shown, tile.shown.patient === this.focused, on);
    }
  }
}
