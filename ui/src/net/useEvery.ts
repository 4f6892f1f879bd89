/** A count that grows every so often while `on`, and not while nobody looks at the page: give it to `useLoad`. */
import { useEffect, useState } from 'react';

export function useEvery(milliseconds: number, on = true): number {
  const [tick, setTick] = useState(0);
  useEffect(() => {
    if (!on) return;
    const timer = setInterval(() => document.visibilityState === 'visible' && setTick((n) => n + 1), milliseconds);
    return () => clearInterval(timer);
  }, [milliseconds, on]);
  return tick;
}
