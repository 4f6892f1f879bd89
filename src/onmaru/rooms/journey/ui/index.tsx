/** The journey's page in the shell: one route, opened from the patient list. */
import type { RoomUi } from '@shell';
import { lazy } from 'react';
import en from './en.json';
import ko from './ko.json';

const journey: RoomUi = {
  name: 'journey',
  routes: [{ path: '/patients/:patient', element: lazy(() => import('./Journey')), roles: ['physician', 'nurse', 'registrar', 'patient'] }],
  nav: [],
  strings: { ko, en },
};

export default journey;
