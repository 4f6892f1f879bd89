/** The live connection as React sees it. */
import { useEffect, useState, useSyncExternalStore } from 'react';
import { type Change, type LiveState, liveState, onChange, onState } from './live';

export const useLiveState = (): LiveState => useSyncExternalStore(onState, liveState);

export interface Live extends LiveState {
  /** Grows whenever something that concerns the patient changed: give it to `useLoad` or an effect. */
  tick: number;
  last: Change | null;
}

const GATHER_MS = 250; // a transaction's many changes reload the page once

/** Follows one patient; `null` follows every change this user may see. */
export function useLive(patient: string | null): Live {
  const state = useLiveState();
  const [news, setNews] = useState<{ tick: number; last: Change | null }>({ tick: 0, last: null });
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const forget = onChange((change) => {
      if (change && patient !== null && !change.patients.includes(patient)) return;
      timer ??= setTimeout(() => {
        timer = undefined;
        setNews((old) => ({ tick: old.tick + 1, last: change }));
      }, GATHER_MS);
    });
    return () => {
      clearTimeout(timer);
      forget();
    };
  }, [patient]);
  return { ...state, ...news };
}
