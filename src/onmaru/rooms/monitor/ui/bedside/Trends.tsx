/** A patient's numbers from minutes to months, with what was done on the same axis; the same in words and numbers below. */
import { Lines, useFormat, useT } from '@shell';
import { useElementSize } from '@mantine/hooks';
import { type MouseEvent, useState } from 'react';
import { iso } from '../data';
import look from './bedside.module.css';
import { type Course, DAY, type Event, extent, lanes, marks, type Point, pointAt, runs, type Series, type Span } from './trend';

const DRAWN = ['heart-rate', 'oxygen-saturation', 'respiratory-rate', 'systolic', 'diastolic', 'mean-pressure', 'temperature', 'oxygen-flow', 'oxygen-fraction'];
const KINDS = ['alert', 'medication', 'procedure', 'place'] as const;
const TALL = 92;
const LANE = 19;
const ROWS = 5;
/** About as wide as a letter is, so that words do not lie on each other. */
const LETTER = 11;
const AXIS = 22;
const LEFT = 44;
const KOREA = 9 * 3_600_000_000;

export function Trends({ course }: { course: Course }) {
  const t = useT();
  const format = useFormat();
  const { ref, width } = useElementSize<HTMLDivElement>();
  const [at, setAt] = useState<number | null>(null);
  const series = DRAWN.flatMap((name) => course.series.find((one) => one.measure === name) ?? []);
  const wide = Math.max(200, width - LEFT);
  const x = (when: number): number => ((Math.min(Math.max(when, course.from), course.to) - course.from) / (course.to - course.from)) * wide;
  const point = (event: MouseEvent<HTMLDivElement>): void => {
    const share = (event.clientX - event.currentTarget.getBoundingClientRect().left - LEFT) / wide;
    setAt(share >= 0 && share <= 1 ? course.from + share * (course.to - course.from) : null);
  };
  return (
    <>
      <div ref={ref} className={look.trends} onMouseMove={point} onMouseLeave={() => setAt(null)}>
        {series.map((one) => <Strip key={one.measure} series={one} course={course} wide={wide} x={x} at={at} />)}
        {KINDS.map((kind) => <Lane key={kind} kind={kind} course={course} wide={wide} x={x} />)}
        <Axis span={course} wide={wide} x={x} />
        {at !== null && <div className={look.cursor} style={{ left: LEFT + x(at) }}><span>{format.dateTime(iso(at))}</span></div>}
      </div>
      {series.length === 0 && <p className={look.quiet}>{t('monitor.bedside.nothing')}</p>}
      <Table series={series} />
      <Events course={course} />
    </>
  );
}

interface Drawn {
  wide: number;
  x: (when: number) => number;
}

function Strip({ series, course, wide, x, at }: Drawn & { series: Series; course: Course; at: number | null }) {
  const t = useT();
  const format = useFormat();
  const { low, high, step } = extent(series.points);
  const y = (value: number): number => TALL - 6 - ((value - low) / (high - low)) * (TALL - 12);
  const middle = course.every / 2;
  const levels = Array.from({ length: Math.round((high - low) / step) + 1 }, (_, n) => low + n * step);
  const held = at === null ? series.points.at(-1) : pointAt(series, at, course.every);
  return (
    <div className={look.strip}>
      <p className={look.name}>
        {t(`monitor.measure.${series.measure}`)} <small>{format.unit(series.unit)}</small> <b>{held ? told(held) : '–'}</b>
      </p>
      <svg width={LEFT + wide} height={TALL} role="img" aria-label={t('monitor.bedside.drawn', { what: t(`monitor.measure.${series.measure}`), low: told(leastOf(series)), high: told(mostOf(series)) })}>
        {levels.map((one) => (
          <g key={one}>
            <line className={look.level} x1={LEFT} x2={LEFT + wide} y1={y(one)} y2={y(one)} />
            <text className={look.digits} x={LEFT - 6} y={y(one) + 4} textAnchor="end">{one}</text>
          </g>
        ))}
        <g transform={`translate(${LEFT} 0)`} data-measure={series.measure} className={look.ink}>
          {runs(series.points, course.every).map((run) => <Run key={run[0]?.[0]} run={run} x={(when) => x(when + middle)} y={y} />)}
        </g>
      </svg>
    </div>
  );
}

const leastOf = (series: Series): Point => series.points.reduce((one, other) => (other[1] < one[1] ? other : one));
const mostOf = (series: Series): Point => series.points.reduce((one, other) => (other[3] > one[3] ? other : one));
const short = (value: number): string => String(Math.round(value * 10) / 10);
const told = (point: Point): string => (point[1] === point[3] ? short(point[1]) : `${short(point[1])}–${short(point[3])}`);

