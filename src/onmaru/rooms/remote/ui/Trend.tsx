/** What came of one thing that is measured, against the plan's limits. What cannot be used is marked apart, and drawn nowhere. */
import { useFormat, useT } from '@shell';
import { iso, type Reading, type Series } from './data';
import look from './remote.module.css';

const WIDTH = 600;
const TALL = 120;

interface TrendProps {
  series: Series;
  from: number;
  to: number;
  label: string;
  /** How far apart two values may lie and still be joined, µs. */
  every: number;
}

export function Trend({ series, from, to, label, every }: TrendProps) {
  const t = useT();
  const format = useFormat();
  const drawn = series.readings.filter((one) => !one.matter && one.at >= from && Number.isFinite(Number(one.value)));
  const odd = series.readings.filter((one) => one.matter !== '');
  const values = drawn.map((one) => Number(one.value));
  const ends = [series.limits?.low, series.limits?.high].filter((one): one is number => one !== null && one !== undefined);
  const low = Math.min(...values, ...ends);
  const high = Math.max(...values, ...ends);
  const x = (at: number): number => 6 + ((at - from) / (to - from)) * (WIDTH - 12);
  const y = (value: number): number => TALL - 12 - ((value - low) / (high - low || 1)) * (TALL - 24);
  const newest = drawn.at(-1);
  return (
    <figure className={look.trend}>
      <figcaption>
        {newest && <strong>{format.quantity(newest.value, newest.unit === '1' ? '' : newest.unit)}</strong>} {newest && format.dateTime(iso(newest.at))} {newest?.crossed && <b className={look.crossed}>{t(`remote.crossed.${newest.crossed}`)}</b>} <span className={look.quiet}>{limits(series, t)}</span>
      </figcaption>
      {drawn.length > 0 && (
        <svg viewBox={`0 0 ${WIDTH} ${TALL}`} role="img" aria-label={t('remote.drawn', { what: label, n: drawn.length })}>
          {ends.map((one) => (
            <line key={one} className={look.limit} x2={WIDTH} y1={y(one)} y2={y(one)} />
          ))}
          {joined(drawn, every).map(([one, other]) => (
            <line key={one.at} className={look.line} x1={x(one.at)} y1={y(Number(one.value))} x2={x(other.at)} y2={y(Number(other.value))} />
          ))}
          {drawn.map((one) => (
            <Dot key={`${one.source} ${one.at}`} reading={one} x={x(one.at)} y={y(Number(one.value))} />
          ))}
        </svg>
      )}
      {odd.length > 0 && (
        <ul className={look.odd}>
          {odd.slice(-5).map((one) => (
            <li key={`${one.source} ${one.at}`}>{format.dateTime(iso(one.known))} {format.quantity(one.value, one.unit)} · {t(`remote.matter.${one.matter}`)}</li>
          ))}
        </ul>
      )}
    </figure>
  );
}

/** Neighbours with no gap between them: a day of which nothing came is not drawn over. */
function joined(drawn: readonly Reading[], every: number): (readonly [Reading, Reading])[] {
  return drawn.slice(1).flatMap((one, n) => (one.at - drawn[n]!.at <= every ? [[drawn[n]!, one] as const] : []));
}

function Dot({ reading, x, y }: { reading: Reading; x: number; y: number }) {
  if (reading.crossed) return <rect className={look.over} x={x - 4} y={y - 4} width={8} height={8} />;
  return <circle className={look.dot} cx={x} cy={y} r={3} />;
}

function limits(series: Series, t: ReturnType<typeof useT>): string {
  if (!series.limits) return t('remote.limits.none');
  const { low, high } = series.limits;
  if (low === null) return t('remote.limits.high', { high: high ?? '' });
  return high === null ? t('remote.limits.low', { low }) : t('remote.limits', { low, high });
}
