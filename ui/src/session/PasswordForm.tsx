/** A new password: for oneself with the present one, by an administrator for somebody who lost theirs. */
import { Button, PasswordInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { api } from '../net/client';
import type { Problem } from '../net/outcome';
import { Dialog } from '../parts/Dialog';
import { ProblemNote } from '../parts/ProblemNote';
import { useT } from '../words/words';
import { useSession } from './session';
import look from './session.module.css';

export const PASSWORD_LEAST = 8; // as the server asks (onmaru.kernel.password)
export const PASSWORD_MOST = 1024;

export function PasswordForm({ user, close, done }: { user: string; close: () => void; done: () => void }) {
  const t = useT();
  const { session } = useSession();
  const [current, setCurrent] = useState('');
  const [password, setPassword] = useState('');
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const own = user === session.user;

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    const outcome = await api.post(`/api/users/${encodeURIComponent(user)}/password`, own ? { password, current } : { password });
    setBusy(false);
    if (outcome.ok) done();
    else setProblem(outcome.problem);
  };

  const shown = { 'aria-label': t('login.show') };
  return (
    <Dialog opened onClose={close} title={own ? t('password.own') : t('password.of', { user })}>
      <form className={look.form} onSubmit={(event) => void submit(event)}>
        {own && <PasswordInput label={t('password.current')} value={current} onChange={(event) => setCurrent(event.currentTarget.value)} required withAsterisk={false} maxLength={PASSWORD_MOST} autoComplete="current-password" data-autofocus visibilityToggleButtonProps={shown} />}
        <PasswordInput label={t('password.new')} description={t('password.hint', { least: PASSWORD_LEAST })} value={password} onChange={(event) => setPassword(event.currentTarget.value)} required withAsterisk={false} minLength={PASSWORD_LEAST} maxLength={PASSWORD_MOST} autoComplete="new-password" data-autofocus={!own || undefined} visibilityToggleButtonProps={shown} />
        {problem && <ProblemNote problem={problem} />}
        <Button type="submit" loading={busy}>
          {t('save')}
        </Button>
      </form>
    </Dialog>
  );
}
