/** What one bed shows at a time: its numbers with their age, its score, its alert. Pure; an old number never looks live. */
import { DEVICE_MS } from './clock';
import type { FeedBed, News2, Numeric, Source } from './frames';

/** live; old: greyed with its age; gone: no number any more; doubtful: shown, never scored. */
export type Age = 'live' | 'old' | 'gone' | 'doubtful';
/** live; silent: its devices say nothing; clock: a device's clock is wrong; none: no device. */
export type Condition = 'live' | 'silent' | 'clock' | 'none';

export interface ShownValue {
  measure: string;
  value: string;
  unit: string;
  age: Age;
  /** Seconds since it was measured, told of what is not live. */
  seconds: number;
}

export interface Taken {
  urgency: string;
  taken: boolean;
}

export interface Shown {
  patient: string;
  name: string;
  bed: string;
  ward: string;
  level: string;
  score: string;
  /** Urgency of the bed's open alert, '' without one; and whether somebody has it in hand. */
  urgency: string;
  taken: boolean;
  condition: Condition;
  values: readonly ShownValue[];
}

/** A value is old after three of its intervals, and no number any more after ten, or ten seconds. */
const OLD = 3;
const GONE = 10;
const GONE_US = 10_000_000;
/** What a person charts has no interval: three times the four hours that the RCP asks for after a low score. */
const CHARTED_US = 12 * 3_600_000_000;
export const MEASURES = ['heart-rate', 'oxygen-saturation', 'respiratory-rate', 'systolic', 'diastolic', 'temperature', 'consciousness'];

export function valueOf(one: Numeric, now: number): ShownValue {
  const passed = now - Math.min(one.at, one.received);
  const shown = { measure: one.measure, value: one.value, unit: one.unit };
  const seconds = Math.max(0, Math.floor(passed / 1e6));
  if (one.interval && passed > Math.max(GONE * one.interval, GONE_US)) return { ...shown, value: '', age: 'gone', seconds };
  if (passed > (one.interval ? OLD * one.interval : CHARTED_US)) return { ...shown, age: 'old', seconds };
  if (one.flag) return { ...shown, age: 'doubtful', seconds: 0 };
  return { ...shown, age: 'live', seconds: 0 };
}

/** Silent is a bed none of whose devices' numbers came within three of its intervals, or some seconds. */
export function conditionOf(bed: FeedBed, now: number): Condition {
  if (bed.devices.some((one) => one.state === 'clock')) return 'clock';
  const streamed = bed.numerics.filter((one) => one.interval > 0);
  if (streamed.length === 0) return 'none';
  const silent = (one: Numeric): boolean => now - Math.min(one.at, one.received) > Math.max(OLD * one.interval, DEVICE_MS * 1000);
  return streamed.every(silent) ? 'silent' : 'live';
}

/** A way in that has spoken and says nothing any more is silent, before the server says so; letters taken again are no way in. */
export const sourceState = (one: Source, now: number): string =>
  one.kind !== 'replay' && one.state === 'live' && one.last > 0 && now - one.last > DEVICE_MS * 1000 ? 'silent' : one.kind === 'replay' ? 'live' : one.state;

/** The level that the known parts alone give; '' while nothing is known, which is not a low risk. */
export function levelOf(news2: News2 | null): string {
  if (!news2 || !news2.parts.some((one) => one.state === 'scored' || one.state === 'open')) return '';
  return news2.level ?? news2.leastLevel;
}

export const scoreOf = (news2: News2 | null): string =>
  !news2 || levelOf(news2) === '' ? '–' : news2.total === null ? `${news2.least}–${news2.most}` : String(news2.total);

export function shownOf(bed: FeedBed, name: string, alert: Taken | undefined, now: number): Shown {
  return {
    patient: bed.patient,
    name,
    bed: bed.name || bed.id,
    ward: bed.wardName,
    level: levelOf(bed.news2),
    score: scoreOf(bed.news2),
    urgency: alert?.urgency ?? '',
    taken: alert?.taken ?? false,
    condition: conditionOf(bed, now),
    values: MEASURES.flatMap((measure) => bed.numerics.filter((one) => one.measure === measure).map((one) => valueOf(one, now))),
  };
}

/** An age in one step of its unit, so that a wall of old numbers does not flicker: 7, 10, 15 … seconds, then minutes, then hours. */
export function stepped(seconds: number): { unit: 's' | 'min' | 'h'; n: number } {
  if (seconds < 10) return { unit: 's', n: seconds };
  if (seconds < 60) return { unit: 's', n: Math.floor(seconds / 5) * 5 };
  return seconds < 7200 ? { unit: 'min', n: Math.floor(seconds / 60) } : { unit: 'h', n: Math.floor(seconds / 3600) };
}

/** Everything of a bed that can be seen, as one text: a tile is painted anew when it changes. */
export const keyOf = (shown: Shown, quiet: boolean): string =>
  [
    shown.patient, shown.name, shown.bed, shown.level, shown.score, shown.urgency, shown.taken, shown.condition, quiet,
    ...shown.values.map((one) => `${one.value}${one.age}${one.age === 'live' ? '' : stepped(one.seconds).n}`),
  ].join('|');
