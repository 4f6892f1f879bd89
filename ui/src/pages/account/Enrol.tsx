/** Adding the second step: password, then the app's QR code and a code of it, then recovery codes, which are shown once. */
import { Button, PasswordInput, TextInput } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { type FormEvent, useState } from 'react';
import { api } from '../../net/client';
import { useAct } from '../../net/useAct';
import { Dialog } from '../../parts/Dialog';
import { Notice } from '../../parts/Notice';
import { ProblemNote } from '../../parts/ProblemNote';
import { Secret } from '../../parts/Secret';
import { PASSWORD_MOST } from '../../session/PasswordForm';
import { useSession } from '../../session/session';
import { useT } from '../../words/words';
import page from '../pages.module.css';
import look from './account.module.css';
import { QrCode } from './QrCode';

interface Begun {
  secret: string;
  uri: string;
}

export function Enrol({ close, done }: { close: () => void; done: () => void }) {
  const t = useT();
  const [begun, setBegun] = useState<Begun | null>(null);
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  const end = codes ? done : close;
  return (
    <Dialog opened onClose={end} title={t('account.step.begin')}>
      {codes ? <Recovery codes={codes} done={done} /> : begun ? <Confirm begun={begun} confirmed={setCodes} /> : <Prove begun={setBegun} />}
    </Dialog>
  );
}

function Prove({ begun }: { begun: (value: Begun) => void }) {
  const t = useT();
  const [current, setCurrent] = useState('');
  const { busy, problem, act } = useAct();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void act(api.post<Begun>('/api/second-factor', { current }), begun);
  };
  return (
    <form className={page.form} onSubmit={submit}>
      <p className={look.words}>{t('account.step.prove')}</p>
      <PasswordInput label={t('password.current')} value={current} onChange={(event) => setCurrent(event.currentTarget.value)} required withAsterisk={false} maxLength={PASSWORD_MOST} autoComplete="current-password" data-autofocus visibilityToggleButtonProps={{ 'aria-label': t('login.show') }} />
      {problem && <ProblemNote problem={problem} />}
      <Button type="submit" loading={busy}>
        {t('account.next')}
      </Button>
    </form>
  );
}

function Confirm({ begun, confirmed }: { begun: Begun; confirmed: (codes: readonly string[]) => void }) {
  const t = useT();
  const [code, setCode] = useState('');
  const { busy, problem, act } = useAct();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const asked = api.post<{ recovery: string[] }>('/api/second-factor/confirm', { code: code.replace(/\s/g, '') });
    void act(asked, ({ recovery }) => confirmed(recovery));
  };
  return (
    <form className={page.form} onSubmit={submit}>
      <p className={look.words}>{t('account.step.scan')}</p>
      <div className={look.code}>
        <QrCode text={begun.uri} label={t('account.step.qr')} />
      </div>
      <Secret label={t('account.step.secret')} value={begun.secret} />
      <TextInput label={t('login.code')} description={t('account.step.code')} value={code} onChange={(event) => setCode(event.currentTarget.value)} required withAsterisk={false} inputMode="numeric" autoComplete="one-time-code" maxLength={12} data-autofocus autoFocus />
      {problem && <ProblemNote problem={problem} />}
      <Button type="submit" loading={busy}>
        {t('account.step.confirm')}
      </Button>
    </form>
  );
}

function Recovery({ codes, done }: { codes: readonly string[]; done: () => void }) {
  const t = useT();
  const { session } = useSession();
  const text = `${t('product')} ${session.user}@${session.tenant}\n${codes.join('\n')}\n`;
  const save = (): void => {
    const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
    const link = document.createElement('a');
    link.href = url;
    link.download = `onmaru-${session.user}.txt`;
    link.click();
    URL.revokeObjectURL(url);
  };
  return (
    <div className={page.form}>
      <Notice tone="good" title={t('account.step.done')}>
        {t('account.recovery.text')}
      </Notice>
      <ol className={look.codes} aria-label={t('account.recovery')}>
        {codes.map((code) => (
          <li key={code} className="mono">
            {code}
          </li>
        ))}
      </ol>
      <Button variant="default" leftSection={<IconDownload size={16} />} onClick={save}>
        {t('account.recovery.save')}
      </Button>
      <Button onClick={done} data-autofocus>
        {t('account.recovery.kept')}
      </Button>
    </div>
  );
}
