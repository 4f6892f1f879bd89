/** Tells the house which alerts a page has shown to somebody: so an alert reaches a person, or is known to have reached nobody. */
import { api, useSession } from '@shell';
import { useEffect, useRef } from 'react';
import type { Alert } from './data';

const AGAIN_MS = 20_000;

export function useShown(alerts: readonly Alert[]): void {
  const { session } = useSession();
  const told = useRef(new Map<string, number>());
  const clinician = session.roles.some((role) => role === 'nurse' || role === 'physician');
  useEffect(() => {
    if (!clinician || document.visibilityState !== 'visible') return;
    const again = performance.now() - AGAIN_MS;
    const fresh = alerts.filter((one) => one.open && one.acknowledged === null && (told.current.get(one.id) ?? -Infinity) < again);
    if (fresh.length === 0) return;
    for (const one of fresh) told.current.set(one.id, performance.now());
    void api.post('/rooms/monitor/alerts/seen', { alerts: fresh.map((one) => one.id) }).then((outcome) => {
      if (!outcome.ok) for (const one of fresh) told.current.delete(one.id);
    });
  }, [alerts, clinician]);
}
