/** Who is signed in, language, light and dark, password, signing out. */
import { Button, Popover, SegmentedControl, UnstyledButton, useMantineColorScheme } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
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
  const [open, menu] = useDisclosure();
  const [changing, setChanging] = useState(false);
  const roles = session.roles.map((role) => t(`role.${role}`)).join(', ');
  const change = (): void => {
    menu.close();
    setChanging(true);
  };
  return (
    <>
      <div className={look.wide}>
        <LanguageSwitch />
      </div>
      <Popover opened={open} onDismiss={menu.close} position="bottom-end" width={264} withinPortal={false} trapFocus returnFocus shadow="md">
        <Popover.Target>
          <UnstyledButton className={look.me} onClick={menu.toggle}>
            <span className={look.name}>{session.name}</span> <span className={look.roles}>{roles}</span>
            <IconChevronDown size={14} aria-hidden />
          </UnstyledButton>
        </Popover.Target>
        <Popover.Dropdown aria-label={t('account')}>
          <div className={look.choices}>
            <LanguageSwitch />
            <SegmentedControl size="xs" aria-label={t('scheme')} value={colorScheme} onChange={(value) => setColorScheme(value as 'light' | 'dark' | 'auto')} data={(['auto', 'light', 'dark'] as const).map((value) => ({ value, label: t(`scheme.${value}`) }))} />
            <Button variant="subtle" color="gray" justify="start" leftSection={<IconKey size={16} />} onClick={change}>
              {t('password.own')}
            </Button>
            <Button variant="subtle" color="gray" justify="start" leftSection={<IconLogout size={16} />} onClick={() => void signOut()}>
              {t('signout')}
            </Button>
          </div>
        </Popover.Dropdown>
      </Popover>
      {changing && <PasswordForm user={session.user} close={() => setChanging(false)} done={() => setChanging(false)} />}
    </>
  );
}
