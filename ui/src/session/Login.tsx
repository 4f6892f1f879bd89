/** Sign-in: as a page, and as the cover over a page whose session ended. */
import { Button, PasswordInput, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { api } from '../net/client';
import type { Problem, ProblemKind } from '../net/outcome';
import { LanguageSwitch } from '../parts/LanguageSwitch';
import { Notice } from '../parts/Notice';
import { Mark } from '../parts/Mark';
import { useTitle } from '../parts/useTitle';
import { useT } from '../words/words';
import type { Session } from './session';
import look from './session.module.css';

const TOLD: readonly ProblemKind[] = ['expired', 'busy', 'offline'];

export function Login({ enter, expired }: { enter: (session: Session) => void; expired?: string }) {
  const t = useT();
  const [user, setUser] = useState(expired ?? '');
  const [password, setPassword] = useState('');
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const [code, setCode] = useState<string | null>(null); // null: no second step is asked for
  const told = problem && (TOLD.includes(problem.kind) ? problem.kind : 'failed');
  const minutes = Math.ceil((problem?.wait ?? 0) / 60);
  useTitle(t('login.title'));

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    const outcome = await api.post<Session>('/api/login', { user: user.trim(), password, ...(code ? { code: code.trim() } : {}) });
    setBusy(false);
    if (!outcome.ok && outcome.problem.code === 'second-factor') return setCode('');
    setPassword('');
    setCode(null);
    if (outcome.ok) enter(outcome.value);
    else setProblem(outcome.problem);
  };

  return (
    <div className={`${look.page} ${expired ? look.over : ''}`} role={expired ? 'dialog' : undefined} aria-modal={expired ? true : undefined} aria-label={expired ? t('login.expired') : undefined}>
      <main className={look.middle}>
        <section className={look.card}>
          <header className={look.head}>
            <Mark size={44} />
            <div>
              <h1>{t('product')}</h1>
              <p>{t('product.line')}</p>
            </div>
          </header>
          <form className={look.form} onSubmit={(event) => void submit(event)}>
            {expired && (
              <Notice tone="warn" title={t('login.expired')}>
                {t('login.expired.text')}
              </Notice>
            )}
            {told && <Notice tone="alert" title={t(`login.problem.${told}${told === 'busy' && minutes ? '.wait' : ''}`, { n: minutes })} />}
            <TextInput label={t('login.user')} value={user} onChange={(event) => setUser(event.currentTarget.value)} autoComplete="username" autoCapitalize="none" spellCheck={false} required withAsterisk={false} data-autofocus autoFocus={!expired} maxLength={128} />
            <PasswordInput label={t('login.password')} value={password} onChange={(event) => setPassword(event.currentTarget.value)} autoComplete="current-password" required withAsterisk={false} autoFocus={Boolean(expired)} maxLength={512} visibilityToggleButtonProps={{ 'aria-label': t('login.show') }} />
            {code !== null && <TextInput label={t('login.code')} description={t('login.code.hint')} value={code} onChange={(event) => setCode(event.currentTarget.value)} autoComplete="one-time-code" required withAsterisk={false} autoFocus maxLength={32} />}
            <Button type="submit" loading={busy} fullWidth size="md">
              {t('login.enter')}
            </Button>
          </form>
        </section>
      </main>
      <footer className={look.foot}>
        <span>{t('login.notice')}</span>
        <LanguageSwitch />
      </footer>
    </div>
  );
}
