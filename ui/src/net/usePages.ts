/** A list that comes page by page (`{items, cursor, total}`): what was loaded stays, the next page is asked for when it is wanted. */
import { useCallback, useEffect, useRef, useState } from 'react';
import { api, type Query } from './client';
import type { Problem } from './outcome';
import { useReturns } from './returns';

interface Page<T> {
  items: readonly T[];
  cursor?: string | null;
  total?: number | null;
}

interface State<T> {
  items: readonly T[];
  /** All there are, if the server says so; else how many were loaded. */
  total: number;
  cursor: string | null;
  problem: Problem | null;
  loading: boolean;
}

export interface Pages<T> extends State<T> {
  /** False until the first page of the present question is here. */
  fresh: boolean;
  more: () => void;
  reload: () => void;
}

const none = { items: [], total: 0, cursor: null, problem: null, loading: true };

export function usePages<T>(path: string, query: Query): Pages<T> {
  const words = JSON.stringify(query);
  const [state, setState] = useState<State<T>>(none);
  const [answered, setAnswered] = useState('');
  const [again, setAgain] = useState(0);
  const returns = useReturns();
  const stop = useRef<AbortController | null>(null);

  const load = useCallback(
    async (cursor: string | null) => {
      stop.current?.abort();
      const mine = new AbortController();
      stop.current = mine;
      setState((old) => ({ ...old, loading: true }));
      const asked = { ...(JSON.parse(words) as Query), cursor: cursor ?? undefined };
      const outcome = await api.get<Page<T>>(path, { query: asked, signal: mine.signal });
      if (mine.signal.aborted) return;
      setAnswered(words);
      setState((old) => {
        if (!outcome.ok) return { ...old, problem: outcome.problem, loading: false };
        const items = cursor === null ? outcome.value.items : [...old.items, ...outcome.value.items];
        const next = outcome.value.cursor || null;
        return { items, total: outcome.value.total ?? items.length, cursor: next, problem: null, loading: false };
      });
    },
    [path, words],
  );

  useEffect(() => {
    void load(null);
    return () => stop.current?.abort();
  }, [load, again, returns]);

  const { cursor, loading } = state;
  const more = useCallback(() => {
    if (cursor !== null && !loading) void load(cursor);
  }, [cursor, loading, load]);
  const reload = useCallback(() => setAgain((n) => n + 1), []);
  return { ...state, fresh: answered === words, more, reload };
}
