/** The accounts of this hospital: create, give roles, disable, set a new password. */
import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { useLoad } from '../../net/useLoad';
import { ProblemView } from '../../parts/ProblemView';
import { State } from '../../parts/State';
import table from '../../parts/table.module.css';
import { useTitle } from '../../parts/useTitle';
import { Waiting } from '../../parts/Waiting';
import { PasswordForm } from '../../session/PasswordForm';
import { useSession } from '../../session/session';
import { useFormat } from '../../words/format';
import { useT } from '../../words/words';
import page from '../pages.module.css';
import type { User } from './user';
import { UserForm } from './UserForm';
import look from './users.module.css';

type Doing = { what: 'create' } | { what: 'edit' | 'password'; user: User } | null;

export default function Users() {
  const t = useT();
  const format = useFormat();
  const users = useLoad<{ users: User[] }>('/api/users');
  const [doing, setDoing] = useState<Doing>(null);
  useTitle(t('users.title'));
  const done = (): void => {
    setDoing(null);
    users.reload();
  };
  return (
    <div className={page.page}>
      <header className={page.head}>
        <h1 className={page.title}>{t('users.title')}</h1>
        <span className={page.count}>{users.value && t('users.count', { n: format.number(users.value.users.length) })}</span>
        <Button className={page.end ?? ''} leftSection={<IconPlus size={17} />} onClick={() => setDoing({ what: 'create' })}>
          {t('users.create')}
        </Button>
      </header>
      {users.problem && <ProblemView problem={users.problem} retry={users.reload} />}
      {!users.value && !users.problem && <Waiting />}
      {users.value && <UserTable users={users.value.users} act={setDoing} />}
      {doing?.what === 'create' && <UserForm close={() => setDoing(null)} done={done} />}
      {doing?.what === 'edit' && <UserForm user={doing.user} close={() => setDoing(null)} done={done} />}
      {doing?.what === 'password' && <PasswordForm user={doing.user.user} close={() => setDoing(null)} done={done} />}
    </div>
  );
}

function UserTable({ users, act }: { users: readonly User[]; act: (doing: Doing) => void }) {
  const t = useT();
  const { session } = useSession();
  return (
    <div className={table.scroll} role="region" aria-label={t('users.title')} tabIndex={0}>
      <table className={table.table}>
        <caption>{t('users.title')}</caption>
        <thead>
          <tr>
            {['users.name', 'users.user', 'users.roles', 'users.state', 'users.actions'].map((key) => (
              <th key={key} scope="col">
                {t(key)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {users.map((user) => (
            <tr key={user.user}>
              <th scope="row">
                {user.name || user.user} {user.user === session.user && <span className={table.quiet}>{t('users.you')}</span>}
              </th>
              <td data-name={t('users.user')} className="mono">
                {user.user}
              </td>
              <td data-name={t('users.roles')}>{user.roles.map((role) => t(`role.${role}`)).join(', ') || '–'}</td>
              <td data-name={t('users.state')}>
                <State family="users.state" code={user.disabled ? 'disabled' : 'active'} tone={user.disabled ? 'plain' : 'good'} />
              </td>
              <td data-name="">
                <div className={look.buttons}>
                  <Button size="compact-sm" variant="default" onClick={() => act({ what: 'edit', user })} aria-label={t('users.edit.of', { user: user.user })}>
                    {t('users.edit')}
                  </Button>
                  <Button size="compact-sm" variant="default" onClick={() => act({ what: 'password', user })} aria-label={t('password.of', { user: user.user })}>
                    {t('password')}
                  </Button>
                </div>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
