/** The risk models of the hospital: what each predicts, in which state it is, and what stands between it and the bedside. */
import { Notice, ProblemView, useFormat, useLoad, useT, useTitle, Waiting } from '@shell';
import { Link } from 'react-router';
import { iso } from './data';
import type { Line } from './models';
import look from './models.module.css';

export default function Models() {
  const t = useT();
  const { value, problem, reload } = useLoad<{ models: readonly Line[] }>('/rooms/monitor/models');
  useTitle(t('monitor.models'));
  return (
    <div className={look.page}>
      <h1 className={look.title}>{t('monitor.models')}</h1>
      <p className={look.quiet}>{t('monitor.models.text')}</p>
      {problem && <ProblemView problem={problem} retry={reload} />}
      {!value && !problem && <Waiting />}
      {value?.models.length === 0 && <Notice tone="info" title={t('monitor.models.none')}>{t('monitor.models.none.text')}</Notice>}
      <ul className={look.list}>{value?.models.map((one) => <One key={one.id} line={one} />)}</ul>
    </div>
  );
}

function One({ line }: { line: Line }) {
  const t = useT();
  const format = useFormat();
  return (
    <li className={look.one} data-model={line.id}>
      <div className={look.row}>
        <Link className={look.name} to={`/models/${line.id}`}>{t('monitor.models.named', { name: line.name, version: line.version })}</Link>
        <State state={line.state} />
      </div>
      <p>{t(`monitor.risk.${line.name}`)}</p>
      <p className={look.quiet}>
        {t('monitor.models.registered', { at: format.dateTime(iso(line.registered)), who: line.by })}
        {line.approval && ` · ${t('monitor.models.approved', { at: format.dateTime(iso(line.approval.at)), who: line.approval.by })}`}
      </p>
      {line.missing.length > 0 && <p className={look.quiet}>{t('monitor.models.missing', { what: line.missing.map((one) => t(`monitor.models.missing.${one}`)).join(', ') })}</p>}
    </li>
  );
}

export function State({ state }: { state: string }) {
  const t = useT();
  return (
    <span className={look.state} data-state={state}>
      {t(`monitor.models.state.${state}`)}
    </span>
  );
}
