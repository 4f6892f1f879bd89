/** Asks before something is done that others feel: why, and for what cannot be undone the name typed letter by letter. */
import { Button, TextInput, Textarea } from '@mantine/core';
import { type FormEvent, type ReactNode, useState } from 'react';
import type { Outcome } from '../net/outcome';
import { useAct } from '../net/useAct';
import { useT } from '../words/words';
import { Dialog } from './Dialog';
import look from './ask.module.css';
import { Notice } from './Notice';
import { ProblemNote } from './ProblemNote';

export interface AskProps<T> {
  title: string;
  /** What will happen. */
  warning: string;
  /** The word on the button. */
  confirm: string;
  /** Red where it cannot be undone. */
  grave?: boolean;
  /** The label of the reason; absent: none is asked for. */
  reason?: string;
  least?: number;
  /** What has to be typed again before the button works. */
  typed?: string;
  children?: ReactNode;
  act: (reason: string) => Promise<Outcome<T>>;
  done: (value: T) => void;
  close: () => void;
}

export function Ask<T>({ title, warning, confirm, grave, reason, least = 1, typed, children, act, done, close }: AskProps<T>) {
  const t = useT();
  const [words, setWords] = useState('');
  const [again, setAgain] = useState('');
  const doing = useAct();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void doing.act(act(words.trim()), done);
  };
  const ready = (reason === undefined || words.trim().length >= least) && (typed === undefined || again === typed);
  return (
    <Dialog opened onClose={close} title={title}>
      <form className={look.form} onSubmit={submit}>
        <Notice tone={grave ? 'alert' : 'info'} title={warning} />
        {children}
        {reason !== undefined && <Textarea label={reason} description={least > 1 ? t('ask.least', { least }) : undefined} value={words} onChange={(event) => setWords(event.currentTarget.value)} rows={3} maxLength={500} data-autofocus />}
        {typed !== undefined && <TextInput label={t('ask.typed', { typed })} value={again} onChange={(event) => setAgain(event.currentTarget.value)} autoComplete="off" autoCapitalize="none" spellCheck={false} maxLength={100} />}
        {doing.problem && <ProblemNote problem={doing.problem} />}
        <div className={look.row}>
          <Button type="submit" color={grave ? 'red.9' : undefined} loading={doing.busy} disabled={!ready} data-autofocus={reason === undefined || undefined}>
            {confirm}
          </Button>
          <Button variant="default" onClick={close}>
            {t('cancel')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
