/** A tenant destroyed for ever: only a suspended one, with its name typed again, a reason, and where its records went. */
import { TextInput } from '@mantine/core';
import { useState } from 'react';
import { api } from '../../net/client';
import { Ask } from '../../parts/Ask';
import { Notice } from '../../parts/Notice';
import { useT } from '../../words/words';

export function Destroy({ tenant, suspended, close, done }: { tenant: string; suspended: boolean; close: () => void; done: () => void }) {
  const t = useT();
  const [transferred, setTransferred] = useState('');
  return (
    <Ask title={t('tenants.act.destroy')} warning={t('tenants.destroy.text', { tenant })} confirm={t('tenants.act.destroy')} grave reason={t('tenants.reason')} typed={tenant} act={(reason) => api.post(`/api/tenants/${encodeURIComponent(tenant)}/destroy`, { reason, again: tenant, transferred: transferred.trim() })} done={done} close={close}>
      {!suspended && <Notice tone="warn" title={t('tenants.destroy.first')} />}
      <TextInput label={t('tenants.transferred')} description={t('tenants.transferred.hint')} value={transferred} onChange={(event) => setTransferred(event.currentTarget.value)} autoComplete="off" maxLength={500} />
    </Ask>
  );
}
