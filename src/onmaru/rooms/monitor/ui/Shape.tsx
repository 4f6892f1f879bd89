/** Urgency or risk as a shape, so that nobody needs its colour: an octagon, a triangle, a diamond, a circle; a ring when nothing is known. */
import { useT } from '@shell';
import look from './monitor.module.css';
import { OF_LEVEL, POINTS } from './shapes';

export function Shape({ urgency, level }: { urgency?: string; level?: string }) {
  const t = useT();
  const what = urgency ?? OF_LEVEL[level ?? ''] ?? 'unknown';
  const label = urgency === undefined ? t(`monitor.level.${level || 'unknown'}`) : t(`monitor.urgency.${urgency}`);
  const points = POINTS[what];
  return (
    <svg className={look.shape} data-what={what} viewBox="0 0 24 24" width="22" height="22" role="img" aria-label={label}>
      {points ? <polygon points={points} /> : <circle cx="12" cy="12" r={what === 'unknown' ? 9 : 8} />}
    </svg>
  );
}