/** What is known without a gap: the mean as a line, least to most as its ground; one stretch alone is a dot. */
function Run({ run, x, y }: { run: readonly Point[]; x: (when: number) => number; y: (value: number) => number }) {
  const [only] = run;
  if (run.length === 1 && only) {
    return (
      <g>
        <line x1={x(only[0])} x2={x(only[0])} y1={y(only[1])} y2={y(only[3])} />
        <circle cx={x(only[0])} cy={y(only[2])} r={2.6} />
      </g>
    );
  }
  const above = run.map((one) => `${x(one[0])},${y(one[3])}`);
  const below = run.map((one) => `${x(one[0])},${y(one[1])}`).reverse();
  return (
    <g>
      <polygon points={[...above, ...below].join(' ')} />
      <polyline points={run.map((one) => `${x(one[0])},${y(one[2])}`).join(' ')} />
    </g>
  );
}

function Lane({ kind, course, wide, x }: Drawn & { kind: Event['kind']; course: Course }) {
  const t = useT();
  const mine = course.events
    .filter((one) => one.kind === kind || (kind === 'place' && one.kind === 'stay'))
    .map((one) => {
      const [left, words] = [LEFT + x(one.at), wordsOf(one, t)];
      const long = Math.max(5, x(one.until ?? course.to) - x(one.at));
      const inside = long > words.length * LETTER;
      return { ...one, words, left, long, inside, from: left, to: left + Math.max(long, inside ? 0 : long + words.length * LETTER) + 8 };
    });
  if (mine.length === 0) return null;
  const placed = lanes(mine, ROWS);
  const rows = Math.max(...placed.map(([, row]) => row)) + 1;
  return (
    <div className={look.strip}>
      <p className={look.name}>{t(`monitor.bedside.kind.${kind}`)}</p>
      <svg width={LEFT + wide} height={rows * LANE + 4} aria-hidden="true">
        {placed.map(([one, row], n) => (
          <g key={n} data-kind={one.kind} data-urgency={one.urgency} className={look.event}>
            <rect x={one.left} y={row * LANE + 3} width={one.long} height={LANE - 5} rx={3} />
            <text x={one.inside ? one.left + 6 : one.left + one.long + 4} y={row * LANE + LANE / 2 + 5}>{one.words}</text>
          </g>
        ))}
      </svg>
    </div>
  );
}

const wordsOf = (event: Event, t: ReturnType<typeof useT>): string =>
  event.kind === 'alert' ? t(`monitor.rule.${event.text}`) : event.text || t(`monitor.bedside.kind.${event.kind}`);

function Axis({ span, wide, x }: Drawn & { span: Span }) {
  const format = useFormat();
  return (
    <svg width={LEFT + wide} height={AXIS} aria-hidden="true" className={look.axis}>
      {marks(span, KOREA, Math.max(2, Math.floor(wide / 90))).map(({ at, day }) => (
        <g key={at}>
          <line x1={LEFT + x(at)} x2={LEFT + x(at)} y2={5} />
          <text x={LEFT + x(at)} y={18} textAnchor="middle">{day || span.to - span.from > 8 * DAY ? format.date(iso(at)).slice(5) : format.time(iso(at))}</text>
        </g>
      ))}
    </svg>
  );
}

function Table({ series }: { series: readonly Series[] }) {
  const t = useT();
  const format = useFormat();
  if (series.length === 0) return null;
  const rows = series.map((one) => {
    const last = one.points.at(-1) as Point;
    const n = one.points.reduce((sum, point) => sum + point[4], 0);
    const mean = one.points.reduce((sum, point) => sum + point[2] * point[4], 0) / n;
    return [`${t(`monitor.measure.${one.measure}`)} (${format.unit(one.unit)})`, short(last[2]), format.dateTime(iso(last[0])), short(leastOf(one)[1]), short(mean), short(mostOf(one)[3]), String(n)];
  });
  const heads = ['what', 'last', 'at', 'least', 'mean', 'most', 'n'].map((one) => t(`monitor.bedside.head.${one}`));
  return <Lines title={t('monitor.bedside.numbers')} heads={heads} rows={rows} />;
}

function Events({ course }: { course: Course }) {
  const t = useT();
  const format = useFormat();
  const rows = [...course.events].reverse().map((one) => [
    format.dateTime(iso(one.at)),
    t(`monitor.bedside.kind.${one.kind}`),
    [wordsOf(one, t), one.outcome && t(`monitor.outcome.${one.outcome.split(' ')[0]}`)].filter(Boolean).join(' · '),
    one.until === null ? t('monitor.bedside.lasts') : one.until === one.at ? '' : format.dateTime(iso(one.until)),
  ]);
  const heads = ['at', 'kind', 'text', 'until'].map((one) => t(`monitor.bedside.head.${one}`));
  return (
    <section className={look.over}>
      <h3 className={look.small}>{t('monitor.bedside.events')}</h3>
      {course.more && <p className={look.quiet}>{t('monitor.bedside.more')}</p>}
      {rows.length === 0 && <p className={look.quiet}>{t('monitor.bedside.events.none')}</p>}
      {rows.length > 0 && (
        <div className={look.scroll} role="region" aria-label={t('monitor.bedside.events')} tabIndex={0}>
          <table className={look.parts}>
            <thead>
              <tr>{heads.map((head) => <th key={head} scope="col">{head}</th>)}</tr>
            </thead>
            <tbody>
              {rows.map((row, n) => <tr key={n}>{row.map((cell, place) => <td key={place}>{cell}</td>)}</tr>)}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
