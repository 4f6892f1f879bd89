/** Paints one bed's tile, but for its traces: bed, risk as shape and colour, numbers, ages. It clears only where it writes. */
import { type Shown, type ShownValue, stepped } from './beds';
import { FOCUS, INK, LINE, lookOf, MEASURED, QUIET, UNKNOWN, urgent } from './colours';
import { OF_LEVEL, POINTS } from '../shapes';
import { masked } from './names';

export interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

/** What the painter needs of the language; `short` are the labels on a tile. */
export interface Words {
  short: Readonly<Record<string, string>>;
  ages: Readonly<Record<'s' | 'min' | 'h', string>>;
  silent: string;
  clock: string;
  none: string;
}

export interface Paint {
  ctx: OffscreenCanvasRenderingContext2D;
  words: Words;
  ratio: number;
  /** Whether nothing here may look live, as the server is silent. */
  quiet: boolean;
}

const FONT = 'Pretendard, "Noto Sans KR", "Noto Sans CJK KR", system-ui, sans-serif';
const WIDE = 192;
const TALL = 98;

/** One unit of a tile: it is 192 wide and 98 tall. */
export const unitOf = (box: Box): number => Math.min(box.w / WIDE, box.h / TALL);

/** Where the n-th trace of a tile is drawn. */
export function traceBox(box: Box, n: number): Box {
  const u = unitOf(box);
  const top = box.y + (25 + n * 29) * (box.h / TALL);
  return { x: Math.round(box.x + 12 * u), y: Math.round(top), w: Math.round(box.w - 96 * u), h: Math.round(27 * (box.h / TALL)) };
}

export function groundOf(shown: Shown, quiet: boolean): string {
  return quiet || shown.condition === 'silent' ? UNKNOWN.ground : lookOf(shown.level).ground;
}

/** The tile; unless `whole`, what its traces show is left as it is. */
export function paintTile(paint: Paint, box: Box, shown: Shown, focused: boolean, whole: boolean): void {
  const { ctx } = paint;
  const u = unitOf(box);
  const dim = paint.quiet || shown.condition === 'silent';
  const look = dim ? UNKNOWN : lookOf(shown.level);
  ctx.fillStyle = look.ground;
  if (whole) ctx.fillRect(box.x, box.y, box.w, box.h);
  else around(ctx, box);
  ctx.fillStyle = look.bar;
  ctx.fillRect(box.x, box.y, 5 * u, box.h);
  head(paint, box, shown, u, look.ink);
  numbers(paint, box, shown, u);
  frame(paint, box, shown, focused, true);
}

/** Clears what lies around the traces. */
function around(ctx: OffscreenCanvasRenderingContext2D, box: Box): void {
  const [first, last] = [traceBox(box, 0), traceBox(box, 1)];
  const [right, bottom] = [box.x + box.w, box.y + box.h];
  ctx.fillRect(box.x, box.y, box.w, first.y - box.y);
  ctx.fillRect(first.x + first.w + 1, first.y, right - first.x - first.w - 1, bottom - first.y);
  ctx.fillRect(box.x, last.y + last.h, box.w, bottom - last.y - last.h);
}

/** The border: an alert that nobody has taken comes and goes with `on`. */
export function frame(paint: Paint, box: Box, shown: Shown, focused: boolean, on: boolean): void {
  const { ctx, ratio } = paint;
  const waits = shown.urgency !== '' && !shown.taken && !paint.quiet;
  const wide = (focused ? 3 : waits ? 3 : 1) * ratio;
  ctx.strokeStyle = focused ? FOCUS : waits && on ? urgent(shown.urgency).ink : waits ? groundOf(shown, paint.quiet) : LINE;
  ctx.lineWidth = wide;
  ctx.strokeRect(box.x + wide / 2, box.y + wide / 2, box.w - wide, box.h - wide);
}

function head(paint: Paint, box: Box, shown: Shown, u: number, ink: string): void {
  const { ctx } = paint;
  const middle = box.y + 13 * u;
  ctx.textBaseline = 'middle';
  ctx.textAlign = 'right';
  ctx.fillStyle = ink;
  ctx.font = `700 ${20 * u}px ${FONT}`;
  const right = box.x + box.w - 7 * u;
  ctx.fillText(shown.score, right, middle);
  let left = right - ctx.measureText(shown.score).width - 21 * u;
  shape(ctx, OF_LEVEL[shown.level] ?? 'unknown', left, middle - 8 * u, 16 * u, ink, paint.quiet);
  if (shown.urgency) {
    left -= 24 * u;
    const mark = paint.quiet ? QUIET : urgent(shown.urgency).ink;
    bell(ctx, left, middle - 9 * u, 18 * u, mark, shown.taken);
  }
  ctx.textAlign = 'left';
  ctx.fillStyle = INK;
  ctx.font = `700 ${18 * u}px ${FONT}`;
  ctx.fillText(shown.bed, box.x + 12 * u, middle, left - box.x - 16 * u);
  const after = box.x + 18 * u + ctx.measureText(shown.bed).width;
  const room = left - after - 4 * u;
  if (room > 20 * u) {
    ctx.fillStyle = QUIET;
    ctx.font = `500 ${12 * u}px ${FONT}`;
    ctx.fillText(masked(shown.name), after, middle + u, room);
  }
}

