/** What is done with an alert that is not for now or not for me: put off with a reason, or handed to somebody. */
import { useT } from '@shell';
import { Button, NativeSelect, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import look from './monitor.module.css';

const MINUTES = [5, 10, 30, 60, 120];
const LEAST = 4; // characters, as the server asks (onmaru.rooms.monitor.alerts.acting)

export function Later({ longest, busy, step }: { longest: number; busy: boolean; step: (body: object) => void }) {
  const t = useT();
  const [reason, setReason] = useState('');
  const [seconds, setSeconds] = useState(300);
  const [to, setTo] = useState('');
  const snooze = (event: FormEvent): void => {
    event.preventDefault();
    step({ step: 'snooze', seconds, text: reason.trim() });
  };
  const hand = (event: FormEvent): void => {
    event.preventDefault();
    step({ step: 'hand-over', to: to.trim() });
  };
  return (
    <details className={look.later}>
      <summary>{t('monitor.later')}</summary>
      <form className={look.form} onSubmit={snooze}>
        <NativeSelect label={t('monitor.snooze')} value={String(seconds)} onChange={(event) => setSeconds(Number(event.currentTarget.value))} data={MINUTES.filter((n) => n * 60 <= longest).map((n) => ({ value: String(n * 60), label: t('monitor.minutes', { n }) }))} />
        <TextInput label={t('monitor.reason')} value={reason} maxLength={200} onChange={(event) => setReason(event.currentTarget.value)} />
        <Button type="submit" variant="default" disabled={busy || reason.trim().length < LEAST}>{t('monitor.snooze.do')}</Button>
      </form>
      <form className={look.form} onSubmit={hand}>
        <TextInput label={t('monitor.to')} value={to} maxLength={64} autoComplete="off" onChange={(event) => setTo(event.currentTarget.value)} />
        <Button type="submit" variant="default" disabled={busy || to.trim() === ''}>{t('monitor.hand-over')}</Button>
      </form>
    </details>
  );
}
