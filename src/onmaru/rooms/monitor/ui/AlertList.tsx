/** The alerts that are open, the most urgent first: one touch looks at one. */
import { useFormat, useT } from '@shell';
import { UnstyledButton } from '@mantine/core';
import { type Alert, age, iso } from './data';
import look from './monitor.module.css';
import { Shape } from './Shape';

export function AlertList({ alerts, now, open }: { alerts: readonly Alert[]; now: number; open: (id: string) => void }) {
  const t = useT();
  const standing = alerts.filter((one) => one.open);
  return (
    <section className={look.section} aria-labelledby="monitor-alerts">
      <h2 id="monitor-alerts" className={look.subtitle}>
        {t('monitor.alerts')} <span className={look.count}>{standing.length}</span>
      </h2>
      {standing.length === 0 && <p className={look.quiet}>{t('monitor.alerts.none')}</p>}
      <ul className={look.alerts}>
        {standing.map((one) => (
          <li key={one.id}>
            <Line alert={one} now={now} open={() => open(one.id)} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Line({ alert, now, open }: { alert: Alert; now: number; open: () => void }) {
  const t = useT();
  const format = useFormat();
  const since = age(alert.raised, now);
  return (
    <UnstyledButton className={look.alert ?? ''} data-urgency={alert.acknowledged === null ? alert.urgency : 'taken'} data-alert={alert.id} onClick={open}>
      <Shape urgency={alert.urgency} />
      <span className={look.words}>
        <strong>{alert.name || alert.patient}</strong>
        <span>{[t(`monitor.rule.${alert.rule}`), alert.text].filter(Boolean).join(' · ')}</span>
        <span className={look.quiet}>
          {format.time(iso(alert.raised))} · {t(`monitor.age.${since.unit}`, { n: since.n })} · {state(alert, now, t)}
        </span>
      </span>
    </UnstyledButton>
  );
}

/** In words how far it has come. */
export function state(alert: Alert, now: number, t: ReturnType<typeof useT>): string {
  if (alert.closed !== null) return t('monitor.state.closed');
  if (alert.snoozed > now) return t('monitor.state.snoozed');
  if (alert.acknowledged !== null) return t('monitor.state.taken', { who: alert.owner });
  return alert.rung ? t('monitor.state.rung', { rung: t(`monitor.rung.${alert.rung}`) }) : t('monitor.state.raised');
}
