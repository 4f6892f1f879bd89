/** One's own account: who one is here, password, second step, and where one is signed in. */
import { Button } from '@mantine/core';
import { IconKey } from '@tabler/icons-react';
import { useState } from 'react';
import { Facts } from '../../parts/Facts';
import { Section } from '../../parts/Section';
import { useTitle } from '../../parts/useTitle';
import { PasswordForm } from '../../session/PasswordForm';
import { useSession } from '../../session/session';
import { learn, useT } from '../../words/words';
import page from '../pages.module.css';
import en from './en.json';
import { Grants } from './Grants';
import ko from './ko.json';
import { SecondStep } from './SecondStep';

learn({ ko, en });

export default function Account() {
  const t = useT();
  const { session } = useSession();
  const [changing, setChanging] = useState(false);
  useTitle(t('account'));
  return (
    <div className={`${page.page} ${page.narrow}`}>
      <header className={page.head}>
        <h1 className={page.title}>{t('account')}</h1>
      </header>
      <Section title={t('account.who')} text={t('account.who.text')}>
        <Facts
          rows={[
            [t('users.name'), session.name],
            [t('users.user'), session.user],
            [t('users.roles'), session.roles.map((role) => t(`role.${role}`)).join(', ')],
            [t('account.tenant'), session.tenant],
            ...(session.patient ? ([[t('account.patient'), session.patient]] as const) : []),
          ]}
        />
      </Section>
      <Section
        title={t('password')}
        text={t('account.password.text')}
        actions={
          <Button variant="default" leftSection={<IconKey size={16} />} onClick={() => setChanging(true)}>
            {t('password.own')}
          </Button>
        }
      />
      <SecondStep />
      <Grants />
      {changing && <PasswordForm user={session.user} close={() => setChanging(false)} done={() => setChanging(false)} />}
    </div>
  );
}
