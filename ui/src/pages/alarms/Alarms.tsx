/** Alarms on unusual access: those that nobody has looked into first; each opens with what is known of it. */
import { Button, SegmentedControl, UnstyledButton } from '@mantine/core';
import { useState } from 'react';
import { usePages } from '../../net/usePages';
import { Panel } from '../../parts/Dialog';
import { ProblemView } from '../../parts/ProblemView';
import { State, useKnown } from '../../parts/State';
import { type Column, Table } from '../../parts/Table';
import tables from '../../parts/table.module.css';
import { useTitle } from '../../parts/useTitle';
import { Waiting } from '../../parts/Waiting';
import { useFormat } from '../../words/format';
import { learn, useLanguage, useT } from '../../words/words';
import page from '../pages.module.css';
import type { Alarm } from './alarm';
import look from './alarms.module.css';
import en from './en.json';
import ko from './ko.json';
import { Looked } from './Looked';

learn({ ko, en });

const STATES = ['open', 'closed', ''] as const;
const MOST_PATIENTS = 3; // shown in a row; the rest is counted

export default function Alarms() {
  // What is unusual is told in the reader's language
  return <Page key={useLanguage()} />;
}

function Page() {
  const t = useT();
  const [state, setState] = useState<string>('open');
  const alarms = usePages<Alarm>('/api/alarms', { state });
  const [opened, setOpened] = useState<Alarm | null>(null);
  useTitle(t('alarms.title'));
  const done = (): void => {
    setOpened(null);
    alarms.reload();
  };
  return (
    <div className={page.page}>
      <header className={page.head}>
        <h1 className={page.title}>{t('alarms.title')}</h1>
        <div className={page.buttons}>
          <SegmentedControl size="xs" aria-label={t('alarms.state')} value={state} onChange={setState} data={STATES.map((value) => ({ value, label: t(`alarms.show.${value || 'all'}`) }))} />
        </div>
      </header>
      <p className={look.words}>{t('alarms.text')}</p>
      {alarms.problem && <ProblemView problem={alarms.problem} retry={alarms.reload} />}
      {!alarms.fresh && !alarms.problem && <Waiting />}
      {alarms.fresh && !alarms.problem && <AlarmTable alarms={alarms.items} open={setOpened} />}
      {alarms.cursor && !alarms.problem && (
        <div className={tables.more}>
          <Button variant="default" onClick={alarms.more} loading={alarms.loading}>
            {t('more')}
          </Button>
        </div>
      )}
      <Panel opened={opened !== null} onClose={() => setOpened(null)} title={opened?.text ?? ''} size="lg">
        {opened && <Looked alarm={opened} done={done} />}
      </Panel>
    </div>
  );
}

function AlarmTable({ alarms, open }: { alarms: readonly Alarm[]; open: (alarm: Alarm) => void }) {
  const t = useT();
  const format = useFormat();
  const known = useKnown();
  const columns: Column<Alarm>[] = [
    {
      name: t('alarms.what'),
      cell: (alarm) => (
        <UnstyledButton className={look.open} onClick={() => open(alarm)}>
          {alarm.text}
        </UnstyledButton>
      ),
    },
    {
      name: t('audit.who'),
      cell: (alarm) => (
        <span>
          {alarm.user} <span className={tables.quiet}>{alarm.roles.map((role) => known('role', role)).join(', ')}</span>
        </span>
      ),
    },
    { name: t('audit.at'), kind: 'line', cell: (alarm) => format.dateTime(alarm.at, true) },
    { name: t('audit.patients'), kind: 'mono', cell: (alarm) => shortened(alarm.patients, t) },
    { name: t('alarms.state'), cell: (alarm) => <State family="alarms.state" code={alarm.closed ? 'closed' : 'open'} tone={alarm.closed ? 'plain' : 'alert'} /> },
  ];
  return <Table title={t('alarms.title')} columns={columns} rows={alarms} keyOf={(alarm) => String(alarm.number)} none={t('alarms.none')} />;
}

function shortened(patients: readonly string[], t: ReturnType<typeof useT>): string {
  const rest = patients.length - MOST_PATIENTS;
  return [patients.slice(0, MOST_PATIENTS).join(', '), rest > 0 ? t('audit.rest', { n: rest }) : ''].filter(Boolean).join(' ');
}
