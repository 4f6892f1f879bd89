/** Emergency access: the user states a reason, the gate opens one record for an hour, the audit keeps both. */
import { Button, Textarea } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import type { Problem } from '../net/outcome';
import { Dialog } from '../parts/Dialog';
import { Notice } from '../parts/Notice';
import { ProblemNote } from '../parts/ProblemNote';
import { useT } from '../words/words';
import { useSession } from './session';
import look from './session.module.css';

const REASON_LEAST = 10; // characters: "응급" alone explains nothing to the reader of the audit

export interface BreakGlassProps {
  patient: string;
  opened: boolean;
  close: () => void;
  done: () => void;
}

export function BreakGlass({ patient, opened, close, done }: BreakGlassProps) {
  const t = useT();
  const { breakGlass } = useSession();
  const [reason, setReason] = useState('');
  const [short, setShort] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const words = reason.trim();
    setShort(words.length < REASON_LEAST);
    if (words.length < REASON_LEAST) return;
    setBusy(true);
    const outcome = await breakGlass(patient, words);
    setBusy(false);
    setProblem(outcome.ok ? null : outcome.problem);
    if (!outcome.ok) return;
    setReason('');
    close();
    done();
  };

  return (
    <Dialog opened={opened} onClose={close} title={t('glass.title')}>
      <form className={look.form} onSubmit={(event) => void submit(event)}>
        <Notice tone="warn" title={t('glass.warning')} />
        <Textarea label={t('glass.reason')} description={t('glass.reason.hint', { least: REASON_LEAST })} error={short ? t('glass.reason.short', { least: REASON_LEAST }) : undefined} value={reason} onChange={(event) => setReason(event.currentTarget.value)} rows={4} maxLength={500} data-autofocus />
        {problem && <ProblemNote problem={problem} />}
        <Button type="submit" color="red.9" loading={busy}>
          {t('glass.enter')}
        </Button>
      </form>
    </Dialog>
  );
}
