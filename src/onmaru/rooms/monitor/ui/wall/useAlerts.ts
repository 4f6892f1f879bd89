/** The alerts of a ward and the names of who lies there: asked for every two seconds and every half a minute. */
import { api, useLive } from '@shell';
import { useCallback, useEffect, useRef, useState } from 'react';
import type { Alert, Bed, Place, WardNow } from '../data';

const ALERTS_MS = 2_000;
const NAMES_MS = 30_000;
const PATIENCE_MS = 5_000;

export interface Around {
  alerts: readonly Alert[];
  /** When the alerts were told, µs since 1970. */
  at: number;
  beds: ReadonlyMap<string, Bed>;
  wards: readonly Place[];
}

const NOTHING: Around = { alerts: [], at: 0, beds: new Map(), wards: [] };

/** `count`: how many beds there are; another number asks for the names anew. */
export function useAlerts(ward: string, count: number): Around {
  const [found, setFound] = useState(NOTHING);
  const { tick } = useLive(null, ['Task']);
  const before = useRef('');
  const ask = useCallback(async () => {
    const outcome = await api.get<{ at: number; alerts: readonly Alert[] }>('/rooms/monitor/alerts', { query: { ward }, signal: AbortSignal.timeout(PATIENCE_MS) });
    if (!outcome.ok) return;
    const { at, alerts } = outcome.value;
    const words = JSON.stringify(alerts);
    if (words === before.current) return;
    before.current = words;
    setFound((old) => ({ ...old, at, alerts }));
  }, [ward]);
  const names = useCallback(async () => {
    const outcome = await api.get<WardNow>('/rooms/monitor/ward', { query: { ward } });
    if (outcome.ok) setFound((old) => ({ ...old, wards: outcome.value.wards, beds: new Map(outcome.value.beds.map((bed) => [bed.patient, bed])) }));
  }, [ward]);
  useEffect(() => {
    void ask();
    const timer = setInterval(() => void ask(), ALERTS_MS);
    return () => clearInterval(timer);
  }, [ask, tick]);
  useEffect(() => {
    void names();
    const timer = setInterval(() => void names(), NAMES_MS);
    return () => clearInterval(timer);
  }, [names, count]);
  return found;
}
