/** A case drawn up to a moment: score, readings, alerts and what people did, on one axis. What came later is not there. */
import { useFormat, useT } from '@shell';
import { iso } from './data';
import { type Event, type Known, type Reading, type Replay, thinned } from './replay';
import look from './review.module.css';

const DRAWN = ['heart-rate', 'respiratory-rate', 'oxygen-saturation', 'systolic', 'temperature'] as const;
const WIDTH = 1000;
const LANE = 58;
const SCORE = 84;
const MARKS = 46;

interface CourseProps {
  replay: Replay;
  known: Known;
  at: number;
  go: (at: number) => void;
}

export function Course({ replay, known, at, go }: CourseProps) {
  const t = useT();
  const format = useFormat();
  const x = (when: number): number => ((Math.min(Math.max(when, replay.from), replay.to) - replay.from) / (replay.to - replay.from)) * WIDTH;
  const point = (event: React.MouseEvent<SVGSVGElement>): void => {
    const box = event.currentTarget.getBoundingClientRect();
    go(replay.from + ((event.clientX - box.left) / box.width) * (replay.to - replay.from));
  };
  const lanes = DRAWN.filter((one) => known.readings.has(one));
  const tall = SCORE + lanes.length * LANE + MARKS;
  return (
    <figure className={look.course}>
      <div className={look.names} aria-hidden="true">
        <span style={{ height: SCORE }}>NEWS2</span>
        {lanes.map((one) => (
          <span key={one} style={{ height: LANE }}>
            {t(`monitor.measure.${one}`)} <small>{format.unit(known.readings.get(one)?.at(-1)?.unit)}</small>
          </span>
        ))}
        <span style={{ height: MARKS }}>{t('monitor.alerts')}</span>
      </div>
      <div className={look.sheet}>
        <svg viewBox={`0 0 ${WIDTH} ${tall}`} preserveAspectRatio="none" style={{ height: tall }} role="img" aria-label={t('monitor.review.drawn', { at: format.dateTime(iso(at), true) })} onClick={point}>
          <Scores scores={known.scores} x={x} at={at} />
          {lanes.map((one, n) => (
            <Lane key={one} readings={known.readings.get(one) ?? []} x={x} top={SCORE + n * LANE} from={replay.from} />
          ))}
          <Marks known={known} events={replay.events} x={x} at={at} top={SCORE + lanes.length * LANE} />
          <rect className={look.later} x={x(at)} width={WIDTH - x(at)} height={tall} />
          <line className={look.cursor} x1={x(at)} x2={x(at)} y2={tall} />
        </svg>
        <div className={look.axis} aria-hidden="true">
          {[0, 0.5, 1].map((share) => (
            <span key={share}>{format.dateTime(iso(replay.from + share * (replay.to - replay.from)))}</span>
          ))}
        </div>
      </div>
    </figure>
  );
}

interface Drawn {
  x: (when: number) => number;
}

function Scores({ scores, x, at }: Drawn & { scores: readonly Event[]; at: number }) {
  const y = (points: number): number => SCORE - 4 - (points / 20) * (SCORE - 8);
  return (
    <g>
      <line className={look.rule} x2={WIDTH} y1={y(7)} y2={y(7)} />
      {scores.map((one, n) => {
        const end = scores[n + 1]?.at ?? at;
        const wide = Math.max(x(end) - x(one.at), 0.4);
        return (
          <g key={n}>
            <rect className={look.open} x={x(one.at)} width={wide} y={y(one.most ?? 0)} height={y(one.least ?? 0) - y(one.most ?? 0)} />
            <rect className={look.least} x={x(one.at)} width={wide} y={y(one.least ?? 0) - 1} height={2.5} />
          </g>
        );
      })}
    </g>
  );
}

function Lane({ readings, x, top, from }: Drawn & { readings: readonly Reading[]; top: number; from: number }) {
  const found = readings.filter((one) => one.at >= from).map((one) => [x(one.at), Number(one.value)] as const);
  const points = thinned(found.filter(([, value]) => Number.isFinite(value)), 900);
  const values = points.map(([, value]) => value);
  const low = Math.min(...values);
  const high = Math.max(...values);
  const y = (value: number): number => top + LANE - 8 - ((value - low) / (high - low || 1)) * (LANE - 16);
  return (
    <g>
      <line className={look.floor} x2={WIDTH} y1={top} y2={top} />
      <polyline className={look.line} points={points.map(([at, value]) => `${at},${y(value)}`).join(' ')} />
      {points.length < 200 && points.map(([at, value], n) => <circle key={n} className={look.dot} cx={at} cy={y(value)} r={2.4} />)}
    </g>
  );
}

function Marks({ known, events, x, at, top }: Drawn & { known: Known; events: readonly Event[]; at: number; top: number }) {
  const steps = events.slice(0, known.count).filter((one) => one.kind === 'step' || one.kind === 'care');
  return (
    <g>
      <line className={look.floor} x2={WIDTH} y1={top} y2={top} />
      {known.alerts.map((one, n) => (
        <rect key={one.id} className={look.bar} data-urgency={one.urgency} x={x(one.raised!)} width={Math.max(x(one.closed ?? at) - x(one.raised!), 2)} y={top + 5 + (n % 3) * 7} height={5} />
      ))}
      {steps.map((one, n) => (
        <line key={n} className={look.step} data-kind={one.kind} x1={x(one.at)} x2={x(one.at)} y1={top + 28} y2={top + MARKS - 4} />
      ))}
    </g>
  );
}
