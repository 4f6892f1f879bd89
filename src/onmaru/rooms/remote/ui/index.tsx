/** Care at home in the shell: who needs somebody, one plan, a new one, and the patient's own page. */
import type { RoomUi } from '@shell';
import { IconHome, IconPencilHeart } from '@tabler/icons-react';
import { lazy } from 'react';
import en from './en.json';
import ko from './ko.json';

const clinicians = ['nurse', 'physician'] as const;

const remote: RoomUi = {
  name: 'remote',
  routes: [
    { path: '/remote', element: lazy(() => import('./Plans')), roles: clinicians },
    { path: '/remote/new', element: lazy(() => import('./NewPlan')), roles: clinicians },
    { path: '/remote/mine', element: lazy(() => import('./Mine')), roles: ['patient'] },
    { path: '/remote/plans/:id', element: lazy(() => import('./PlanPage')), roles: clinicians },
  ],
  nav: [
    { path: '/remote', labelKey: 'remote.title', icon: IconHome, roles: clinicians },
    { path: '/remote/mine', labelKey: 'remote.mine', icon: IconPencilHeart, roles: ['patient'] },
  ],
  strings: { ko, en },
};

export default remote;
