/** Lets the signed-in user to the pages. When a session ends, the page is covered at once and comes back after signing in again. */
import { type ReactNode, useCallback, useEffect, useMemo, useState } from 'react';
import { api, standing } from '../net/client';
import { startLive, stopLive } from '../net/live';
import type { Problem } from '../net/outcome';
import { comeBack } from '../net/returns';
import { ProblemView } from '../parts/ProblemView';
import { Waiting } from '../parts/Waiting';
import { setLanguage, useLanguage } from '../words/words';
import { Login } from './Login';
import { type Session, SessionContext, type SessionDoor } from './session';
import look from './session.module.css';

type Stage =
  | { name: 'asking' }
  | { name: 'out' }
  | { name: 'unreachable'; problem: Problem }
  | { name: 'in' | 'expired'; session: Session };

export function SessionGate({ children }: { children: ReactNode }) {
  const [stage, setStage] = useState<Stage>({ name: 'asking' });
  const language = useLanguage();
  standing.language = language;

  const enter = useCallback((session: Session) => {
    standing.csrf = session.csrf;
    setLanguage(session.language, false);
    setStage((old) => {
      if (old.name === 'expired' && old.session.user !== session.user) location.reload();
      return { name: 'in', session };
    });
    startLive();
    comeBack();
  }, []);

  const ask = useCallback(async () => {
    setStage({ name: 'asking' });
    const outcome = await api.get<Session>('/api/me');
    if (outcome.ok) enter(outcome.value);
    else setStage(foreign(outcome.problem) ? { name: 'out' } : { name: 'unreachable', problem: outcome.problem });
  }, [enter]);

  useEffect(() => {
    standing.onExpired = () => {
      stopLive();
      setStage((old) => (old.name === 'in' ? { name: 'expired', session: old.session } : old));
    };
    void ask();
  }, [ask]);

  const session = stage.name === 'in' || stage.name === 'expired' ? stage.session : null;
  const door = useMemo<SessionDoor | null>(() => session && doorOf(session, () => setStage({ name: 'out' })), [session]);

  if (stage.name === 'asking') return <Waiting />;
  if (stage.name === 'unreachable') return <ProblemView whole problem={stage.problem} retry={() => void ask()} />;
  if (!door) return <Login enter={enter} />;
  return (
    <SessionContext value={door}>
      <div className={stage.name === 'expired' ? look.covered : undefined} inert={stage.name === 'expired'}>
        {children}
      </div>
      {stage.name === 'expired' && <Login enter={enter} expired={stage.session.user} />}
    </SessionContext>
  );
}

/** No session, or one of another tenant. */
const foreign = ({ kind }: Problem): boolean => kind === 'expired' || kind === 'forbidden';

function doorOf(session: Session, left: () => void): SessionDoor {
  return {
    session,
    has: (roles) => !roles || roles.some((role) => session.roles.includes(role)),
    signOut: async () => {
      stopLive();
      await api.post('/api/logout');
      standing.csrf = '';
      left();
    },
    breakGlass: (patient, reason) => api.post('/api/break-glass', { patient, reason }),
  };
}
