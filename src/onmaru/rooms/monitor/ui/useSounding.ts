/** Sounds what is to be heard now, and again until it is not. */
import { useEffect } from 'react';
import type { Urgency } from './data';
import { sound } from './sound';

const AGAIN_MS = 6_000;

export function useSounding(loud: boolean, what: Urgency | 'silent' | undefined): void {
  useEffect(() => {
    if (!loud || !what) return;
    sound(what);
    const timer = setInterval(() => sound(what), AGAIN_MS);
    return () => clearInterval(timer);
  }, [loud, what]);
}

const ORDER: readonly Urgency[] = ['stat', 'urgent', 'asap'];

interface Waiting {
  urgency: string;
  open?: boolean;
  acknowledged: number | null;
  snoozed: number;
}

/** The alerts that nobody has taken nor put off, the most urgent first. */
export const waiting = <T extends Waiting>(alerts: readonly T[], now: number): T[] =>
  ORDER.flatMap((urgency) => alerts.filter((one) => one.open && one.acknowledged === null && one.snoozed < now && one.urgency === urgency));
