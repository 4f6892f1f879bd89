/** Where one is signed in: sessions of browsers, tokens, and apps that act in one's name; each can be ended. */
import { Button } from '@mantine/core';
import { useState } from 'react';
import { api } from '../../net/client';
import { useLoad } from '../../net/useLoad';
import { Ask } from '../../parts/Ask';
import { ProblemNote } from '../../parts/ProblemNote';
import { ScopeWords } from '../../parts/ScopeWords';
import { Section } from '../../parts/Section';
import { type Column, Table } from '../../parts/Table';
import tables from '../../parts/table.module.css';
import { useFormat } from '../../words/format';
import { useT } from '../../words/words';

interface Held {
  id: string;
  kind: 'session' | 'token' | 'app';
  /** The one that this page itself uses. */
  current: boolean;
  /** The app's name, or what a token was made for. */
  name: string;
  scopes: string;
  patient: string;
  created: string;
  seen: string | null;
  expires: string;
}

export function Grants() {
  const t = useT();
  const format = useFormat();
  const held = useLoad<{ items: Held[] }>('/api/grants');
  const [ending, setEnding] = useState<Held | null>(null);
  const called = (one: Held): string => one.name || t(`account.grant.${one.kind}`);
  const columns: Column<Held>[] = [
    {
      name: t('account.grants.what'),
      cell: (one) => (
        <>
          {called(one)} {one.current && <span className={tables.quiet}>{t('account.grants.here')}</span>}
          {one.name && <span className={tables.quiet}>{t(`account.grant.${one.kind}`)}</span>}
        </>
      ),
    },
    { name: t('account.grants.may'), cell: (one) => (one.scopes ? <ScopeWords text={one.scopes} /> : t('account.grants.all')) },
    { name: t('account.grants.created'), kind: 'line', cell: (one) => format.dateTime(one.created) },
    { name: t('account.grants.seen'), kind: 'line', cell: (one) => format.dateTime(one.seen) || '–' },
    { name: t('account.grants.expires'), kind: 'line', cell: (one) => format.dateTime(one.expires) },
    {
      name: t('users.actions'),
      kind: 'acts',
      cell: (one) =>
        !one.current && (
          <Button size="compact-sm" variant="default" onClick={() => setEnding(one)} aria-label={t('account.grants.end.of', { name: called(one), at: format.dateTime(one.created) })}>
            {t('account.grants.end')}
          </Button>
        ),
    },
  ];
  return (
    <Section title={t('account.grants')} text={t('account.grants.text')}>
      {held.problem && <ProblemNote problem={held.problem} />}
      {held.value && <Table title={t('account.grants')} columns={columns} rows={held.value.items} keyOf={(one) => one.id} none={t('account.grants.none')} />}
      {ending && (
        <Ask title={t('account.grants.end')} warning={t(`account.grants.end.${ending.kind}`, { name: called(ending) })} confirm={t('account.grants.end')} grave act={() => api.delete(`/api/grants/${encodeURIComponent(ending.id)}`)} done={() => { setEnding(null); held.reload(); }} close={() => setEnding(null)} />
      )}
    </Section>
  );
}
