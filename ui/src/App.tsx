/** Routes of the shell and of every room, inside the session. */
import { lazy, type ReactNode, Suspense, useEffect } from 'react';
import { BrowserRouter, Link, Navigate, Route, Routes } from 'react-router';
import { Frame } from './Frame';
import { problemOf } from './net/outcome';
import { prefix } from './net/place';
import { shell } from './pages';
import { Guard } from './parts/Guard';
import { ProblemView } from './parts/ProblemView';
import { useTitle } from './parts/useTitle';
import { Waiting } from './parts/Waiting';
import type { RoomNav, RoomRoute } from './room';
import { rooms } from './rooms';
import { useSession } from './session/session';
import { SessionGate } from './session/SessionGate';
import { useLanguage, useT } from './words/words';

const routes: readonly RoomRoute[] = [shell, ...rooms].flatMap((room) => room.routes);
const offered: readonly RoomNav[] = [shell, ...rooms].flatMap((room) => room.nav);
const nav: readonly RoomNav[] = [...offered.filter((one) => !one.last), ...offered.filter((one) => one.last)];
const Welcome = lazy(() => import('./pages/Welcome'));

export function App() {
  const language = useLanguage();
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  return (
    <SessionGate>
      <BrowserRouter basename={prefix || '/'}>
        <Pages />
      </BrowserRouter>
    </SessionGate>
  );
}

function Pages() {
  const { has, session } = useSession();
  const may = (one: RoomNav | RoomRoute): boolean => has(one.roles) && (!one.tenant || one.tenant === session.tenant);
  const mine = nav.filter(may);
  const home = mine[0];
  return (
    <Frame nav={mine}>
      <Routes>
        <Route path="/" element={home ? <Navigate to={home.path} replace /> : shown(<Welcome />)} />
        {routes.map((route) => {
          const Page = route.element;
          return <Route key={route.path} path={route.path} element={may(route) ? shown(<Page />) : <Refusal status={403} />} />;
        })}
        <Route path="*" element={<Refusal status={404} />} />
      </Routes>
    </Frame>
  );
}

const shown = (page: ReactNode): ReactNode => (
  <Guard>
    <Suspense fallback={<Waiting />}>{page}</Suspense>
  </Guard>
);

function Refusal({ status }: { status: 403 | 404 }) {
  const t = useT();
  useTitle(t(status === 403 ? 'problem.forbidden' : 'problem.absent'));
  return (
    <ProblemView whole problem={problemOf(status, '')}>
      <Link to="/">{t('home')}</Link>
    </ProblemView>
  );
}
