/** A new tenant: nothing but its name, which no other will ever bear again. */
import { Button, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { api } from '../../net/client';
import { useAct } from '../../net/useAct';
import { Dialog } from '../../parts/Dialog';
import { Notice } from '../../parts/Notice';
import { ProblemNote } from '../../parts/ProblemNote';
import { useT } from '../../words/words';
import page from '../pages.module.css';

export function Create({ close, done }: { close: () => void; done: () => void }) {
  const t = useT();
  const [tenant, setTenant] = useState('');
  const { busy, problem, act } = useAct();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void act(api.post('/api/tenants', { tenant }), done);
  };
  return (
    <Dialog opened onClose={close} title={t('tenants.create')}>
      <form className={page.form} onSubmit={submit}>
        <TextInput label={t('tenants.name')} description={t('tenants.name.hint')} value={tenant} onChange={(event) => setTenant(event.currentTarget.value)} required withAsterisk={false} pattern="[a-z][a-z0-9\-]{0,39}" autoComplete="off" autoCapitalize="none" spellCheck={false} maxLength={40} data-autofocus />
        <Notice tone="info" title={t('tenants.create.text', { address: `${location.origin}/t/${tenant || 'NAME'}/` })} />
        {problem && <ProblemNote problem={problem} />}
        <Button type="submit" loading={busy}>
          {t('tenants.create')}
        </Button>
      </form>
    </Dialog>
  );
}
