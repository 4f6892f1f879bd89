/** Taking the second step away again: with the password and a code, so that an open screen is not enough. */
import { Button, PasswordInput, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { api } from '../../net/client';
import { useAct } from '../../net/useAct';
import { Dialog } from '../../parts/Dialog';
import { Notice } from '../../parts/Notice';
import { ProblemNote } from '../../parts/ProblemNote';
import { PASSWORD_MOST } from '../../session/PasswordForm';
import { useT } from '../../words/words';
import page from '../pages.module.css';

export function EndStep({ close, done }: { close: () => void; done: () => void }) {
  const t = useT();
  const [current, setCurrent] = useState('');
  const [code, setCode] = useState('');
  const { busy, problem, act } = useAct();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void act(api.delete('/api/second-factor', {}, { current, code: code.trim() }), done);
  };
  return (
    <Dialog opened onClose={close} title={t('account.step.end')}>
      <form className={page.form} onSubmit={submit}>
        <Notice tone="warn" title={t('account.step.end.text')} />
        <PasswordInput label={t('password.current')} value={current} onChange={(event) => setCurrent(event.currentTarget.value)} required withAsterisk={false} maxLength={PASSWORD_MOST} autoComplete="current-password" data-autofocus visibilityToggleButtonProps={{ 'aria-label': t('login.show') }} />
        <TextInput label={t('login.code')} description={t('login.code.hint')} value={code} onChange={(event) => setCode(event.currentTarget.value)} required withAsterisk={false} autoComplete="one-time-code" maxLength={32} />
        {problem && <ProblemNote problem={problem} />}
        <Button type="submit" color="red.9" loading={busy}>
          {t('account.step.end')}
        </Button>
      </form>
    </Dialog>
  );
}
