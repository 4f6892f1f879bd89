/** A new app: what it is decides what has to be known of it; what it may ask for is said in words as it is chosen. */
import { Button, NativeSelect, Textarea, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { api } from '../../net/client';
import { useAct } from '../../net/useAct';
import { Dialog } from '../../parts/Dialog';
import { Notice } from '../../parts/Notice';
import { ProblemNote } from '../../parts/ProblemNote';
import { useT } from '../../words/words';
import page from '../pages.module.css';
import { type App, bodyOf, CHOICES, type Draft, type Kind, KINDS } from './app';
import type { HandedOut } from './Handed';
import { ScopeChoice } from './ScopeChoice';

const none: Draft = { name: '', kind: 'public', redirects: '', launch: '', keys: '', user: '', scope: CHOICES.patient };

export function AppForm({ close, done }: { close: () => void; done: (handed: HandedOut) => void }) {
  const t = useT();
  const [draft, setDraft] = useState(none);
  const [unread, setUnread] = useState(false);
  const { busy, problem, act } = useAct();
  const set = (part: Partial<Draft>): void => setDraft((old) => ({ ...old, ...part }));
  const turn = (kind: Kind): void => set({ kind, scope: kind === 'backend' ? CHOICES.system : draft.kind === 'backend' ? CHOICES.patient : draft.scope });
  const backend = draft.kind === 'backend';

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const body = bodyOf(draft);
    setUnread(body === null);
    if (body === null) return;
    void act(api.post<App & { client_secret?: string }>('/api/clients', body), (app) => done({ name: app.client_name, id: app.client_id, secret: app.client_secret ?? '' }));
  };

  return (
    <Dialog opened onClose={close} title={t('apps.create')} size="lg">
      <form className={page.form} onSubmit={submit}>
        <TextInput label={t('apps.name')} description={t('apps.name.hint')} value={draft.name} onChange={(event) => set({ name: event.currentTarget.value })} required withAsterisk={false} autoComplete="off" maxLength={200} data-autofocus />
        <NativeSelect label={t('apps.kind')} description={t(`apps.kind.${draft.kind}.hint`)} value={draft.kind} onChange={(event) => turn(event.currentTarget.value as Kind)} data={KINDS.map((value) => ({ value, label: t(`apps.kind.${value}`) }))} />
        {!backend && <Textarea label={t('apps.redirects')} description={t('apps.redirects.hint')} value={draft.redirects} onChange={(event) => set({ redirects: event.currentTarget.value })} required withAsterisk={false} rows={2} spellCheck={false} />}
        {!backend && <TextInput label={t('apps.launch')} description={t('apps.launch.hint')} value={draft.launch} onChange={(event) => set({ launch: event.currentTarget.value })} autoComplete="off" spellCheck={false} />}
        {backend && <TextInput label={t('apps.user')} description={t('apps.user.hint')} value={draft.user} onChange={(event) => set({ user: event.currentTarget.value })} required withAsterisk={false} autoComplete="off" autoCapitalize="none" spellCheck={false} maxLength={64} />}
        {(backend || draft.kind === 'keys') && <Textarea label={t('apps.keys')} description={t('apps.keys.hint')} value={draft.keys} onChange={(event) => set({ keys: event.currentTarget.value })} required withAsterisk={false} rows={4} spellCheck={false} classNames={{ input: 'mono' }} />}
        <ScopeChoice scope={draft.scope} backend={backend} change={(scope) => set({ scope })} />
        {unread && <Notice tone="alert" title={t('apps.keys.unread')} />}
        {problem && <ProblemNote problem={problem} />}
        <Button type="submit" loading={busy}>
          {t('apps.create')}
        </Button>
      </form>
    </Dialog>
  );
}
