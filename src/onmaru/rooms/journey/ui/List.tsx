/** The same items as the canvas, as a list: read aloud, reached by key, page after page to the last. */
import { api, formatDate, formatDateTime, formatTime, type Language, type Problem, ProblemView, useFormat, useLanguage, useT } from '@shell';
import { Button, Checkbox, TextInput } from '@mantine/core';
import { IconSearch, IconX } from '@tabler/icons-react';
import { useCallback, useEffect, useRef, useState } from 'react';
import { below, type Item } from './data';
import { arrow, called, short } from './look';
import look from './journey.module.css';
import { written } from './Timeline';

export interface Asked {
  from?: number | undefined;
  to?: number | undefined;
  kinds?: string | undefined;
}

export interface ListProps {
  patient: string;
  asked: Asked;
  tick: number;
  /** A cluster was chosen: how to see everything again. */
  clear: (() => void) | null;
  open: (item: Item) => void;
  refine: (words: { q?: string; flagged?: string }) => void;
}

interface State {
  items: Item[];
  cursor: string;
  total: number;
  problem: Problem | null;
  fresh: string;
}

const SETTLED_MS = 120; // while a window is being dragged the list waits

export function List({ patient, asked, tick, clear, open, refine }: ListProps) {
  const t = useT();
  const format = useFormat();
  const [typed, setTyped] = useState('');
  const [flagged, setFlagged] = useState(false);
  const query = JSON.stringify({ ...asked, q: typed.trim() || undefined, flagged: flagged ? '1' : undefined });
  const { state, more } = useItems(patient, query, tick);
  const end = useSeen(more);
  useEffect(() => refine({ q: typed.trim() || undefined, flagged: flagged ? '1' : undefined }), [typed, flagged, refine]);

  return (
    <section className={look.list} aria-label={t('journey.list')}>
      <header className={look.listhead}>
        <h2>{t('journey.list')}</h2>
        <span className={look.quiet} role="status" data-total={state.total}>
          {state.fresh === query && t('journey.list.count', { n: format.number(state.total) })}
        </span>
        <TextInput className={look.find} size="sm" type="search" aria-label={t('journey.search')} placeholder={t('journey.search')} leftSection={<IconSearch size={15} aria-hidden />} value={typed} maxLength={100} onChange={(event) => setTyped(event.currentTarget.value)} />
        <Checkbox className={flagged ? undefined : look.onscreen} label={t('journey.flagged')} checked={flagged} onChange={(event) => setFlagged(event.currentTarget.checked)} />
        {clear && (
          <Button size="xs" variant="light" rightSection={<IconX size={14} aria-hidden />} onClick={clear} aria-label={t('journey.list.clear')}>
            {t('journey.list.cluster')}
          </Button>
        )}
      </header>
      {state.problem ? <ProblemView problem={state.problem} retry={more} /> : <Rows items={state.items} open={open} />}
      {state.fresh === query && state.items.length === 0 && !state.problem && <p className={look.empty}>{t('journey.list.none')}</p>}
      {state.cursor && (
        <div ref={end} className={look.empty}>
          <Button size="sm" variant="default" onClick={more}>
            {t('journey.list.more')}
          </Button>
        </div>
      )}
    </section>
  );
}

function Rows({ items, open }: { items: readonly Item[]; open: (item: Item) => void }) {
  const days: { day: string; items: Item[] }[] = [];
  for (const item of items) {
    const day = item.low === null ? '' : formatDate(item.at.split('/')[0]);
    const last = days[days.length - 1];
    if (last && last.day === day) last.items.push(item);
    else days.push({ day, items: [item] });
  }
  return days.map(({ day, items: of }, at) => <Day key={`${day} ${at}`} day={day} items={of} open={open} />);
}

function Day({ day, items, open }: { day: string; items: readonly Item[]; open: (item: Item) => void }) {
  const t = useT();
  const language = useLanguage();
  return (
    <section className={look.day}>
      <h3>{day ? `${day} ${weekday(day, language)}` : t('journey.undated')}</h3>
      <ul>
        {items.map((item) => (
          <li key={item.source}>
            <Row item={item} open={open} />
          </li>
        ))}
      </ul>
    </section>
  );
}

