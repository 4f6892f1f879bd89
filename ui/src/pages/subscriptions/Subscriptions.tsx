/** Who is told what: how far each subscription has come, what went wrong last, when it is tried again. */
import { Button } from '@mantine/core';
import { useState } from 'react';
import { api } from '../../net/client';
import { useEvery } from '../../net/useEvery';
import { useLoad } from '../../net/useLoad';
import { Ask } from '../../parts/Ask';
import { ProblemView } from '../../parts/ProblemView';
import { State, type Tone, useKnown } from '../../parts/State';
import { type Column, Table } from '../../parts/Table';
import tables from '../../parts/table.module.css';
import { useTitle } from '../../parts/useTitle';
import { Waiting } from '../../parts/Waiting';
import { useFormat } from '../../words/format';
import { learn, useT } from '../../words/words';
import page from '../pages.module.css';
import en from './en.json';
import ko from './ko.json';
import look from './subscriptions.module.css';

learn({ ko, en });

const EVERY_MS = 10_000;

interface Subscription {
  id: string;
  criteria: string;
  /** Why it was asked for, in its owner's words. */
  why: string;
  channel: string;
  host: string;
  state: 'requested' | 'active' | 'error' | 'off';
  error: string;
  /** What follows is there once it has begun on this server. */
  user?: string;
  /** The last event number given, and the last one known to have been received. */
  number?: number;
  sent?: number;
  /** Positions of the record that it has not looked at yet. */
  behind?: number;
  failures?: number;
  since?: string | null;
  next?: string | null;
}

const tones: Record<Subscription['state'], Tone> = { requested: 'warn', active: 'good', error: 'alert', off: 'plain' };

export default function Subscriptions() {
  const t = useT();
  const format = useFormat();
  const found = useLoad<{ items: Subscription[] }>('/api/subscriptions', {}, useEvery(EVERY_MS));
  const [again, setAgain] = useState<Subscription | null>(null);
  useTitle(t('subs.title'));
  const done = (): void => {
    setAgain(null);
    found.reload();
  };
  return (
    <div className={page.page}>
      <header className={page.head}>
        <h1 className={page.title}>{t('subs.title')}</h1>
        <span className={page.count}>{found.value && t('subs.count', { n: format.number(found.value.items.length) })}</span>
      </header>
      {found.problem && <ProblemView problem={found.problem} retry={found.reload} />}
      {!found.value && !found.problem && <Waiting />}
      {found.value && !found.problem && <Listed rows={found.value.items} act={setAgain} />}
      {again && (
        <Ask title={t('subs.again')} warning={t('subs.again.text')} confirm={t('subs.again')} act={() => api.post(`/api/subscriptions/${encodeURIComponent(again.id)}/resume`)} done={done} close={() => setAgain(null)} />
      )}
    </div>
  );
}

function Listed({ rows, act }: { rows: readonly Subscription[]; act: (one: Subscription) => void }) {
  const t = useT();
  const format = useFormat();
  const known = useKnown();
  const columns: Column<Subscription>[] = [
    {
      name: t('subs.what'),
      cell: (one) => (
        <>
          <div className={`${look.what} mono`}>{one.criteria}</div> {one.why && <div className={tables.quiet}>{one.why}</div>}
        </>
      ),
    },
    {
      name: t('subs.to'),
      cell: (one) => (
        <div>
          {known('subs.channel', one.channel)} <div className={`${tables.quiet} ${tables.nowrap} mono`}>{one.host}</div>
        </div>
      ),
    },
    {
      name: t('subs.state'),
      cell: (one) => (
        <div>
          <State family="subs.state" code={one.state} tone={one.state === 'active' && one.failures ? 'warn' : tones[one.state]} />
          {one.error && <div className={look.error}>{one.error}</div>}
        </div>
      ),
    },
    { name: t('subs.number'), kind: 'number', cell: (one) => (one.number === undefined ? '–' : format.number(one.number)) },
    { name: t('subs.left'), kind: 'number', cell: (one) => (one.number === undefined ? '–' : format.number(one.number - (one.sent ?? 0))) },
    { name: t('subs.behind'), kind: 'number', cell: (one) => (one.behind === undefined ? '–' : format.number(one.behind)) },
    { name: t('subs.tried'), cell: (one) => <Tried one={one} /> },
    { name: t('subs.owner'), kind: 'line', cell: (one) => one.user ?? '–' },
    {
      name: t('users.actions'),
      kind: 'acts',
      cell: (one) =>
        one.state === 'error' && (
          <Button size="compact-sm" variant="default" onClick={() => act(one)} aria-label={t('subs.again.of', { id: one.criteria })}>
            {t('subs.again')}
          </Button>
        ),
    },
  ];
  return <Table title={t('subs.title')} columns={columns} rows={rows} keyOf={(one) => one.id} none={t('subs.none')} />;
}

/** How often in a row it was not received, since when, and when it is tried again. */
function Tried({ one }: { one: Subscription }) {
  const t = useT();
  const format = useFormat();
  if (!one.failures) return '–';
  return (
    <div>
      {t('subs.failures', { n: one.failures, since: format.dateTime(one.since) })}
      {one.next && <div>{t('subs.next', { at: format.time(one.next) })}</div>}
    </div>
  );
}
