/** One thing at a time that a form or a button asks of the server: whether it is under way, and why it was refused. */
import { useCallback, useState } from 'react';
import type { Outcome, Problem } from './outcome';

export interface Act {
  busy: boolean;
  problem: Problem | null;
  /** Waits for the answer; `done` is called with what came when it is no problem. */
  act: <T>(asked: Promise<Outcome<T>>, done: (value: T) => void) => Promise<void>;
  forget: () => void;
}

export function useAct(): Act {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const act = useCallback(async <T,>(asked: Promise<Outcome<T>>, done: (value: T) => void): Promise<void> => {
    setBusy(true);
    setProblem(null);
    const outcome = await asked;
    setBusy(false);
    if (outcome.ok) done(outcome.value);
    else setProblem(outcome.problem);
  }, []);
  return { busy, problem, act, forget: useCallback(() => setProblem(null), []) };
}
