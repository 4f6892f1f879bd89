/** Counts how often somebody came back after a session had ended: what was refused in between is then loaded again. */
import { useSyncExternalStore } from 'react';

const watchers = new Set<() => void>();
let times = 0;

export function comeBack(): void {
  times += 1;
  watchers.forEach((watch) => watch());
}

const subscribe = (watch: () => void): (() => void) => {
  watchers.add(watch);
  return () => watchers.delete(watch);
};

export const useReturns = (): number => useSyncExternalStore(subscribe, () => times);
