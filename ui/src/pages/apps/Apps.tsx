/** The SMART apps of this hospital: what each may ask for, in words; register, invite, new keys, remove. */
import { Button } from '@mantine/core';
import { IconMailForward, IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { api } from '../../net/client';
import { useLoad } from '../../net/useLoad';
import { Ask } from '../../parts/Ask';
import { ProblemView } from '../../parts/ProblemView';
import { useTitle } from '../../parts/useTitle';
import { Waiting } from '../../parts/Waiting';
import { useFormat } from '../../words/format';
import { learn, useT } from '../../words/words';
import page from '../pages.module.css';
import type { App } from './app';
import { AppForm } from './AppForm';
import { AppTable } from './AppTable';
import en from './en.json';
import { Invite } from './Invite';
import { Handed, type HandedOut } from './Handed';
import { Keys } from './Keys';
import ko from './ko.json';

learn({ ko, en });

export type Doing = { what: 'create' | 'invite' } | { what: 'renew' | 'remove'; app: App } | { what: 'told'; handed: HandedOut } | null;

export default function Apps() {
  const t = useT();
  const format = useFormat();
  const apps = useLoad<{ clients: App[] }>('/api/clients');
  const [doing, setDoing] = useState<Doing>(null);
  useTitle(t('apps.title'));
  const close = (): void => setDoing(null);
  const done = (handed?: HandedOut): void => {
    setDoing(handed ? { what: 'told', handed } : null);
    apps.reload();
  };
  return (
    <div className={page.page}>
      <header className={page.head}>
        <h1 className={page.title}>{t('apps.title')}</h1>
        <span className={page.count}>{apps.value && t('apps.count', { n: format.number(apps.value.clients.length) })}</span>
        <div className={page.buttons}>
          <Button variant="default" leftSection={<IconMailForward size={17} />} onClick={() => setDoing({ what: 'invite' })}>
            {t('apps.invite')}
          </Button>
          <Button leftSection={<IconPlus size={17} />} onClick={() => setDoing({ what: 'create' })}>
            {t('apps.create')}
          </Button>
        </div>
      </header>
      {apps.problem && <ProblemView problem={apps.problem} retry={apps.reload} />}
      {!apps.value && !apps.problem && <Waiting />}
      {apps.value && <AppTable apps={apps.value.clients} act={setDoing} />}
      {doing?.what === 'create' && <AppForm close={close} done={done} />}
      {doing?.what === 'invite' && <Invite close={close} />}
      {doing?.what === 'renew' && <Keys app={doing.app} close={close} done={done} />}
      {doing?.what === 'told' && <Handed handed={doing.handed} close={close} />}
      {doing?.what === 'remove' && (
        <Ask title={t('apps.remove.of', { name: doing.app.client_name })} warning={t('apps.remove.text', { name: doing.app.client_name })} confirm={t('apps.remove')} grave typed={doing.app.client_name} act={() => api.delete(`/api/clients/${encodeURIComponent(doing.app.client_id)}`)} done={() => done()} close={close} />
      )}
    </div>
  );
}
