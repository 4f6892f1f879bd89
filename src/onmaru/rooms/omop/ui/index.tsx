/** The research tables' page in the shell: how much of the record has a standard concept. */
import type { RoomUi } from '@shell';
import { IconTablePlus } from '@tabler/icons-react';
import { lazy } from 'react';
import en from './en.json';
import ko from './ko.json';

const roles = ['data-manager'] as const;

const omop: RoomUi = {
  name: 'omop',
  routes: [{ path: '/omop', element: lazy(() => import('./Coverage')), roles }],
  nav: [{ path: '/omop', labelKey: 'omop.title', icon: IconTablePlus, roles }],
  strings: { ko, en },
};

export default omop;
