/** What the ward's alerts of the last seven days cost and were worth. */
import { useLoad, useT } from '@shell';
import type { Budget } from './data';
import look from './monitor.module.css';

const percent = (share: number | null): string => (share === null ? '–' : `${Math.round(share * 100)} %`);

export function BudgetLine({ ward, tick }: { ward: string; tick: number }) {
  const t = useT();
  const { value } = useLoad<Budget>('/rooms/monitor/budget', { ward }, tick);
  if (!value) return null;
  const count = (n: number): string => t('monitor.budget.n', { n });
  const rows: readonly (readonly [string, string])[] = [
    ['perBedDay', value.perBedDay === null ? '–' : count(value.perBedDay)],
    ['ppv', percent(value.ppv)],
    ['inTime', percent(value.inTime)],
    ['lead', value.leadMinutes === null ? '–' : t('monitor.minutes', { n: value.leadMinutes })],
    ['unreached', count(value.unreached)],
    ['waiting', count(value.waiting)],
  ];
  return (
    <section className={look.section} aria-labelledby="monitor-budget">
      <h2 id="monitor-budget" className={look.subtitle}>{t('monitor.budget', { n: value.days })}</h2>
      <dl className={look.budget}>
        {rows.map(([name, text]) => (
          <div key={name}>
            <dt>{t(`monitor.budget.${name}`)}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
