/** Cohorts in the shell: drawing a definition with its counts, and asking what became of those in it. */
import type { RoomUi } from '@shell';
import { IconUsersGroup } from '@tabler/icons-react';
import { lazy } from 'react';
import en from './en.json';
import ko from './ko.json';

const roles = ['data-manager', 'researcher'] as const;

const cohort: RoomUi = {
  name: 'cohort',
  routes: [
    { path: '/cohort', element: lazy(() => import('./Builder')), roles },
    { path: '/cohort/studies', element: lazy(() => import('./Studies')), roles },
  ],
  nav: [{ path: '/cohort', labelKey: 'cohort.title', icon: IconUsersGroup, roles }],
  strings: { ko, en },
};

export default cohort;
