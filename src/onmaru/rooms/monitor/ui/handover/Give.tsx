/** Whom the chosen patients are handed over to: somebody of the roster, or another by the name they sign in with. */
import { api, Notice, ProblemNote, useAct, useT } from '@shell';
import { Button, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { iso } from '../data';
import type { Sheet } from './data';
import look from './handover.module.css';

interface GiveProps {
  ward: string;
  since: number;
  next: readonly string[];
  sheets: readonly Sheet[];
  notes: Readonly<Record<string, string>>;
  done: () => void;
}

export function Give({ ward, since, next, sheets, notes, done }: GiveProps) {
  const t = useT();
  const [to, setTo] = useState('');
  const [given, setGiven] = useState('');
  const { busy, problem, act } = useAct();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const patients = sheets.map((one) => ({ patient: one.patient, note: notes[one.patient] ?? '' }));
    setGiven('');
    void act(api.post<{ given: number }>('/rooms/monitor/handover', { ward, to: to.trim(), since: iso(since), patients }), () => {
      setGiven(to.trim());
      done();
    });
  };
  return (
    <form className={look.give} onSubmit={submit}>
      <TextInput label={t('monitor.handover.to')} value={to} maxLength={64} autoComplete="off" list="handover-next" onChange={(event) => setTo(event.currentTarget.value)} />
      <datalist id="handover-next">
        {next.map((one) => <option key={one} value={one} />)}
      </datalist>
      <Button type="submit" loading={busy} disabled={to.trim() === '' || sheets.length === 0}>{t('monitor.handover.give', { n: sheets.length })}</Button>
      {problem && <ProblemNote problem={problem} />}
      {given && <Notice tone="good" title={t('monitor.handover.done', { who: given })} />}
    </form>
  );
}
