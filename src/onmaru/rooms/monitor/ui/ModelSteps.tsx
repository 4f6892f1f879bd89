/** From shadow to active and back: the limits beside what the back-test found, and the steps that whoever looks may take. */
import { api, Notice, ProblemNote, useAct, useFormat, useT } from '@shell';
import { Button, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { iso } from './data';
import { Grid } from './Grid';
import { type Model, shown } from './models';
import look from './models.module.css';

const LEAST = 10; // characters of a reason, as the server asks (onmaru.rooms.monitor.models.routes)

interface StepsProps {
  model: Model;
  done: () => void;
}

export function ModelSteps({ model, done }: StepsProps) {
  const t = useT();
  const format = useFormat();
  return (
    <section className={look.part}>
      <h2 className={look.subtitle}>{t('monitor.models.approval')}</h2>
      {model.approval && <Notice tone="good" title={t('monitor.models.approved', { at: format.dateTime(iso(model.approval.at)), who: model.approval.by })}>{model.approval.said}</Notice>}
      {model.missing.length > 0 && <Notice tone="info" title={t('monitor.models.missing', { what: model.missing.map((one) => t(`monitor.models.missing.${one}`)).join(', ') })} />}
      {model.limits.length > 0 && (
        <Grid
          title={t('monitor.models.limits')}
          heads={['figure', 'least', 'most', 'found', 'met'].map((one) => t(`monitor.models.limits.${one}`))}
          rows={model.limits.map((one) => [t(`monitor.figure.${one.figure}`), shown(one.least), shown(one.most), shown(one.found), t(one.met ? 'monitor.models.limits.yes' : 'monitor.models.limits.no')])}
        />
      )}
      <Limits model={model} done={done} />
      {model.state === 'shadow' && model.missing.length === 0 && model.may.approve && <Step model={model} done={done} step="approve" />}
      {model.state === 'active' && model.may.withdraw && <Step model={model} done={done} step="withdraw" />}
    </section>
  );
}

function Step({ model, done, step }: StepsProps & { step: 'approve' | 'withdraw' }) {
  const t = useT();
  const [reason, setReason] = useState('');
  const { busy, problem, act } = useAct();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void act(api.post(`/rooms/monitor/models/${model.id}/steps`, { step, digest: model.digest, reason: reason.trim() }), done);
  };
  return (
    <form className={look.form} onSubmit={submit}>
      <TextInput label={t(`monitor.models.${step}.why`)} value={reason} maxLength={1000} onChange={(event) => setReason(event.currentTarget.value)} />
      <Button type="submit" color={step === 'withdraw' ? 'red' : undefined} loading={busy} disabled={reason.trim().length < LEAST}>{t(`monitor.models.${step}`)}</Button>
      {problem && <ProblemNote problem={problem} />}
    </form>
  );
}

/** Limits on what every back-test has to speak of; a change asks for another back-test. */
function Limits({ model, done }: StepsProps) {
  const t = useT();
  const needed = Object.entries(model.known.needed).flatMap(([figure, ends]) => ends.map((end) => ({ figure, end })));
  const [ends, setEnds] = useState<Readonly<Record<string, string>>>({});
  const [reason, setReason] = useState('');
  const { busy, problem, act } = useAct();
  const whole = needed.every(({ figure, end }) => /^-?\d+(\.\d+)?$/.test(ends[`${end} ${figure}`]?.trim() ?? '')) && reason.trim().length >= LEAST;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const limits: Record<string, Record<string, number>> = {};
    for (const { figure, end } of needed) limits[figure] = { ...limits[figure], [end]: Number(ends[`${end} ${figure}`]) };
    void act(api.post(`/rooms/monitor/models/${model.id}/limits`, { limits, reason: reason.trim() }), done);
  };
  return (
    <details>
      <summary>{t('monitor.models.limits.write')}</summary>
      <form className={look.form} onSubmit={submit}>
        <p className={look.quiet}>{t('monitor.models.limits.text')}</p>
        {needed.map(({ figure, end }) => (
          <TextInput key={`${end} ${figure}`} inputMode="decimal" label={`${t(`monitor.figure.${figure}`)} (${t(`monitor.models.limits.${end}`)})`} value={ends[`${end} ${figure}`] ?? ''} onChange={(event) => setEnds({ ...ends, [`${end} ${figure}`]: event.currentTarget.value })} />
        ))}
        <TextInput label={t('monitor.models.limits.why')} value={reason} maxLength={1000} onChange={(event) => setReason(event.currentTarget.value)} />
        <Button type="submit" variant="default" loading={busy} disabled={!whole}>{t('monitor.models.limits.do')}</Button>
        {problem && <ProblemNote problem={problem} />}
      </form>
    </details>
  );
}
