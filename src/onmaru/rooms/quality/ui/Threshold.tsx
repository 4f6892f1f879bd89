/** The site's own threshold of a check: percent, who answers for it, and why. */
import { Button, TextInput } from '@mantine/core';
import { api, type Problem, ProblemNote, useT } from '@shell';
import { type FormEvent, useState } from 'react';
import type { One } from './data';
import look from './quality.module.css';

export function Threshold({ one, path, onSet }: { one: One; path: string; onSet: () => void }) {
  const t = useT();
  const own = one.threshold;
  const [percent, setPercent] = useState(String(own?.percent ?? one.check.threshold));
  const [owner, setOwner] = useState(own?.owner ?? '');
  const [reason, setReason] = useState(own?.reason ?? '');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const set = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    const outcome = await api.put(`${path}/threshold`, { percent: Number(percent), owner, reason });
    setBusy(false);
    if (outcome.ok) onSet();
    else setProblem(outcome.problem);
  };
  return (
    <section className={look.section}>
      <h2 className={look.subtitle}>{t('quality.threshold')}</h2>
      <p className={look.note}>{own ? t('quality.threshold.own', { owner: own.owner, listed: String(one.check.threshold) }) : t('quality.threshold.listed', { listed: String(one.check.threshold) })}</p>
      <form className={look.form} onSubmit={(event) => void set(event)}>
        <TextInput label={t('quality.threshold.percent')} type="number" min={0} max={100} step="any" required value={percent} onChange={(event) => setPercent(event.currentTarget.value)} />
        <TextInput label={t('quality.threshold.owner')} maxLength={64} value={owner} onChange={(event) => setOwner(event.currentTarget.value)} />
        <TextInput label={t('quality.threshold.reason')} maxLength={500} required value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
        <Button type="submit" variant="default" loading={busy}>
          {t('quality.threshold.set')}
        </Button>
      </form>
      {problem && <ProblemNote problem={problem} />}
    </section>
  );
}
