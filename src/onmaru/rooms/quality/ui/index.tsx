/** The quality checks in the shell: what failed, what stands behind it, and whose it is. */
import type { RoomUi } from '@shell';
import { IconChecklist } from '@tabler/icons-react';
import { lazy } from 'react';
import en from './en.json';
import ko from './ko.json';

const roles = ['data-manager'] as const;

const quality: RoomUi = {
  name: 'quality',
  routes: [
    { path: '/quality', element: lazy(() => import('./Checks')), roles },
    { path: '/quality/check', element: lazy(() => import('./OneCheck')), roles },
  ],
  nav: [{ path: '/quality', labelKey: 'quality.title', icon: IconChecklist, roles }],
  strings: { ko, en },
};

export default quality;
