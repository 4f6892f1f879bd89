/** A tenant written whole into a folder of the server, sealed by a key that is shown once. */
import { Button } from '@mantine/core';
import { useState } from 'react';
import { api } from '../../net/client';
import { Ask } from '../../parts/Ask';
import { Dialog } from '../../parts/Dialog';
import { Notice } from '../../parts/Notice';
import { Secret } from '../../parts/Secret';
import { useT } from '../../words/words';
import page from '../pages.module.css';

interface Begun {
  folder: string;
  key: string;
}

export function Export({ tenant, begun, close }: { tenant: string; begun: () => void; close: () => void }) {
  const t = useT();
  const [told, setTold] = useState<Begun | null>(null);
  if (!told) {
    return (
      <Ask<Begun> title={t('tenants.act.export')} warning={t('tenants.export.text')} confirm={t('tenants.act.export')} reason={t('tenants.reason')} act={(reason) => api.post(`/api/tenants/${encodeURIComponent(tenant)}/export`, { reason })} done={(value) => { setTold(value); begun(); }} close={close} />
    );
  }
  return (
    <Dialog opened onClose={close} title={t('tenants.act.export')}>
      <div className={page.form}>
        <Notice tone="warn" title={t('tenants.export.once')} />
        <Secret label={t('tenants.export.folder')} value={told.folder} />
        <Secret label={t('tenants.export.key')} value={told.key} />
        <Button onClick={close} data-autofocus>
          {t('close')}
        </Button>
      </div>
    </Dialog>
  );
}
