/** Who is signed in, language, light and dark, password, signing out. */
import { Menu, SegmentedControl, UnstyledButton, useMantineColorScheme } from '@mantine/core';
import { IconChevronDown, IconKey, IconLogout } from '@tabler/icons-react';
import { useState } from 'react';
import { PasswordForm } from '../session/PasswordForm';
import { useSession } from '../session/session';
import { useT } from '../words/words';
import { LanguageSwitch } from './LanguageSwitch';
import look from './menu.module.css';

export function UserMenu() {
  const t = useT();
  const { session, signOut } = useSession();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [changing, setChanging] = useState(false);
  const roles = session.roles.map((role) => t(`role.${role}`)).join(', ');
  return (
    <>
      <div className={look.wide}>
        <LanguageSwitch />
      </div>
      <Menu position="bottom-end" width={264}>
        <Menu.Target>
          <UnstyledButton className={look.me}>
            <span className={look.name}>{session.name}</span>{' '}
            <span className={look.roles}>{roles}</span>
            <IconChevronDown size={14} aria-hidden />
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown>
          <div className={look.choices}>
            <LanguageSwitch />
            <SegmentedControl
              size="xs"
              aria-label={t('scheme')}
              value={colorScheme}
              onChange={(value) => setColorScheme(value as 'light' | 'dark' | 'auto')}
              data={(['auto', 'light', 'dark'] as const).map((value) => ({ value, label: t(`scheme.${value}`) }))}
            />
          </div>
          <Menu.Divider />
          <Menu.Item leftSection={<IconKey size={16} />} onClick={() => setChanging(true)}>
            {t('password.own')}
          </Menu.Item>
          <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => void signOut()}>
            {t('signout')}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {changing && <PasswordForm user={session.user} close={() => setChanging(false)} done={() => setChanging(false)} />}
    </>
  );
}
