/** The editor of ViewDefinitions in the shell. */
import type { RoomUi } from '@shell';
import { IconTableShortcut } from '@tabler/icons-react';
import { lazy } from 'react';
import en from './en.json';
import ko from './ko.json';

const roles = ['data-manager'] as const;

const views: RoomUi = {
  name: 'views',
  routes: [{ path: '/views', element: lazy(() => import('./Editor')), roles }],
  nav: [{ path: '/views', labelKey: 'views.title', icon: IconTableShortcut, roles }],
  strings: { ko, en },
};

export default views;
