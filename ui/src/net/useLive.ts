/** The live connection as React sees it. */
import { useEffect, useState, useSyncExternalStore } from 'react';
import { type Change, type LiveState, liveState, onChange, onState } from './live';

export const useLiveState = (): LiveState => useSyncExternalStore(onState, liveState);

export interface Live extends LiveState {
  /** Grows whenever something that concerns the patient changed: give it to `useLoad` or an effect. */
  tick: number;
  /** What changed since the tick before; null at first and when changes may have been missed. */
  last: Change | null;
}

const GATHER_MS = 250; // a transaction's many changes reload the page once

/** Follows one patient; `null` follows every change this user may see. `types` narrows it to these resource types. */
export function useLive(patient: string | null, types?: readonly string[]): Live {
  const state = useLiveState();
  const [news, setNews] = useState<{ tick: number; last: Change | null }>({ tick: 0, last: null });
  const wanted = types?.join(' ');
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let gathered: Change | null = { t: 0, patients: [], types: [] };
    const forget = onChange((change) => {
      if (change && !concerns(change, patient, wanted)) return;
      gathered = gathered && change && merged(gathered, change);
      timer ??= setTimeout(() => {
        const last = gathered;
        timer = undefined;
        gathered = { t: 0, patients: [], types: [] };
        setNews((old) => ({ tick: old.tick + 1, last }));
      }, GATHER_MS);
    });
    return () => {
      clearTimeout(timer);
      forget();
    };
  }, [patient, wanted]);
  return { ...state, ...news };
}

export function concerns(change: Change, patient: string | null, types?: string): boolean {
  if (patient !== null && !change.patients.includes(patient)) return false;
  return types === undefined || change.types.some((type) => types.split(' ').includes(type));
}

export const merged = (one: Change, other: Change): Change => ({
  t: Math.max(one.t, other.t),
  patients: [...new Set([...one.patients, ...other.patients])],
  types: [...new Set([...one.types, ...other.types])],
});
