/** Everybody who is cared for at home, whoever needs somebody first. Silence is said as such. */
import { ProblemNote, useFormat, useLive, useLoad, useT, useTitle, Waiting } from '@shell';
import { Button } from '@mantine/core';
import { Link } from 'react-router';
import { iso, type Line, span } from './data';
import look from './remote.module.css';
import { State } from './State';

export default function Plans() {
  const t = useT();
  const { tick } = useLive(null, ['CarePlan', 'Observation', 'QuestionnaireResponse', 'Communication', 'Task']);
  const { value, problem } = useLoad<{ at: number; plans: readonly Line[] }>('/rooms/remote/plans', {}, tick);
  useTitle(t('remote.title'));
  return (
    <div className={look.page}>
      <div className={look.head}>
        <h1 className={look.title}>{t('remote.title')}</h1>
        <Button component={Link} to="/remote/new" variant="default">{t('remote.new')}</Button>
      </div>
      {problem && <ProblemNote problem={problem} />}
      {!value && !problem && <Waiting />}
      {value && value.plans.length === 0 && <p className={look.quiet}>{t('remote.none')}</p>}
      <ul className={look.plans}>
        {value?.plans.map((one) => (
          <Row key={one.id} line={one} at={value.at} />
        ))}
      </ul>
    </div>
  );
}

function Row({ line, at }: { line: Line; at: number }) {
  const t = useT();
  const format = useFormat();
  const quiet = span(at - line.quiet);
  const facts = [line.number, line.birth && format.age(line.birth), format.sex(line.sex)].filter(Boolean).join(' · ');
  return (
    <li data-plan={line.id} data-state={line.state} data-asks={line.attention.length > 0}>
      <Link to={`/remote/plans/${line.id}`} className={look.row}>
        <State state={line.state} />
        <span className={look.who}>
          <strong>{line.name || line.number}</strong>
          <span className={look.quiet}>{facts}</span>
        </span>
        <span className={look.what}>
          {line.title}
          <span className={look.asks}>
            {line.attention.map((one) => (
              <b key={one.id}>{[t(`remote.reason.${one.reason}`), one.text].filter(Boolean).join(' ')}</b>
            ))}
            {line.unusable > 0 && <b>{t('remote.unusable', { n: line.unusable })}</b>}
          </span>
        </span>
        <span className={look.number}>
          {line.adherence === null ? '–' : `${Math.round(line.adherence * 100)}%`} <small>{t('remote.adherence')}</small>
        </span>
        <span className={look.number}>
          {line.last ? t(`remote.ago.${quiet.unit}`, { n: quiet.n }) : t('remote.never')} <small>{line.last ? format.dateTime(iso(line.last)) : ''}</small>
        </span>
      </Link>
    </li>
  );
}