/** `(토)`, `(Sat)`; nothing for a mere month or year. */
function weekday(day: string, language: Language): string {
  if (day.length !== 10) return '';
  return `(${new Date(`${day}T00:00:00Z`).toLocaleDateString(language, { weekday: 'short', timeZone: 'UTC' })})`;
}

function Row({ item, open }: { item: Item; open: (item: Item) => void }) {
  const t = useT();
  const language = useLanguage();
  const format = useFormat();
  const gone = item.status === 'entered-in-error' || item.status === 'cancelled';
  const period = item.at.includes('/');
  return (
    <button type="button" className={look.row} data-kind={item.kind} data-gone={gone || undefined} data-source={item.source} onClick={() => open(item)}>
      <span className={look.time}>{item.at.includes('T') ? formatTime(item.at.split('/')[0]) : ''}</span>
      <span className={look.tag}>
        <i aria-hidden /> {t(`journey.kind.${item.kind}`)}
      </span>
      <span className={look.what}>
        <b>{called(item, language, t) || item.source.split('/')[0]}</b>{' '}
        {item.value && (
          <span className={look.value} title={item.value}>
            {short(item.value)} {format.unit(item.unit)}
          </span>
        )}{' '}
        {item.flag && (
          <span className={look.flagged}>
            {arrow(item.flag)} {t(`journey.flag.${item.flag}`)}
          </span>
        )}{' '}
        {gone && <em>{t(`journey.status.${item.status}`)}</em>}
        <small>
          {[period ? written(item.at, t('journey.ongoing')) : '', item.detail, item.actor].filter(Boolean).join(' · ')}
        </small>
      </span>
    </button>
  );
}

const NONE: State = { items: [], cursor: '', total: 0, problem: null, fresh: '' };

/** Pages of one question; a new question keeps the old answer on screen until its own has come. */
function useItems(patient: string, query: string, tick: number): { state: State; more: () => void } {
  const [state, setState] = useState<State>(NONE);
  const busy = useRef<AbortController | null>(null);

  const load = useCallback(
    async (cursor: string) => {
      busy.current?.abort();
      const mine = new AbortController();
      busy.current = mine;
      const asked = { ...(JSON.parse(query) as Record<string, string>), count: 100, cursor: cursor || undefined };
      const outcome = await api.get<{ items: Item[]; cursor: string; total?: number }>(below(patient, 'items'), { query: asked, signal: mine.signal });
      if (mine.signal.aborted) return;
      busy.current = null;
      setState((old) => {
        if (!outcome.ok) return { ...old, problem: outcome.problem, fresh: query };
        const { items, cursor: next, total } = outcome.value;
        return { items: cursor ? [...old.items, ...items] : items, cursor: next, total: total ?? old.total, problem: null, fresh: query };
      });
      performance.mark('journey-listed');
    },
    [patient, query],
  );

  useEffect(() => {
    const timer = setTimeout(() => void load(''), SETTLED_MS);
    return () => clearTimeout(timer);
  }, [load, tick]);

  const { cursor, fresh } = state;
  const more = useCallback(() => {
    if (!busy.current) void load(fresh === query ? cursor : '');
  }, [load, cursor, fresh, query]);
  return { state, more };
}

/** Calls when the end of the list comes into sight. */
function useSeen(more: () => void): (element: HTMLElement | null) => void {
  const latest = useRef(more);
  latest.current = more;
  const watch = useRef<IntersectionObserver | null>(null);
  return useCallback((element: HTMLElement | null) => {
    watch.current?.disconnect();
    if (!element) return;
    watch.current = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && latest.current(), { rootMargin: '400px' });
    watch.current.observe(element);
  }, []);
}

export const when = (item: Item, unknown: string, ongoing: string): string =>
  item.low === null ? unknown : item.at.includes('/') ? written(item.at, ongoing) : formatDateTime(item.at);
