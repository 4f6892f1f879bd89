/** Every bed of the ward, the worst first: its score with what is missing, and its values, greyed with their age once they are old. */
import { useFormat, useT } from '@shell';
import { UnstyledButton } from '@mantine/core';
import { Link } from 'react-router';
import { age, type Alert, type Bed, old, range, type Value } from './data';
import look from './monitor.module.css';
import type { Risk } from './models';
import { Risks, useRisks } from './Risks';
import { Shape } from './Shape';

interface BedsProps {
  beds: readonly Bed[];
  alerts: readonly Alert[];
  now: number;
  open: (id: string) => void;
}

export function Beds({ beds, alerts, now, open }: BedsProps) {
  const t = useT();
  const risks = useRisks();
  return (
    <section className={look.section} aria-labelledby="monitor-beds">
      <h2 id="monitor-beds" className={look.subtitle}>
        {t('monitor.beds')} <span className={look.count}>{beds.length}</span>
      </h2>
      {beds.length === 0 && <p className={look.quiet}>{t('monitor.beds.none')}</p>}
      <ul className={look.beds}>
        {beds.map((bed) => (
          <li key={`${bed.patient} ${bed.ward} ${bed.bed}`} className={look.bed} data-level={bed.level || 'unknown'} data-patient={bed.patient}>
            <Card bed={bed} alert={alerts.find((one) => one.id === bed.alert)} risks={risks[bed.patient] ?? []} now={now} open={open} />
          </li>
        ))}
      </ul>
    </section>
  );
}

interface CardProps {
  bed: Bed;
  alert: Alert | undefined;
  risks: readonly Risk[];
  now: number;
  open: (id: string) => void;
}

function Card({ bed, alert, risks, now, open }: CardProps) {
  const t = useT();
  const format = useFormat();
  return (
    <>
      <div className={look.bedHead}>
        <Shape level={bed.level} />
        <span className={look.score}>
          <small>NEWS2</small> {bed.level ? range(bed) : '–'}
        </span>
        <span className={look.who}>
          <Link to={`/patients/${bed.patient}`}>{bed.name || bed.patient}</Link>
          <span className={look.quiet}>{[bed.wardName, bed.bed, format.sex(bed.sex), format.age(bed.birth)].filter(Boolean).join(' · ')}</span>
        </span>
        {alert && (
          <UnstyledButton className={look.mark ?? ''} onClick={() => open(alert.id)} aria-label={t('monitor.look', { name: bed.name || bed.patient })}>
            <Shape urgency={alert.urgency} />
          </UnstyledButton>
        )}
      </div>
      <dl className={look.values}>
        {bed.values.map((value) => (
          <OneValue key={value.measure} value={value} now={now} />
        ))}
      </dl>
      <Risks risks={risks} />
      {bed.missing.length > 0 && <p className={look.missing}>{t('monitor.missing', { what: bed.missing.map((one) => t(`monitor.part.${one}`)).join(', ') })}</p>}
    </>
  );
}

function OneValue({ value, now }: { value: Value; now: number }) {
  const t = useT();
  const format = useFormat();
  const since = age(value.at, now);
  const stale = old(value, now);
  return (
    <div className={look.value} data-old={stale}>
      <dt>{t(`monitor.measure.${value.measure}`)}</dt>
      <dd>
        {format.quantity(value.value, value.unit)}
        {stale && <small> {t(`monitor.age.${since.unit}`, { n: since.n })}</small>}
      </dd>
    </div>
  );
}
