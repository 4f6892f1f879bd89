/** A case as a file for a meeting: for what purpose, with or without names. That it was taken stands in the chart. */
import { api, Notice, ProblemNote, useAct, useT } from '@shell';
import { Button, NativeSelect, Switch, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import look from './review.module.css';

const PURPOSES = ['PATSFTY', 'HQUALIMP', 'TRAIN'] as const;
const LIMIT_MS = 300_000;

interface ExportProps {
  patient: string;
  from: string;
  to: string;
  done: () => void;
}

export function Export({ patient, from, to, done }: ExportProps) {
  const t = useT();
  const { busy, problem, act } = useAct();
  const [purpose, setPurpose] = useState<string>(PURPOSES[0]);
  const [reason, setReason] = useState('');
  const [form, setForm] = useState('html');
  const [names, setNames] = useState(false);
  const kept = names && purpose !== 'TRAIN';
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const body = { start: from, end: to, purpose, reason: reason.trim(), form, names: kept };
    void act(api.file(`/rooms/monitor/patients/${encodeURIComponent(patient)}/replay/export`, body, { limit: LIMIT_MS }), (file) => {
      const link = document.createElement('a');
      link.href = URL.createObjectURL(file);
      link.download = `case-review.${form}`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
      done();
    });
  };
  return (
    <form className={look.form} onSubmit={submit}>
      <Notice tone="info" title={t('monitor.review.export.noted')} />
      <NativeSelect label={t('monitor.review.purpose')} value={purpose} onChange={(event) => setPurpose(event.currentTarget.value)} data={PURPOSES.map((one) => ({ value: one, label: t(`monitor.review.purpose.${one}`) }))} />
      <TextInput label={t('monitor.reason')} value={reason} maxLength={200} autoComplete="off" onChange={(event) => setReason(event.currentTarget.value)} />
      <NativeSelect label={t('monitor.review.form')} value={form} onChange={(event) => setForm(event.currentTarget.value)} data={[{ value: 'html', label: t('monitor.review.form.html') }, { value: 'json', label: t('monitor.review.form.json') }]} />
      <Switch label={t('monitor.review.names')} description={t('monitor.review.names.text')} checked={kept} disabled={purpose === 'TRAIN'} onChange={(event) => setNames(event.currentTarget.checked)} />
      {problem && <ProblemNote problem={problem} />}
      <Button type="submit" loading={busy} disabled={reason.trim().length < 4}>{t('monitor.review.take')}</Button>
    </form>
  );
}
