/** Marks of the time axis, on the hospital's own calendar: years, months, days, hours or minutes, whichever fit. */
import type { Language } from '@shell';
import { length, type View } from './view';

export interface Tick {
  at: number;
  text: string;
  strong: boolean;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NARROWEST = 76; // pixels between two marks

/** Offset of the zone at a time, in ms east of UTC. */
export function offsetOf(zone: string): (at: number) => number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
  });
  return (at) => {
    const found: Record<string, number> = {};
    for (const { type, value } of parts.formatToParts(at)) found[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = found;
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1000) * 1000;
  };
}

const FIXED = [MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY];
const MONTHS = [1, 3, 6, 12, 24, 60, 120, 240];

export function ticks(view: View, width: number, language: Language, offset: (at: number) => number): Tick[] {
  const room = Math.max(2, Math.floor(width / NARROWEST));
  const step = FIXED.find((one) => length(view) / one <= room);
  return step ? fixed(view, step, offset) : calendar(view, room, language, offset);
}

function fixed(view: View, step: number, offset: (at: number) => number): Tick[] {
  const shift = offset(view.from);
  const found: Tick[] = [];
  for (let local = Math.ceil((view.from + shift) / step) * step; local <= view.to + shift; local += step) {
    const date = new Date(local);
    const midnight = local % DAY === 0;
    const day = `${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`;
    const text = step >= DAY || midnight ? (date.getUTCMonth() === 0 && date.getUTCDate() === 1 ? `${date.getUTCFullYear()}-${day}` : day) : `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`;
    found.push({ at: local - shift, text, strong: midnight });
  }
  return found;
}

function calendar(view: View, room: number, language: Language, offset: (at: number) => number): Tick[] {
  const first = new Date(view.from + offset(view.from));
  const last = new Date(view.to + offset(view.to));
  const months = (last.getUTCFullYear() - first.getUTCFullYear()) * 12 + last.getUTCMonth() - first.getUTCMonth();
  const step = MONTHS.find((one) => months / one <= room) ?? 1200;
  const found: Tick[] = [];
  const start = Math.floor((first.getUTCFullYear() * 12 + first.getUTCMonth()) / step) * step;
  for (let month = start; found.length < 400; month += step) {
    const local = new Date(0).setUTCFullYear(Math.floor(month / 12), month % 12, 1);
    const at = local - offset(local);
    if (at > view.to) break;
    if (at < view.from) continue;
    const year = String(Math.floor(month / 12));
    const january = month % 12 === 0;
    found.push({ at, text: january ? (language === 'ko' ? `${year}년` : year) : `${year.slice(2)}-${two((month % 12) + 1)}`, strong: january });
  }
  return found;
}

const two = (n: number): string => String(n).padStart(2, '0');

const EDGES = ['year', 'month', 'day'] as const;

/** The first instant of a local day `YYYY-MM-DD` (or month, or year) in the zone; null when it is no such thing. */
export function startOf(text: string, offset: (at: number) => number): { at: number; unit: (typeof EDGES)[number] } | null {
  const found = /^(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?$/.exec(text.trim());
  if (!found) return null;
  const local = new Date(0).setUTCFullYear(Number(found[1]), Number(found[2] ?? '1') - 1, Number(found[3] ?? '1'));
  if (Number.isNaN(local)) return null;
  return { at: local - offset(local), unit: EDGES[found[3] ? 2 : found[2] ? 1 : 0] };
}
