/** The frame around every page: where one can go, who one is, and whether what one sees is up to date. */
import { ActionIcon } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconMenu2 } from '@tabler/icons-react';
import { type ReactNode, useEffect } from 'react';
import { NavLink, useLocation } from 'react-router';
import look from './frame.module.css';
import { Panel } from './parts/Dialog';
import { Mark } from './parts/Mark';
import { StaleBanner } from './parts/StaleBanner';
import { UserMenu } from './parts/UserMenu';
import type { RoomNav } from './room';
import { useSession } from './session/session';
import { useT } from './words/words';

export function Frame({ nav, children }: { nav: readonly RoomNav[]; children: ReactNode }) {
  const t = useT();
  const { session } = useSession();
  const { pathname } = useLocation();
  const [open, menu] = useDisclosure();
  useEffect(menu.close, [pathname]);
  return (
    <div className={look.frame}>
      <a className={look.skip} href="#page">
        {t('skip')}
      </a>
      <header className={look.top}>
        <ActionIcon className={look.burger} variant="subtle" color="gray" size="lg" onClick={menu.open} aria-label={t('menu')} aria-expanded={open}>
          <IconMenu2 size={20} />
        </ActionIcon>
        <NavLink to="/" className={look.brand ?? ''}>
          <Mark size={26} />
          <span>{t('product')}</span>
        </NavLink>
        {session.tenant !== 'main' && <span className={look.tenant}>{session.tenant}</span>}
        <div className={look.right}>
          <UserMenu />
        </div>
      </header>
      <nav className={look.rail} aria-label={t('nav')}>
        <Links nav={nav} />
      </nav>
      <Panel opened={open} onClose={menu.close} title={t('product')} size={260} side="left">
        <nav aria-label={t('nav')} className={look.drawer}>
          <Links nav={nav} />
        </nav>
      </Panel>
      <div className={look.body}>
        <StaleBanner />
        <main id="page" tabIndex={-1} className={look.page}>
          {children}
        </main>
      </div>
    </div>
  );
}

function Links({ nav }: { nav: readonly RoomNav[] }) {
  const t = useT();
  return (
    <ul className={look.links}>
      {nav.map(({ path, labelKey, icon: Icon }) => (
        <li key={path}>
          <NavLink to={path} className={({ isActive }) => `${look.link} ${isActive ? look.here : ''}`}>
            <Icon size={20} stroke={1.6} />
            <span>{t(labelKey)}</span>
          </NavLink>
        </li>
      ))}
    </ul>
  );
}
