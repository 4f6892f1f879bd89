/** Draws the timeline and remembers where each mark lies. Pure in its scene: the same scene gives the same picture. */
import type { Tick } from './axis';
import type { Cluster, Kind, Span } from './data';
import { short } from './look';
import { length, type View } from './view';

export const LANE = 27;
export const AXIS = 26;

export interface Palette {
  ink: string;
  quiet: string;
  line: string;
  paper: string;
  well: string;
  alert: string;
  brand: string;
  kinds: Readonly<Record<string, string>>;
}

export interface Scene {
  view: View;
  width: number;
  lanes: readonly Kind[];
  clusters: readonly Cluster[];
  spans: readonly Span[];
  ticks: readonly Tick[];
  now: { at: number; text: string };
  words: (cluster: Cluster) => string;
  name: (span: Span) => string;
  chosen: Mark | null;
  palette: Palette;
}

const colorOf = (kind: Kind, palette: Palette): string => palette.kinds[kind] ?? palette.quiet;

/** Where a cluster or a span was drawn. */
export interface Mark {
  left: number;
  right: number;
  lane: number;
  cluster: Cluster | null;
  span: Span | null;
}

export const heightOf = (lanes: number): number => AXIS + Math.max(1, lanes) * LANE + 6;

export function draw(ctx: CanvasRenderingContext2D, scene: Scene): Mark[] {
  const { view, width, lanes, palette } = scene;
  const height = heightOf(lanes.length);
  const x = (at: number): number => ((at - view.from) / length(view)) * width;
  ctx.clearRect(0, 0, width, height);
  ground(ctx, scene, height, x);
  const row = new Map(lanes.map((kind, at) => [kind, at]));
  const marks: Mark[] = [];
  for (const span of scene.spans) {
    const lane = row.get(span.kind);
    if (lane === undefined || span.low > view.to || (span.high !== null && span.high < view.from)) continue;
    marks.push(bar(ctx, scene, lane, x(span.low), span.high === null ? width : x(span.high), null, span));
  }
  lasting(ctx, scene, marks, row, x);
  const seen = scene.clusters.filter((one) => row.has(one.kind) && one.last >= view.from && one.low <= view.to);
  const most = Math.log(Math.max(2, ...seen.map((one) => one.n)));
  const next = followers(seen, x, width);
  for (const one of seen) {
    const lane = row.get(one.kind) as number;
    marks.push(one.n === 1 ? lone(ctx, scene, lane, one, x, next.get(one) ?? width) : pile(ctx, scene, lane, one, x, most, next.get(one) ?? width));
  }
  if (scene.chosen) halo(ctx, palette, scene.chosen);
  return marks;
}

/** At the left edge, in words, what reaches in from before: as far as the first item of the lane leaves room. */
function lasting(ctx: CanvasRenderingContext2D, scene: Scene, marks: readonly Mark[], row: ReadonlyMap<Kind, number>, x: (at: number) => number): void {
  for (const [kind, lane] of row) {
    const names = marks.filter((mark) => mark.lane === lane && mark.left <= 0).map((mark) => (mark.span ? scene.name(mark.span) : ''));
    if (names.length === 0) continue;
    const starts = scene.clusters.filter((one) => one.kind === kind && one.last >= scene.view.from).map((one) => x(one.low));
    const room = Math.min(scene.width, ...starts) - 20;
    if (room > 50) word(ctx, scene, [...new Set(names)].join(' · '), 6, AXIS + lane * LANE + LANE / 2 - 4, room, scene.palette.quiet);
  }
}

/** For each cluster, where the next one in its lane begins: how much room a word beside it has. */
function followers(seen: readonly Cluster[], x: (at: number) => number, width: number): Map<Cluster, number> {
  const last = new Map<Kind, number>();
  const found = new Map<Cluster, number>();
  for (const one of [...seen].sort((a, b) => b.low - a.low)) {
    found.set(one, last.get(one.kind) ?? width);
    last.set(one.kind, x(one.low));
  }
  return found;
}

function ground(ctx: CanvasRenderingContext2D, scene: Scene, height: number, x: (at: number) => number): void {
  const { palette, width } = scene;
  scene.lanes.forEach((_, at) => {
    if (at % 2 === 1) return;
    ctx.fillStyle = palette.well;
    ctx.fillRect(0, AXIS + at * LANE, width, LANE);
  });
  ctx.font = '12px Pretendard, "Noto Sans KR", system-ui, sans-serif';
  ctx.textBaseline = 'middle';
  for (const tick of scene.ticks) {
    const at = Math.round(x(tick.at)) + 0.5;
    ctx.strokeStyle = palette.line;
    ctx.lineWidth = tick.strong ? 1.5 : 1;
    stroke(ctx, at, AXIS - 6, height);
    ctx.fillStyle = tick.strong ? palette.ink : palette.quiet;
    if (at < width - 24) ctx.fillText(tick.text, at + 4, 11);
  }
  const now = x(scene.now.at);
  if (now < 0 || now > width) return;
  ctx.strokeStyle = palette.brand;
  ctx.lineWidth = 1.5;
  ctx.setLineDash([4, 3]);
  stroke(ctx, now, AXIS - 8, height);
  ctx.setLineDash([]);
}

function stroke(ctx: CanvasRenderingContext2D, x: number, top: number, bottom: number): void {
  ctx.beginPath();
  ctx.moveTo(x, top);
  ctx.lineTo(x, bottom);
  ctx.stroke();
}

