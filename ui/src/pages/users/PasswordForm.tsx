/** A new password for somebody who lost theirs. */
import { Alert, Button, Modal, PasswordInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { api } from '../../net/client';
import type { Problem } from '../../net/outcome';
import { useT } from '../../words/words';
import page from '../pages.module.css';
import { PASSWORD_LEAST, type User } from './user';

export function PasswordForm({ user, close, done }: { user: User; close: () => void; done: () => void }) {
  const t = useT();
  const [password, setPassword] = useState('');
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    const outcome = await api.post(`/api/users/${encodeURIComponent(user.user)}/password`, { password });
    setBusy(false);
    if (outcome.ok) done();
    else setProblem(outcome.problem);
  };

  return (
    <Modal opened onClose={close} title={t('users.password.of', { user: user.user })} lockScroll={false} closeButtonProps={{ 'aria-label': t('close') }}>
      <form className={page.form} onSubmit={(event) => void submit(event)}>
        <PasswordInput label={t('users.password.new')} description={t('users.password.hint', { least: PASSWORD_LEAST })} value={password} onChange={(event) => setPassword(event.currentTarget.value)} required withAsterisk={false} minLength={PASSWORD_LEAST} maxLength={512} autoComplete="new-password" data-autofocus visibilityToggleButtonProps={{ 'aria-label': t('login.show') }} />
        {problem && (
          <Alert color="red" role="alert">
            {problem.text || t(`problem.${problem.kind}`)}
          </Alert>
        )}
        <Button type="submit" loading={busy}>
          {t('save')}
        </Button>
      </form>
    </Modal>
  );
}
