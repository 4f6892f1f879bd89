/** An initial access token (RFC 7591), with which apps register themselves for some days. */
import { Button, NativeSelect } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { api } from '../../net/client';
import { useAct } from '../../net/useAct';
import { Dialog } from '../../parts/Dialog';
import { Notice } from '../../parts/Notice';
import { ProblemNote } from '../../parts/ProblemNote';
import { Secret } from '../../parts/Secret';
import { useT } from '../../words/words';
import page from '../pages.module.css';

const DAYS = [1, 7, 30, 90];

export function Invite({ close }: { close: () => void }) {
  const t = useT();
  const [days, setDays] = useState('7');
  const [token, setToken] = useState('');
  const { busy, problem, act } = useAct();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void act(api.post<{ token: string }>('/api/client-invitations', { days: Number(days) }), (made) => setToken(made.token));
  };
  return (
    <Dialog opened onClose={close} title={t('apps.invite')}>
      <form className={page.form} onSubmit={submit}>
        <Notice tone="info" title={t('apps.invite.text')} />
        {token ? (
          <>
            <Secret label={t('apps.invite.token')} value={token} />
            <Button onClick={close}>{t('close')}</Button>
          </>
        ) : (
          <>
            <NativeSelect label={t('apps.invite.days')} value={days} onChange={(event) => setDays(event.currentTarget.value)} data={DAYS.map((n) => ({ value: String(n), label: t('apps.invite.n', { n }) }))} data-autofocus />
            {problem && <ProblemNote problem={problem} />}
            <Button type="submit" loading={busy}>
              {t('apps.invite')}
            </Button>
          </>
        )}
      </form>
    </Dialog>
  );
}
