/** A new account, or the name, roles and state of one. The last administrator is the server's to protect. */
import { Button, Checkbox, NativeSelect, PasswordInput, Switch, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { api } from '../../net/client';
import type { Problem } from '../../net/outcome';
import { Dialog } from '../../parts/Dialog';
import { ProblemNote } from '../../parts/ProblemNote';
import type { Language, Role } from '../../room';
import { PASSWORD_LEAST, PASSWORD_MOST } from '../../session/PasswordForm';
import { useT } from '../../words/words';
import page from '../pages.module.css';
import { GIVEN, type User } from './user';
import look from './users.module.css';

export function UserForm({ user, close, done }: { user?: User; close: () => void; done: () => void }) {
  const t = useT();
  const [draft, setDraft] = useState({
    user: user?.user ?? '', name: user?.name ?? '', roles: user?.roles ?? [], language: user?.language ?? ('ko' as Language),
    patient: user?.patient ?? '', disabled: user?.disabled ?? false, password: '',
  });
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const set = (part: Partial<typeof draft>): void => setDraft((old) => ({ ...old, ...part }));
  const turn = (role: Role): void =>
    set({ roles: draft.roles.includes(role) ? draft.roles.filter((one) => one !== role) : [...draft.roles, role] });

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    const { user: id, name, roles, language, disabled, password } = draft;
    const patient = roles.includes('patient') ? draft.patient.trim() : '';
    const outcome = user
      ? await api.patch(`/api/users/${encodeURIComponent(user.user)}`, { name, roles, patient, language, disabled })
      : await api.post('/api/users', { user: id.trim(), name, roles, patient, language, password });
    setBusy(false);
    if (outcome.ok) done();
    else setProblem(outcome.problem);
  };

  return (
    <Dialog opened onClose={close} title={t(user ? 'users.edit.title' : 'users.create')}>
      <form className={page.form} onSubmit={(event) => void submit(event)}>
        {!user && <TextInput label={t('users.user')} description={t('users.user.hint')} value={draft.user} onChange={(event) => set({ user: event.currentTarget.value })} required withAsterisk={false} autoComplete="off" autoCapitalize="none" spellCheck={false} maxLength={64} data-autofocus />}
        <TextInput label={t('users.name')} value={draft.name} onChange={(event) => set({ name: event.currentTarget.value })} required withAsterisk={false} autoComplete="off" maxLength={128} />
        <fieldset className={look.roles}>
          <legend>{t('users.roles')}</legend>
          {GIVEN.map((role) => (
            <Checkbox key={role} label={t(`role.${role}`)} checked={draft.roles.includes(role)} onChange={() => turn(role)} />
          ))}
        </fieldset>
        {draft.roles.includes('patient') && <TextInput label={t('users.patient')} value={draft.patient} onChange={(event) => set({ patient: event.currentTarget.value })} required withAsterisk={false} autoComplete="off" spellCheck={false} maxLength={64} />}
        <NativeSelect label={t('language')} value={draft.language} onChange={(event) => set({ language: event.currentTarget.value as Language })} data={[{ value: 'ko', label: '한국어' }, { value: 'en', label: 'English' }]} />
        {user ? (
          <Switch label={t('users.disable')} description={t('users.disable.hint')} checked={draft.disabled} onChange={(event) => set({ disabled: event.currentTarget.checked })} />
        ) : (
          <PasswordInput label={t('users.password.first')} description={t('password.hint', { least: PASSWORD_LEAST })} value={draft.password} onChange={(event) => set({ password: event.currentTarget.value })} required withAsterisk={false} minLength={PASSWORD_LEAST} maxLength={PASSWORD_MOST} autoComplete="new-password" visibilityToggleButtonProps={{ 'aria-label': t('login.show') }} />
        )}
        {problem && <ProblemNote problem={problem} />}
        <Button type="submit" loading={busy} disabled={draft.roles.length === 0}>
          {t('save')}
        </Button>
      </form>
    </Dialog>
  );
}
