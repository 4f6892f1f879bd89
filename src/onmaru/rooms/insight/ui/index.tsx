/** Insight in the shell: the operations board and the measures. */
import type { RoomUi } from '@shell';
import { IconChartBar, IconRosetteDiscountCheck } from '@tabler/icons-react';
import { lazy } from 'react';
import en from './en.json';
import ko from './ko.json';

const roles = ['data-manager'] as const;

const insight: RoomUi = {
  name: 'insight',
  routes: [
    { path: '/insight', element: lazy(() => import('./Operations')), roles },
    { path: '/measures', element: lazy(() => import('./Measures')), roles },
  ],
  nav: [
    { path: '/insight', labelKey: 'insight.title', icon: IconChartBar, roles },
    { path: '/measures', labelKey: 'insight.measures', icon: IconRosetteDiscountCheck, roles },
  ],
  strings: { ko, en },
};

export default insight;
