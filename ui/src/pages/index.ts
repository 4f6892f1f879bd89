/** The shell's own pages, offered exactly like a room's. */
import { IconApps, IconBuildingHospital, IconDoor, IconEye, IconNotes, IconUsersGroup } from '@tabler/icons-react';
import { lazy } from 'react';
import type { Role, RoomUi } from '../room';

const bedside: readonly Role[] = ['physician', 'nurse', 'registrar'];
const keepers: readonly Role[] = ['admin', 'data-manager'];
const admins: readonly Role[] = ['admin'];

export const shell: RoomUi = {
  name: 'shell',
  routes: [
    { path: '/patients', element: lazy(() => import('./patients/Patients')), roles: bedside },
    { path: '/mine', element: lazy(() => import('./Mine')), roles: ['patient'] },
    { path: '/doors', element: lazy(() => import('./doors/Doors')), roles: keepers },
    { path: '/doors/dead/:letter', element: lazy(() => import('./doors/DeadLetter')), roles: keepers },
    { path: '/audit', element: lazy(() => import('./audit/Audit')), roles: keepers },
    { path: '/users', element: lazy(() => import('./users/Users')), roles: admins },
    { path: '/apps', element: lazy(() => import('./apps/Apps')), roles: admins },
    { path: '/account', element: lazy(() => import('./account/Account')) },
  ],
  nav: [
    { path: '/patients', labelKey: 'nav.patients', icon: IconBuildingHospital, roles: bedside },
    { path: '/mine', labelKey: 'nav.mine', icon: IconNotes, roles: ['patient'] },
    { path: '/doors', labelKey: 'nav.doors', icon: IconDoor, roles: keepers },
    { path: '/audit', labelKey: 'nav.audit', icon: IconEye, roles: keepers },
    { path: '/users', labelKey: 'nav.users', icon: IconUsersGroup, roles: admins },
    { path: '/apps', labelKey: 'nav.apps', icon: IconApps, roles: admins },
  ],
  strings: { ko: {}, en: {} },
};
