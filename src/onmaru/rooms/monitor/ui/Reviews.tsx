/** Which case to look at again: the alerts of the last month, each with the day before it and the six hours after. */
import { ProblemNote, useFormat, useLoad, useT, useTitle, Waiting } from '@shell';
import { Link } from 'react-router';
import { type Alert, iso, said } from './data';
import look from './review.module.css';
import { Shape } from './Shape';

const HOUR_US = 3_600_000_000;

export default function Reviews() {
  const t = useT();
  const { value, problem } = useLoad<{ at: number; alerts: readonly Alert[] }>('/rooms/monitor/alerts', { hours: 744 });
  useTitle(t('monitor.review'));
  const shown = value?.alerts.filter((one) => !one.about).toSorted((one, other) => other.raised - one.raised) ?? [];
  return (
    <div className={look.page}>
      <h1 className={look.title}>{t('monitor.review')}</h1>
      <p className={look.quiet}>{t('monitor.review.text')}</p>
      {problem && <ProblemNote problem={problem} />}
      {!value && !problem && <Waiting />}
      {value && shown.length === 0 && <p className={look.quiet}>{t('monitor.review.none')}</p>}
      <ul className={look.cases}>
        {shown.map((one) => (
          <Case key={one.id} alert={one} />
        ))}
      </ul>
    </div>
  );
}

function Case({ alert }: { alert: Alert }) {
  const t = useT();
  const format = useFormat();
  const last = alert.steps.findLast((step) => step.code === 'outcome');
  const outcome = last ? t(`monitor.outcome.${said(last).code}`) : t('monitor.budget.waiting');
  const window = { from: iso(alert.raised - 24 * HOUR_US), to: iso(alert.raised + 6 * HOUR_US) };
  return (
    <li>
      <Link to={`/review/${alert.patient}?${new URLSearchParams(window)}`}>
        <Shape urgency={alert.urgency} />
        <strong>{alert.name}</strong>
        <span>{t(`monitor.rule.${alert.rule}`)}</span>
        <span className={look.quiet}>{format.dateTime(iso(alert.raised))}</span>
        <span className={look.quiet}>{outcome}</span>
      </Link>
    </li>
  );
}