/** A thing with a length. */
function bar(ctx: CanvasRenderingContext2D, scene: Scene, lane: number, from: number, to: number, cluster: Cluster | null, span: Span | null): Mark {
  const kind = (cluster?.kind ?? span?.kind) as Kind;
  const left = Math.max(-6, from);
  const right = Math.max(Math.min(to, scene.width + 6), left + 6);
  ctx.globalAlpha = span ? 0.35 : 0.85;
  ctx.fillStyle = colorOf(kind, scene.palette);
  ctx.beginPath();
  ctx.roundRect(left, AXIS + lane * LANE + LANE - 9, right - left, 5, 2.5);
  ctx.fill();
  ctx.globalAlpha = 1;
  return { left, right, lane, cluster, span };
}

/** One item: a dot, a triangle when it is flagged, and in the room beside it what it says. */
function lone(ctx: CanvasRenderingContext2D, scene: Scene, lane: number, one: Cluster, x: (at: number) => number, next: number): Mark {
  const at = x(one.low);
  const end = one.high === null ? scene.width : x(one.high ?? one.low);
  if (end - at > 12) bar(ctx, scene, lane, at, end, one, null);
  const y = AXIS + lane * LANE + LANE / 2 - (end - at > 12 ? 4 : 0);
  ctx.fillStyle = one.flag ? scene.palette.alert : colorOf(one.kind, scene.palette);
  ctx.beginPath();
  if (one.flag) flagged(ctx, one.flag, at, y);
  else ctx.arc(at, y, 4, 0, Math.PI * 2);
  ctx.fill();
  const room = next - at - 18;
  if (room > 34) word(ctx, scene, short(scene.words(one)), at + 9, y, room, one.flag ? scene.palette.alert : scene.palette.ink);
  return { left: at - 7, right: Math.max(at + 7, Math.min(end, at + 14)), lane, cluster: one, span: null };
}

function flagged(ctx: CanvasRenderingContext2D, flag: string, x: number, y: number): void {
  const size = flag.length > 1 ? 6.5 : 5;
  const up = flag.startsWith('H') ? -1 : 1;
  if (flag.startsWith('A')) {
    ctx.moveTo(x, y - size);
    ctx.lineTo(x + size, y);
    ctx.lineTo(x, y + size);
    ctx.lineTo(x - size, y);
    return;
  }
  ctx.moveTo(x, y + up * size);
  ctx.lineTo(x + size, y - up * size * 0.8);
  ctx.lineTo(x - size, y - up * size * 0.8);
}

/** Many items in one bucket: a column as high as the logarithm of their number, red as far as they are flagged. */
function pile(ctx: CanvasRenderingContext2D, scene: Scene, lane: number, one: Cluster, x: (at: number) => number, most: number, next: number): Mark {
  const tall = 5 + (LANE - 10) * (Math.log(one.n) / most);
  const middle = (x(one.low) + x(one.last)) / 2;
  const wide = Math.min(11, Math.max(7, x(one.last) - x(one.low)));
  const bottom = AXIS + lane * LANE + LANE - 3;
  ctx.fillStyle = colorOf(one.kind, scene.palette);
  ctx.beginPath();
  ctx.roundRect(middle - wide / 2, bottom - tall, wide, tall, 2);
  ctx.fill();
  if (one.flagged) {
    const red = Math.max(3, (tall * one.flagged) / one.n);
    ctx.fillStyle = scene.palette.alert;
    ctx.beginPath();
    ctx.roundRect(middle - wide / 2, bottom - tall, wide, red, 2);
    ctx.fill();
  }
  if (one.critical) {
    ctx.beginPath();
    ctx.arc(middle, bottom - tall - 2, 2.6, 0, Math.PI * 2);
    ctx.fill();
  }
  const room = next - middle - wide;
  if (room > 30) word(ctx, scene, `×${one.n}`, middle + wide / 2 + 4, AXIS + lane * LANE + LANE / 2, room, scene.palette.quiet);
  return { left: middle - 7, right: middle + 7, lane, cluster: one, span: null };
}

function word(ctx: CanvasRenderingContext2D, scene: Scene, text: string, x: number, y: number, room: number, color: string): void {
  if (!text || x < 0) return;
  const fits = Math.floor(Math.min(room, scene.width - x) / 7.2);
  if (fits < 3) return;
  ctx.fillStyle = color;
  let cut = text;
  while (cut.length > 3 && ctx.measureText(cut).width > room) cut = cut.slice(0, Math.max(3, Math.floor(cut.length * 0.85)));
  if (ctx.measureText(cut).width > room) return;
  ctx.fillText(cut === text ? cut : `${cut.slice(0, -1)}…`, x, y);
}

function halo(ctx: CanvasRenderingContext2D, palette: Palette, mark: Mark): void {
  ctx.strokeStyle = palette.brand;
  ctx.lineWidth = 2;
  ctx.beginPath();
  ctx.roundRect(mark.left - 3, AXIS + mark.lane * LANE + 1, mark.right - mark.left + 6, LANE - 2, 6);
  ctx.stroke();
}

/** The mark under a point, the nearest when several are near; items before what reaches in from earlier. */
export function hit(marks: readonly Mark[], x: number, y: number): Mark | null {
  const lane = Math.floor((y - AXIS) / LANE);
  let best: Mark | null = null;
  let least = 9;
  for (const mark of marks) {
    if (mark.lane !== lane) continue;
    const away = Math.max(mark.left - x, x - mark.right, 0) + (mark.span ? 4 : 0);
    if (away < least || (away === least && best?.span)) {
      best = mark;
      least = away;
    }
  }
  return best;
}
