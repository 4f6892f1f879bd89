/** The journey's page in the shell: one route, opened from the patient list. */
import type { RoomUi } from '@shell';
import { lazy } from 'react';
import { askEarly } from './early';
import en from './en.json';
import ko from './ko.json';

const page = () => import('./Journey');
// Opened by its address: code and first answers come while the session is still being asked for.
const opened = typeof location === 'undefined' ? null : /\/patients\/([^/]+)$/.exec(location.pathname);
if (opened?.[1]) {
  void page();
  askEarly(decodeURIComponent(opened[1]));
}

const journey: RoomUi = {
  name: 'journey',
  routes: [{ path: '/patients/:patient', element: lazy(page), roles: ['physician', 'nurse', 'registrar', 'patient'] }],
  nav: [],
  strings: { ko, en },
};

export default journey;
