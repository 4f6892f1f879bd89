/** In which order beds stand. By risk without jumping: worse goes up at once, better comes down after a minute, equals stand by bed. */

export interface Rank {
  patient: string;
  /** The smaller the worse: see `rankOf`. */
  rank: number;
  ward: string;
  bed: string;
}

interface Held {
  rank: number;
  /** Since when it has been better than it stands, ms; null while it is not. */
  better: number | null;
}

const DOWN_MS = 60_000;
const LEVELS = ['high', 'medium', 'low-medium', 'low', 'none'];
const URGENCIES = ['stat', 'urgent', 'asap', 'routine'];

/** An alert that nobody has taken comes before all; then by level. Nothing known stands between what needs looking at and what is well. */
export function rankOf(level: string, urgency: string): number {
  const alert = URGENCIES.indexOf(urgency);
  const known = LEVELS.indexOf(level);
  return (alert < 0 ? 10 : alert) * 10 + (known < 0 ? 2.5 : known);
}

/** `settle(beds, now)` gives the patients in their order; it remembers how they stood. */
export function orderer(): (beds: readonly Rank[], now: number) => string[] {
  let held = new Map<string, Held>();
  return (beds, now) => {
    held = new Map(beds.map((bed) => [bed.patient, stood(held.get(bed.patient), bed.rank, now)]));
    return [...beds]
      .sort((one, other) => held.get(one.patient)!.rank - held.get(other.patient)!.rank || byBed(one, other))
      .map((bed) => bed.patient);
  };
}

function stood(held: Held | undefined, rank: number, now: number): Held {
  if (!held || rank <= held.rank) return { rank, better: null };
  const better = held.better ?? now;
  return now - better >= DOWN_MS ? { rank, better: null } : { rank: held.rank, better };
}

const numbers = new Intl.Collator('ko', { numeric: true });

export const byBed = (one: Rank, other: Rank): number =>
  numbers.compare(one.ward, other.ward) || numbers.compare(one.bed, other.bed) || (one.patient < other.patient ? -1 : 1);
