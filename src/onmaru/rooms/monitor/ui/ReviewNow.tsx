/** What was known at the moment: the score with its parts and the newest values, and the log of what had happened by then. */
import { useFormat, useT } from '@shell';
import { age, iso } from './data';
import type { Event, Known } from './replay';
import look from './review.module.css';
import { Shape } from './Shape';

const SHOWN = ['heart-rate', 'respiratory-rate', 'oxygen-saturation', 'systolic', 'diastolic', 'temperature', 'consciousness'] as const;
const LINES = 200;

export function Now({ known, at, fresh }: { known: Known; at: number; fresh: number }) {
  const t = useT();
  const format = useFormat();
  const { score } = known;
  const open = known.alerts.filter((one) => one.closed === null);
  const total = score ? (score.total ?? `${score.least}–${score.most}`) : '';
  const sure = score?.parts?.some((part) => part.state === 'scored' || part.state === 'open');
  return (
    <section className={look.now} aria-labelledby="review-now">
      <h2 id="review-now" className={look.subtitle}>{t('monitor.review.now')}</h2>
      <p className={look.score} data-score={total}>
        <Shape level={sure ? (score?.leastLevel ?? '') : ''} /> <span>NEWS2</span> <strong>{total}</strong>
      </p>
      <dl className={look.parts}>
        {score?.parts?.map((part) => (
          <div key={part.name} data-state={part.state}>
            <dt>{t(`monitor.part.${part.name}`)}</dt>
            <dd>{part.points ?? '–'} <small>{part.state === 'scored' ? format.quantity(part.value, part.unit) : t(`monitor.review.state.${part.state}`)}</small></dd>
          </div>
        ))}
      </dl>
      <dl className={look.values}>
        {SHOWN.map((one) => {
          const newest = known.readings.get(one)?.findLast((reading) => reading.at <= at);
          if (!newest) return null;
          const old = age(newest.at, at);
          return (
            <div key={one} data-old={at - newest.at >= fresh}>
              <dt>{t(`monitor.measure.${one}`)}</dt>
              <dd>{format.quantity(newest.value, newest.unit)} <small>{t(`monitor.age.${old.unit}`, { n: old.n })}</small></dd>
            </div>
          );
        })}
      </dl>
      {open.map((one) => (
        <p key={one.id} className={look.alert} data-urgency={one.urgency}>
          <Shape urgency={one.urgency ?? ''} /> {t(`monitor.rule.${one.rule}`)} · {format.dateTime(iso(one.raised!))}
        </p>
      ))}
    </section>
  );
}

export function Log({ events, known, from }: { events: readonly Event[]; known: Known; from: number }) {
  const t = useT();
  const format = useFormat();
  const lines = events.slice(0, known.count).filter((one) => one.at >= from && one.kind !== 'score').slice(-LINES).reverse();
  return (
    <section className={look.log} aria-labelledby="review-log">
      <h2 id="review-log" className={look.subtitle}>{t('monitor.review.log')}</h2>
      {lines.length === 0 && <p className={look.quiet}>{t('monitor.review.nothing')}</p>}
      <ol tabIndex={0} aria-labelledby="review-log">
        {lines.map((one, n) => (
          <li key={lines.length - n} data-kind={one.kind} data-what={one.what ?? one.code}>
            <time dateTime={iso(one.at)}>{format.dateTime(iso(one.at), true)}</time> <b>{t(`monitor.review.kind.${one.kind}`)}</b> <span>{words(one, t, format)}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}

type T = ReturnType<typeof useT>;
type Format = ReturnType<typeof useFormat>;
const LATE = 15 * 60_000_000;

function words(one: Event, t: T, format: Format): string {
  if (one.kind === 'reading') return readings(one, t, format);
  if (one.kind === 'alert') return one.what === 'gone' ? t('monitor.review.gone') : `${t(`monitor.rule.${one.rule}`)} · ${one.text ?? ''}`;
  if (one.kind === 'step') return [t(`monitor.step.${one.code}`), one.text === one.code ? '' : one.text, one.by].filter(Boolean).join(' · ');
  if (one.kind === 'told') {
    const rung = t(`monitor.rung.${one.rung}`);
    if (one.reached !== null) return t('monitor.told.reached', { rung, who: one.reader ?? '' });
    return one.users ? t('monitor.told', { rung, who: one.users }) : t('monitor.told.nobody', { rung });
  }
  if (one.kind === 'limit') return [one.rule, one.value, one.what === 'gone' ? t('monitor.review.gone') : ''].filter(Boolean).join(' ');
  const called = one.text || one.code?.split('|')[1];
  return [t(`monitor.review.care.${one.type}`), called, one.what === 'gone' ? t('monitor.review.gone') : one.status].filter(Boolean).join(' · ');
}

function readings(one: Event, t: T, format: Format): string {
  if (!one.readings?.length) return t('monitor.review.gone');
  const values = one.readings.map((each) => `${t(`monitor.measure.${each.measure}`)} ${format.quantity(each.value, each.unit)}`).join(', ');
  const measured = Math.min(...one.readings.map((each) => each.at));
  const late = one.at - measured > LATE ? t('monitor.review.measured', { at: format.dateTime(iso(measured)) }) : '';
  return [values, one.what === 'changed' ? t('monitor.review.corrected') : '', late].filter(Boolean).join(' ');
}
