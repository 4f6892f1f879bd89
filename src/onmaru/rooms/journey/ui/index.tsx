/** The journey's page in the shell: one route, opened from the patient list. */
import type { RoomUi } from '@shell';
import { lazy } from 'react';
import en from './en.json';
import ko from './ko.json';

const page = () => import('./Journey');
// Opened by its address: the page's code comes while the session is still being asked for.
if (typeof location !== 'undefined' && /\/patients\/[^/]+$/.test(location.pathname)) void page();

const journey: RoomUi = {
  name: 'journey',
  routes: [{ path: '/patients/:patient', element: lazy(page), roles: ['physician', 'nurse', 'registrar', 'patient'] }],
  nav: [],
  strings: { ko, en },
};

export default journey;
