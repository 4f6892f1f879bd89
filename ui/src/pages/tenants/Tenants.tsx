/** The hospitals of this server, for those who run it: state, size, limits, and what can be done with each. */
import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { Link } from 'react-router';
import { useLoad } from '../../net/useLoad';
import { ProblemView } from '../../parts/ProblemView';
import { State } from '../../parts/State';
import { type Column, Table } from '../../parts/Table';
import tables from '../../parts/table.module.css';
import { useTitle } from '../../parts/useTitle';
import { Waiting } from '../../parts/Waiting';
import { useFormat } from '../../words/format';
import { useT } from '../../words/words';
import page from '../pages.module.css';
import { Create } from './Create';
import { useLimitWords } from './limitWords';
import { instant, type Line, tones } from './tenant';
import './words';

export default function Tenants() {
  const t = useT();
  const format = useFormat();
  const tenants = useLoad<{ tenants: Line[] }>('/api/tenants');
  const [creating, setCreating] = useState(false);
  useTitle(t('tenants.title'));
  const made = (): void => {
    setCreating(false);
    tenants.reload();
  };
  return (
    <div className={page.page}>
      <header className={page.head}>
        <h1 className={page.title}>{t('tenants.title')}</h1>
        <span className={page.count}>{tenants.value && t('tenants.count', { n: format.number(tenants.value.tenants.length) })}</span>
        <div className={page.buttons}>
          <Button leftSection={<IconPlus size={17} />} onClick={() => setCreating(true)}>
            {t('tenants.create')}
          </Button>
        </div>
      </header>
      {tenants.problem && <ProblemView problem={tenants.problem} retry={tenants.reload} />}
      {!tenants.value && !tenants.problem && <Waiting />}
      {tenants.value && <TenantTable tenants={tenants.value.tenants} />}
      {creating && <Create close={() => setCreating(false)} done={made} />}
    </div>
  );
}

function TenantTable({ tenants }: { tenants: readonly Line[] }) {
  const t = useT();
  const format = useFormat();
  const limits = useLimitWords();
  const columns: Column<Line>[] = [
    {
      name: t('tenants.name'),
      cell: ({ tenant }) => <Link to={`/tenants/${encodeURIComponent(tenant)}`}>{tenant}</Link>,
    },
    { name: t('tenants.state'), cell: ({ state }) => <State family="tenants.state" code={state} tone={tones[state]} /> },
    { name: t('tenants.entries'), kind: 'number', cell: ({ entries }) => (entries === null ? '–' : format.number(entries)) },
    { name: t('tenants.limits'), cell: (line) => limits(line.limits) || t('tenants.limits.none') },
    {
      name: t('tenants.changed'),
      cell: ({ at, by, reason }) =>
        at > 0 && (
          <div>
            {format.dateTime(instant(at))} {by} {reason && <div className={tables.quiet}>{reason}</div>}
          </div>
        ),
    },
  ];
  return <Table title={t('tenants.title')} columns={columns} rows={tenants} keyOf={({ tenant }) => tenant} none={t('tenants.none')} />;
}
