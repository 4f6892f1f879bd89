/** New credentials of an app: another secret, shown once, or other public keys. */
import { Textarea } from '@mantine/core';
import { useState } from 'react';
import { api } from '../../net/client';
import { type Outcome, problemOf } from '../../net/outcome';
import { Ask } from '../../parts/Ask';
import { useT } from '../../words/words';
import { type App, keysOf } from './app';
import type { HandedOut } from './Handed';

type Answer = App & { client_secret?: string };

export function Keys({ app, close, done }: { app: App; close: () => void; done: (handed?: HandedOut) => void }) {
  const t = useT();
  const [text, setText] = useState('');
  const keyed = app.token_endpoint_auth_method === 'private_key_jwt';
  const act = async (): Promise<Outcome<Answer>> => {
    const keys = keyed ? keysOf(text) : {};
    if (keys === null) return { ok: false, problem: { ...problemOf(422, ''), text: t('apps.keys.unread') } };
    return api.post<Answer>(`/api/clients/${encodeURIComponent(app.client_id)}/credentials`, keys);
  };
  return (
    <Ask title={t('apps.renew')} warning={t(keyed ? 'apps.renew.keys' : 'apps.renew.secret', { name: app.client_name })} confirm={t('apps.renew')} act={act} done={(answer) => done(answer.client_secret ? { name: answer.client_name, id: answer.client_id, secret: answer.client_secret } : undefined)} close={close}>
      {keyed && <Textarea label={t('apps.keys')} description={t('apps.keys.hint')} value={text} onChange={(event) => setText(event.currentTarget.value)} required withAsterisk={false} rows={6} spellCheck={false} classNames={{ input: 'mono' }} data-autofocus />}
    </Ask>
  );
}
