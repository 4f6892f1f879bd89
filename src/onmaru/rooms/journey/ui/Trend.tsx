/** The values of one code over time, with the reference range that came with the latest one. */
import { formatDate, useFormat, useLoad, useT } from '@shell';
import { below, type Point } from './data';
import { CRITICAL, short } from './look';
import look from './journey.module.css';

const WIDE = 460;
const TALL = 130;
const EDGE = 6;
const FEW = 120; // values up to which each has its dot; of more only those that are flagged

export function Trend({ patient, code, name, tick }: { patient: string; code: string; name: string; tick: number }) {
  const t = useT();
  const format = useFormat();
  const { value } = useLoad<{ items: Point[] }>(code ? below(patient, 'series') : null, { code }, tick);
  const points = value ? [...value.items].reverse() : [];
  const unit = points[points.length - 1]?.unit ?? '';
  const same = points.filter((one) => one.unit === unit);
  const first = same[0];
  const last = same[same.length - 1];
  if (!first || !last || same.length < 2) return null;
  const scale = scaled(same);
  const range = limits(last);
  const lowest = Math.min(...same.map((one) => one.number));
  const highest = Math.max(...same.map((one) => one.number));
  const label = t('journey.trend.label', { name, n: same.length, low: short(String(lowest)), high: short(String(highest)), last: short(last.value) });
  return (
    <section className={look.trend}>
      <h3>{t('journey.trend')}</h3>
      <svg viewBox={`0 0 ${WIDE} ${TALL}`} role="img" aria-label={label}>
        {range && <rect x={0} width={WIDE} y={scale.y(range.high)} height={Math.max(1, scale.y(range.low) - scale.y(range.high))} className={look.normal} />}
        <polyline className={look.curve} points={same.map((one) => `${scale.x(one.time)},${scale.y(one.number)}`).join(' ')} />
        {same
          .filter((one) => one.flag || same.length <= FEW)
          .map((one) => (
            <circle key={one.source + one.time} cx={scale.x(one.time)} cy={scale.y(one.number)} r={same.length > FEW ? 1.8 : one.flag ? 4 : 2.6} className={one.flag ? look.outlier : look.dot} data-critical={CRITICAL.has(one.flag)}>
              <title>{`${one.value} ${format.unit(one.unit)} · ${formatDate(one.at)}`}</title>
            </circle>
          ))}
      </svg>
      <p className={look.quiet}>
        {formatDate(first.at)} – {formatDate(last.at)} · {short(String(lowest))}–{short(String(highest))} {format.unit(unit)}
        {range && ` · ${t('journey.trend.range', { low: last.rangeLow, high: last.rangeHigh })}`}
      </p>
    </section>
  );
}

function limits(last: Point): { low: number; high: number } | null {
  if (!last.rangeLow || !last.rangeHigh) return null;
  const [low, high] = [Number(last.rangeLow), Number(last.rangeHigh)];
  return Number.isFinite(low) && Number.isFinite(high) ? { low, high } : null;
}

function scaled(points: readonly Point[]) {
  const times = points.map((one) => one.time);
  const numbers = points.map((one) => one.number);
  const range = limits(points[points.length - 1] as Point);
  const [from, to] = [Math.min(...times), Math.max(...times)];
  const [low, high] = [Math.min(...numbers, range?.low ?? Infinity), Math.max(...numbers, range?.high ?? -Infinity)];
  const spread = high - low || 1;
  return {
    x: (at: number): number => EDGE + ((at - from) / (to - from || 1)) * (WIDE - 2 * EDGE),
    y: (number: number): number => TALL - EDGE - ((number - low) / spread) * (TALL - 2 * EDGE),
  };
}
