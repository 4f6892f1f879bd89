/** The shell's own pages, offered exactly like a room's. */
import {
  IconAlertHexagon, IconApps, IconBell, IconBuildingCommunity, IconBuildingHospital, IconDatabaseExport, IconDoor, IconEye, IconNotes, IconStethoscope,
  IconUsersGroup,
} from '@tabler/icons-react';
import { lazy } from 'react';
import type { Role, RoomUi } from '../room';

const bedside: readonly Role[] = ['physician', 'nurse', 'registrar'];
const keepers: readonly Role[] = ['admin', 'data-manager'];
const stewards: readonly Role[] = ['data-manager'];
const admins: readonly Role[] = ['admin'];

export const shell: RoomUi = {
  name: 'shell',
  routes: [
    { path: '/patients', element: lazy(() => import('./patients/Patients')), roles: bedside },
    { path: '/mine', element: lazy(() => import('./Mine')), roles: ['patient'] },
    { path: '/doors', element: lazy(() => import('./doors/Doors')), roles: keepers },
    { path: '/doors/dead/:letter', element: lazy(() => import('./doors/DeadLetter')), roles: keepers },
    { path: '/audit', element: lazy(() => import('./audit/Audit')), roles: keepers },
    { path: '/alarms', element: lazy(() => import('./alarms/Alarms')), roles: keepers },
    { path: '/operating', element: lazy(() => import('./operating/Operating')), roles: keepers },
    { path: '/bulk', element: lazy(() => import('./bulk/Bulk')), roles: stewards },
    { path: '/subscriptions', element: lazy(() => import('./subscriptions/Subscriptions')), roles: stewards },
    { path: '/tenants', element: lazy(() => import('./tenants/Tenants')), roles: admins, tenant: 'house' },
    { path: '/tenants/:tenant', element: lazy(() => import('./tenants/OneTenant')), roles: admins, tenant: 'house' },
    { path: '/users', element: lazy(() => import('./users/Users')), roles: admins },
    { path: '/apps', element: lazy(() => import('./apps/Apps')), roles: admins },
    { path: '/account', element: lazy(() => import('./account/Account')) },
  ],
  nav: [
    { path: '/patients', labelKey: 'nav.patients', icon: IconBuildingHospital, roles: bedside },
    { path: '/mine', labelKey: 'nav.mine', icon: IconNotes, roles: ['patient'] },
    { path: '/doors', labelKey: 'nav.doors', icon: IconDoor, roles: keepers },
    { path: '/operating', labelKey: 'nav.operating', icon: IconStethoscope, roles: keepers },
    { path: '/bulk', labelKey: 'nav.bulk', icon: IconDatabaseExport, roles: stewards },
    { path: '/subscriptions', labelKey: 'nav.subscriptions', icon: IconBell, roles: stewards },
    { path: '/audit', labelKey: 'nav.audit', icon: IconEye, roles: keepers },
    { path: '/alarms', labelKey: 'nav.alarms', icon: IconAlertHexagon, roles: keepers },
    { path: '/users', labelKey: 'nav.users', icon: IconUsersGroup, roles: admins },
    { path: '/apps', labelKey: 'nav.apps', icon: IconApps, roles: admins },
    { path: '/tenants', labelKey: 'nav.tenants', icon: IconBuildingCommunity, roles: admins, tenant: 'house' },
  ],
  strings: { ko: {}, en: {} },
};