/** The risk's shape, as everywhere in the house; hollow where nothing is live. */
function shape(ctx: OffscreenCanvasRenderingContext2D, what: string, x: number, y: number, size: number, ink: string, hollow: boolean): void {
  const k = size / 24;
  ctx.beginPath();
  const points = POINTS[what];
  if (points) {
    points.split(' ').forEach((pair, n) => {
      const [px = 0, py = 0] = pair.split(',').map(Number);
      if (n === 0) ctx.moveTo(x + px * k, y + py * k);
      else ctx.lineTo(x + px * k, y + py * k);
    });
    ctx.closePath();
  } else ctx.arc(x + size / 2, y + size / 2, size * 0.36, 0, Math.PI * 2);
  if (hollow || what === 'unknown') {
    ctx.strokeStyle = ink;
    ctx.lineWidth = Math.max(1, size / 9);
    ctx.stroke();
  } else {
    ctx.fillStyle = ink;
    ctx.fill();
  }
}

/** The mark of an open alert: a filled bell while nobody has it in hand. */
function bell(ctx: OffscreenCanvasRenderingContext2D, x: number, y: number, size: number, ink: string, taken: boolean): void {
  const k = size / 24;
  ctx.beginPath();
  ctx.moveTo(x + 4 * k, y + 18 * k);
  ctx.quadraticCurveTo(x + 7 * k, y + 15 * k, x + 7 * k, y + 10 * k);
  ctx.arc(x + 12 * k, y + 9 * k, 5 * k, Math.PI, 0);
  ctx.quadraticCurveTo(x + 17 * k, y + 15 * k, x + 20 * k, y + 18 * k);
  ctx.closePath();
  ctx.moveTo(x + 14 * k, y + 21 * k);
  ctx.arc(x + 12 * k, y + 20.5 * k, 2 * k, 0, Math.PI * 2);
  ctx.strokeStyle = ink;
  ctx.fillStyle = ink;
  ctx.lineWidth = Math.max(1, 1.6 * k);
  if (taken) ctx.stroke();
  else ctx.fill();
}

function numbers(paint: Paint, box: Box, shown: Shown, u: number): void {
  const of = (measure: string): ShownValue | undefined => shown.values.find((one) => one.measure === measure);
  const tall = box.h / TALL;
  big(paint, box, of('heart-rate'), 'heart-rate', box.y + 39 * tall, u);
  big(paint, box, of('oxygen-saturation'), 'oxygen-saturation', box.y + 68 * tall, u);
  foot(paint, box, shown, of, u);
}

function big(paint: Paint, box: Box, value: ShownValue | undefined, measure: string, middle: number, u: number): void {
  const { ctx, words } = paint;
  const right = box.x + box.w - 7 * u;
  const live = value?.age === 'live' && !paint.quiet;
  ctx.textBaseline = 'middle';
  ctx.textAlign = 'right';
  ctx.font = `${live ? 700 : 400} ${33 * u}px ${FONT}`;
  ctx.fillStyle = live ? (MEASURED[measure] as string) : QUIET;
  ctx.fillText(value?.value || '– –', right, middle, 58 * u);
  ctx.font = `500 ${10 * u}px ${FONT}`;
  ctx.textAlign = 'left';
  ctx.fillStyle = QUIET;
  const left = box.x + box.w - 82 * u;
  ctx.fillText(words.short[measure] ?? measure, left, middle - 6 * u, 20 * u);
  if (value && value.age !== 'live') {
    ctx.fillStyle = INK;
    ctx.fillText(value.age === 'doubtful' ? '?' : aged(value.seconds, words), left, middle + 7 * u, 22 * u);
  }
}

export const aged = (seconds: number, words: Words): string => {
  const { unit, n } = stepped(seconds);
  return words.ages[unit].replace('{n}', String(n));
};

/** Pressure, respiration and temperature; or what is the matter with the bed's devices. */
function foot(paint: Paint, box: Box, shown: Shown, of: (measure: string) => ShownValue | undefined, u: number): void {
  const { ctx, words } = paint;
  const middle = box.y + box.h - 9 * u;
  ctx.textBaseline = 'middle';
  ctx.textAlign = 'left';
  let x = box.x + 12 * u;
  if (shown.condition === 'silent' || shown.condition === 'clock') {
    ctx.font = `700 ${13 * u}px ${FONT}`;
    ctx.fillStyle = INK;
    ctx.fillText(shown.condition === 'silent' ? words.silent : words.clock, x, middle, box.w - 20 * u);
    return;
  }
  const high = of('systolic');
  const low = of('diastolic');
  const pressure = high && { ...high, value: high.value && `${high.value}/${low?.value || '–'}` };
  for (const [measure, value] of [['systolic', pressure], ['respiratory-rate', of('respiratory-rate')], ['temperature', of('temperature')]] as const) {
    if (!value) continue;
    const live = value.age === 'live' && !paint.quiet;
    ctx.font = `500 ${10 * u}px ${FONT}`;
    ctx.fillStyle = QUIET;
    const label = words.short[measure] ?? measure;
    const told = value.age === 'live' ? label : `${label} ${value.age === 'doubtful' ? '?' : aged(value.seconds, words)}`;
    ctx.fillText(told, x, middle + u);
    x += ctx.measureText(told).width + 3 * u;
    ctx.font = `${live ? 650 : 400} ${14 * u}px ${FONT}`;
    ctx.fillStyle = live ? (MEASURED[measure] as string) : QUIET;
    ctx.fillText(value.value || '–', x, middle);
    x += ctx.measureText(value.value || '–').width + 8 * u;
    if (x > box.x + box.w - 24 * u) return;
  }
  if (shown.values.length === 0) {
    ctx.font = `500 ${12 * u}px ${FONT}`;
    ctx.fillStyle = QUIET;
    ctx.fillText(words.none, x, middle, box.w - 20 * u);
  }
}
