/** Who is signed in, language, light and dark, one's own account, signing out. */
import { Button, Popover, SegmentedControl, UnstyledButton, useMantineColorScheme } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconChevronDown, IconLogout, IconUserCircle } from '@tabler/icons-react';
import { Link } from 'react-router';
import { useSession } from '../session/session';
import { useT } from '../words/words';
import { LanguageSwitch } from './LanguageSwitch';
import look from './menu.module.css';

export function UserMenu() {
  const t = useT();
  const { session, signOut } = useSession();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [open, menu] = useDisclosure();
  const roles = session.roles.map((role) => t(`role.${role}`)).join(', ');
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
            <Button component={Link} to="/account" variant="subtle" color="gray" justify="start" leftSection={<IconUserCircle size={16} />} onClick={menu.close}>
              {t('account')}
            </Button>
            <Button variant="subtle" color="gray" justify="start" leftSection={<IconLogout size={16} />} onClick={() => void signOut()}>
              {t('signout')}
            </Button>
          </div>
        </Popover.Dropdown>
      </Popover>
    </>
  );
}
