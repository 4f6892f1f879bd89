/** Equity in the shell: the board for who keeps the data, and whom to reach for who treats patients. */
import type { RoomUi } from '@shell';
import { IconScale, IconUserHeart } from '@tabler/icons-react';
import { lazy } from 'react';
import en from './en.json';
import ko from './ko.json';

// A researcher has no scope on the record by default; with one, the routes answer them too
const keepers = ['data-manager'] as const;
const carers = ['physician', 'nurse'] as const;

const equity: RoomUi = {
  name: 'equity',
  routes: [
    { path: '/equity', element: lazy(() => import('./Board')), roles: keepers },
    { path: '/outreach', element: lazy(() => import('./Outreach')), roles: carers },
  ],
  nav: [
    { path: '/equity', labelKey: 'equity.title', icon: IconScale, roles: keepers },
    { path: '/outreach', labelKey: 'equity.outreach', icon: IconUserHeart, roles: carers, last: true },
  ],
  strings: { ko, en },
};

export default equity;
