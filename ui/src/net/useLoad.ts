/** Loads one address and keeps what it gave on screen while a newer answer is under way. */
import { useCallback, useEffect, useRef, useState } from 'react';
import { api, type Query } from './client';
import type { Problem } from './outcome';
import { useReturns } from './returns';

export interface Loaded<T> {
  value: T | null;
  problem: Problem | null;
  /** True until the first answer, and again while a reload runs. */
  loading: boolean;
  reload: () => void;
}

/** `path` null loads nothing. A new `path`, `query` or `tick` (see `useLive`) asks again; the older request is dropped. */
export function useLoad<T>(path: string | null, query: Query = {}, tick = 0): Loaded<T> {
  const words = JSON.stringify(query);
  const what = `${path} ${words}`;
  const [state, setState] = useState<{ what: string; value: T | null; problem: Problem | null; loading: boolean }>({
    what, value: null, problem: null, loading: path !== null,
  });
  const [again, setAgain] = useState(0);
  const returns = useReturns();
  const latest = useRef(what);

  useEffect(() => {
    if (path === null) return;
    const stop = new AbortController();
    const other = latest.current !== what;
    latest.current = what;
    setState((old) => ({ what, value: other ? null : old.value, problem: other ? null : old.problem, loading: true }));
    void api.get<T>(path, { query: JSON.parse(words) as Query, signal: stop.signal }).then((outcome) => {
      if (stop.signal.aborted) return;
      setState((old) =>
        outcome.ok
          ? { what, value: outcome.value, problem: null, loading: false }
          : { ...old, problem: outcome.problem, loading: false },
      );
    });
    return () => stop.abort();
  }, [path, words, what, tick, again, returns]);

  const reload = useCallback(() => setAgain((n) => n + 1), []);
  const { value, problem, loading } = state.what === what ? state : { value: null, problem: null, loading: true };
  return { value, problem, loading, reload };
}
