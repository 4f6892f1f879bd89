/** Draws waveforms as a sweep: each call adds what has passed since the last one, and clears a little ahead of it. */
import { QUIET } from './colours';
import type { Box } from './tile';
import type { Trace } from './trace';

export interface Line {
  trace: Trace;
  box: Box;
  ink: string;
  ground: string;
  /** µs up to which it is drawn; 0: draw all that fits. */
  played: number;
}

/** A second is so wide on a tile, in CSS pixels; a sweep never takes less than three seconds. */
const SECOND = 30;
const AHEAD = 0.08;
const DOT = 6;

export const secondsOf = (box: Box, ratio: number): number => Math.max(3, Math.round(box.w / ratio / SECOND));

/** Draw `lines` up to `now` (µs, the hospital's). One path a colour, whatever the number of lines. */
export function sweep(ctx: OffscreenCanvasRenderingContext2D, lines: readonly Line[], now: number, ratio: number): void {
  const parts = lines.map((line) => partOf(line, now, ratio)).filter((part) => part.upto > part.from);
  for (const part of parts) clear(ctx, part);
  ctx.lineWidth = 1.4 * ratio;
  ctx.lineJoin = 'round';
  for (const ink of new Set(parts.map((part) => part.line.ink))) {
    ctx.strokeStyle = ink;
    ctx.beginPath();
    for (const part of parts) if (part.line.ink === ink) draw(ctx, part);
    ctx.stroke();
  }
  ctx.fillStyle = QUIET;
  for (const part of parts) gaps(ctx, part, ratio);
  for (const part of parts) part.line.played = part.upto;
}

interface Part {
  line: Line;
  from: number;
  upto: number;
  /** Seconds in one sweep. */
  seconds: number;
}

function partOf(line: Line, now: number, ratio: number): Part {
  const seconds = secondsOf(line.box, ratio);
  const upto = now - line.trace.delay;
  const all = upto - (1 - AHEAD) * seconds * 1e6;
  return { line, upto, from: line.played ? Math.max(line.played, all) : all, seconds };
}

/** How far along its box a time lies, 0 to 1. */
const along = (part: Part, when: number): number => ((when / 1e6) % part.seconds) / part.seconds;

function clear(ctx: OffscreenCanvasRenderingContext2D, part: Part): void {
  const { box, ground } = part.line;
  const wide = ((part.upto - part.from) / 1e6 / part.seconds + AHEAD) * box.w;
  const x = along(part, part.from) * box.w;
  const first = Math.min(wide, box.w - x);
  ctx.fillStyle = ground;
  ctx.fillRect(box.x + x, box.y, first + 1, box.h);
  if (wide > first) ctx.fillRect(box.x, box.y, Math.min(box.w, wide - first), box.h);
}

function draw(ctx: OffscreenCanvasRenderingContext2D, part: Part): void {
  const { trace, box } = part.line;
  const { hz } = trace;
  const scale = box.h / (trace.high - trace.low || 1);
  const last = Math.floor((part.upto * hz) / 1e6);
  let before = Infinity;
  for (let n = Math.floor((part.from * hz) / 1e6); n <= last; n += 1) {
    const value = trace.sample(n);
    if (Number.isNaN(value)) {
      before = Infinity;
      continue;
    }
    const x = along(part, (n * 1e6) / hz) * box.w;
    const y = box.y + Math.min(box.h, Math.max(0, (trace.high - value) * scale));
    if (x < before) ctx.moveTo(box.x + x, y);
    else ctx.lineTo(box.x + x, y);
    before = x;
  }
}

/** Where nothing is known: dots at half height, never a line. */
function gaps(ctx: OffscreenCanvasRenderingContext2D, part: Part, ratio: number): void {
  const { trace, box } = part.line;
  const every = ((DOT * ratio) / box.w) * part.seconds * 1e6;
  for (let when = Math.ceil(part.from / every) * every; when < part.upto; when += every) {
    if (Number.isNaN(trace.at(when))) ctx.fillRect(box.x + along(part, when) * box.w, box.y + box.h / 2, 1.5 * ratio, 1.5 * ratio);
  }
}
