/** One alert: what made it and whom the house told; then taken, acted on and ended, each by one touch. */
import { api, Notice, ProblemNote, useAct, useFormat, useLoad, useT, Waiting } from '@shell';
import { Button } from '@mantine/core';
import { Link } from 'react-router';
import { type Alert, iso, type Looked, said, type Step, type Told } from './data';
import { Later } from './Later';
import look from './monitor.module.css';
import { Shape } from './Shape';

interface PanelProps {
  id: string;
  now: number;
  silent: boolean;
  changed: () => void;
  close: () => void;
}

export function AlertPanel({ id, now, silent, changed, close }: PanelProps) {
  const t = useT();
  const { value, problem, reload } = useLoad<Looked>(`/rooms/monitor/alerts/${id}`);
  const { busy, problem: refused, act } = useAct();
  if (problem) return <ProblemNote problem={problem} />;
  if (!value) return <Waiting />;
  const { alert } = value;
  const step = (body: object, end = false): void =>
    void act(api.post(`/rooms/monitor/alerts/${id}/steps`, body), () => {
      changed();
      if (end) close();
      else reload();
    });
  return (
    <div className={look.panel}>
      {silent && <Notice tone="alert" title={t('monitor.silent.text')} />}
      <p className={look.why}>
        <Shape urgency={alert.urgency} /> <strong>{t(`monitor.rule.${alert.rule}`)}</strong>
        <span>{t(`monitor.urgency.${alert.urgency}`)}</span>
      </p>
      {alert.about && <Notice tone="alert" title={t('monitor.unreached.text')} />}
      <Evidence evidence={value.evidence} />
      <Link to={`/patients/${alert.patient}`}>{t('monitor.chart')}</Link>
      <Link to={`/review/${alert.patient}`}>{t('monitor.review')}</Link>
      {refused && <ProblemNote problem={refused} />}
      {alert.closed === null ? <Steps looked={value} now={now} busy={busy} step={step} /> : <Notice tone="good" title={t('monitor.state.closed')} />}
      <History alert={alert} told={value.told} />
    </div>
  );
}

function Evidence({ evidence }: { evidence: Looked['evidence'] }) {
  const t = useT();
  const format = useFormat();
  return (
    <dl className={look.values}>
      {evidence.map(([name, value]) => {
        const [score = '', part] = name.split(' ');
        const [digits, unit] = value.split(' ');
        return (
          <div key={name} className={look.value}>
            <dt>{part ? t(`monitor.part.${part}`) : score.toUpperCase()}</dt>
            <dd>{format.quantity(digits, unit)}</dd>
          </div>
        );
      })}
    </dl>
  );
}

interface StepsProps {
  looked: Looked;
  now: number;
  busy: boolean;
  step: (body: object, end?: boolean) => void;
}

function Steps({ looked, now, busy, step }: StepsProps) {
  const t = useT();
  const { alert } = looked;
  return (
    <>
      <Button fullWidth size="md" disabled={busy || alert.acknowledged !== null} onClick={() => step({ step: 'acknowledge' })}>
        {alert.acknowledged === null ? t('monitor.acknowledge') : t('monitor.state.taken', { who: alert.owner })}
      </Button>
      <fieldset className={look.choices}>
        <legend>{t('monitor.act')}</legend>
        {looked.acts.map((one) => (
          <Button key={one} variant="default" disabled={busy} onClick={() => step({ step: 'act', text: one })}>
            {t(`monitor.act.${one}`)}
          </Button>
        ))}
      </fieldset>
      <fieldset className={look.choices}>
        <legend>{t('monitor.outcome')}</legend>
        {looked.outcomes.map((one) => (
          <Button key={one} variant="light" disabled={busy} onClick={() => step({ step: 'outcome', text: one }, true)}>
            {t(`monitor.outcome.${one}`)}
          </Button>
        ))}
      </fieldset>
      {alert.snoozed > now ? <Notice tone="info" title={t('monitor.state.snoozed')} /> : <Later longest={alert.snooze} busy={busy} step={step} />}
    </>
  );
}

function History({ alert, told }: { alert: Alert; told: readonly Told[] }) {
  const t = useT();
  const lines = [
    { at: alert.raised, text: t('monitor.step.raised') },
    ...alert.steps.map((step) => ({ at: step.at, text: `${t(`monitor.step.${step.code}`)} ${stepWords(step, t)} · ${step.by}` })),
    ...told.map((one) => ({ at: one.sent, text: toldWords(one, t) })),
  ].sort((one, other) => one.at - other.at);
  return (
    <section className={look.section} aria-labelledby="monitor-history">
      <h3 id="monitor-history" className={look.small}>{t('monitor.history')}</h3>
      <ol className={look.history}>
        {lines.map((line, n) => (
          <li key={n}>
            <Time at={line.at} /> {line.text}
          </li>
        ))}
      </ol>
    </section>
  );
}

function Time({ at }: { at: number }) {
  const format = useFormat();
  return <time dateTime={iso(at)}>{format.dateTime(iso(at), true).slice(11)}</time>;
}

function stepWords(step: Step, t: ReturnType<typeof useT>): string {
  const { code, note } = said(step);
  if (step.code === 'act' || step.code === 'outcome') return [code && t(`monitor.${step.code}.${code}`), note].filter(Boolean).join(' ');
  if (step.code === 'snooze') return `${t('monitor.minutes', { n: Math.round(Number(code) / 60) })} ${note}`;
  return [code, note].filter(Boolean).join(' ');
}

function toldWords(told: Told, t: ReturnType<typeof useT>): string {
  const rung = t(`monitor.rung.${told.rung}`);
  if (!told.users) return t('monitor.told.nobody', { rung });
  return told.reached === null ? t('monitor.told', { rung, who: told.users }) : t('monitor.told.reached', { rung, who: told.reader });
}
