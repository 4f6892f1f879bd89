/** The monitor in the shell: a ward's beds and alerts, and who is told of them. */
import type { RoomUi } from '@shell';
import { IconAdjustmentsQuestion, IconCalendarUser, IconClipboardList, IconDeviceTv, IconHeartRateMonitor, IconHistory, IconReportAnalytics } from '@tabler/icons-react';
import { lazy } from 'react';
import en from './en.json';
import ko from './ko.json';

const clinicians = ['nurse', 'physician'] as const;
const answering = ['physician', 'data-manager'] as const;
const planners = ['nurse', 'physician', 'data-manager'] as const;

const monitor: RoomUi = {
  name: 'monitor',
  routes: [
    { path: '/ward', element: lazy(() => import('./Ward')), roles: clinicians },
    { path: '/handover', element: lazy(() => import('./handover/Handover')), roles: clinicians },
    { path: '/bedside/:patient', element: lazy(() => import('./bedside/Bedside')), roles: clinicians },
    { path: '/wall', element: lazy(() => import('./wall/Wall')), roles: clinicians },
    { path: '/review', element: lazy(() => import('./Reviews')), roles: clinicians },
    { path: '/review/:id', element: lazy(() => import('./Review')), roles: clinicians },
    { path: '/what-if', element: lazy(() => import('./WhatIf')), roles: planners },
    { path: '/roster', element: lazy(() => import('./Roster')), roles: planners },
    { path: '/models', element: lazy(() => import('./Models')), roles: answering },
    { path: '/models/:id', element: lazy(() => import('./ModelPage')), roles: answering },
  ],
  nav: [
    { path: '/ward', labelKey: 'monitor.ward', icon: IconHeartRateMonitor, roles: clinicians },
    { path: '/handover', labelKey: 'monitor.handover', icon: IconClipboardList, roles: clinicians },
    { path: '/wall', labelKey: 'monitor.wall.title', icon: IconDeviceTv, roles: clinicians },
    { path: '/review', labelKey: 'monitor.review', icon: IconHistory, roles: clinicians },
    { path: '/roster', labelKey: 'monitor.roster', icon: IconCalendarUser, roles: planners },
    { path: '/what-if', labelKey: 'monitor.what-if', icon: IconAdjustmentsQuestion, roles: planners },
    { path: '/models', labelKey: 'monitor.models', icon: IconReportAnalytics, roles: answering },
  ],
  strings: { ko, en },
};

export default monitor;
