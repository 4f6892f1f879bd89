/** A ward as it is now: asked for every two seconds, and at once when something changed. The page itself notices a server that is silent. */
import { api, useLive } from '@shell';
import { useCallback, useEffect, useRef, useState } from 'react';
import { SILENT_MS, type WardNow } from './data';

const EVERY_MS = 2_000;
const PATIENCE_MS = 5_000;

export interface Watched {
  value: WardNow | null;
  /** The hospital's time now, in µs: the last answer's, and what has passed here since. */
  now: number;
  /** For how many milliseconds the server has not answered; 0 while it does. */
  silent: number;
  /** What the server refused the last time it answered, as a status; 0 for nothing. */
  refused: number;
  reload: () => void;
}

export function useWard(ward: string): Watched {
  const [value, setValue] = useState<WardNow | null>(null);
  const [clock, setClock] = useState(() => performance.now());
  const [refused, setRefused] = useState(0);
  const heard = useRef(performance.now());
  const asking = useRef(false);
  const { tick } = useLive(null, ['Observation', 'Task', 'Encounter', 'Communication']);

  const ask = useCallback(async () => {
    if (asking.current) return;
    asking.current = true;
    const outcome = await api.get<WardNow>('/rooms/monitor/ward', { query: { ward }, signal: AbortSignal.timeout(PATIENCE_MS) });
    asking.current = false;
    if (outcome.ok) {
      heard.current = performance.now();
      setValue(outcome.value);
      setRefused(0);
    } else setRefused(outcome.problem.status);
    setClock(performance.now());
  }, [ward]);

  useEffect(() => {
    void ask();
    const timer = setInterval(() => void ask(), EVERY_MS);
    return () => clearInterval(timer);
  }, [ask, tick]);

  useEffect(() => {
    const timer = setInterval(() => setClock(performance.now()), 1_000);
    return () => clearInterval(timer);
  }, []);

  const passed = Math.max(0, clock - heard.current);
  const now = (value?.at ?? Date.now() * 1000) + passed * 1000;
  return { value, now, silent: passed > SILENT_MS ? passed : 0, refused, reload: () => void ask() };
}
