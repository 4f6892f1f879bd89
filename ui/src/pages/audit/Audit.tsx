/** The audit: who saw or changed what, when, in which role, why, and with what outcome. */
import { Button } from '@mantine/core';
import { useState } from 'react';
import { useLocation } from 'react-router';
import { usePages } from '../../net/usePages';
import { ProblemView } from '../../parts/ProblemView';
import { State, useKnown } from '../../parts/State';
import table from '../../parts/table.module.css';
import { useTitle } from '../../parts/useTitle';
import { useFormat } from '../../words/format';
import { useT } from '../../words/words';
import page from '../pages.module.css';
import { AuditFilters, type Filters, queryOf } from './AuditFilters';

interface AuditEntry {
  at: string;
  user: string;
  roles: readonly string[];
  purpose: string;
  action: string;
  path: string;
  patients: readonly string[];
  outcome: 'success' | 'denied';
  /** Of a break-glass, or of a refusal. */
  reason?: string | null;
  address?: string | null;
}

const none: Filters = { patient: '', user: '', from: '', to: '', outcome: '' };
const MOST_PATIENTS = 3; // shown in a row; the rest is counted

export default function Audit() {
  const t = useT();
  // Asked for by another page, never by the address: who was looked for stays out of the browser's history
  const { state } = useLocation();
  const [start] = useState<Filters>({ ...none, ...(state as Partial<Filters> | null) });
  const [filters, setFilters] = useState(start);
  const audit = usePages<AuditEntry>('/api/audit', queryOf(filters));
  useTitle(t('audit.title'));
  return (
    <div className={page.page}>
      <header className={page.head}>
        <h1 className={page.title}>{t('audit.title')}</h1>
      </header>
      <AuditFilters start={start} busy={audit.loading} apply={(next) => (JSON.stringify(next) === JSON.stringify(filters) ? audit.reload() : setFilters(next))} />
      {audit.problem && <ProblemView problem={audit.problem} retry={audit.reload} />}
      {audit.fresh && !audit.problem && audit.items.length === 0 && <p className={table.none}>{t(audit.cursor ? 'audit.none.yet' : 'audit.none')}</p>}
      {!audit.problem && audit.items.length > 0 && <AuditTable items={audit.items} />}
      {audit.cursor && !audit.problem && (
        <div className={table.more}>
          <Button variant="default" onClick={audit.more} loading={audit.loading}>
            {t(filters.outcome ? 'audit.on' : 'more')}
          </Button>
        </div>
      )}
    </div>
  );
}

const columns = ['who', 'at', 'action', 'path', 'patients', 'purpose', 'outcome', 'address'] as const;

function AuditTable({ items }: { items: readonly AuditEntry[] }) {
  const t = useT();
  return (
    <div className={table.scroll} role="region" aria-label={t('audit.title')} tabIndex={0}>
      <table className={table.table}>
        <caption>{t('audit.title')}</caption>
        <thead>
          <tr>
            {columns.map((name) => (
              <th key={name} scope="col">
                {t(`audit.${name}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {items.map((entry, n) => (
            <AuditRow key={`${entry.at} ${n}`} entry={entry} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function AuditRow({ entry }: { entry: AuditEntry }) {
  const t = useT();
  const format = useFormat();
  const known = useKnown();
  const denied = entry.outcome === 'denied';
  const rest = entry.patients.length - MOST_PATIENTS;
  return (
    <tr>
      <th scope="row" className={table.nowrap}>
        {entry.user || t('audit.nobody')} <span className={table.quiet}>{entry.roles.map((role) => known('role', role)).join(', ')}</span>
      </th>
      <td data-name={t('audit.at')} className={table.nowrap}>
        {format.dateTime(entry.at, true)}
      </td>
      <td data-name={t('audit.action')}>{known('audit.action', entry.action)}</td>
      <td data-name={t('audit.path')} className="mono">
        {entry.path}
      </td>
      <td data-name={t('audit.patients')} className="mono">
        {entry.patients.slice(0, MOST_PATIENTS).join(', ')}
        {rest > 0 && ` ${t('audit.rest', { n: rest })}`}
      </td>
      <td data-name={t('audit.purpose')}>
        {entry.purpose === 'BTG' ? <State family="purpose" code="BTG" tone="warn" /> : entry.purpose && known('purpose', entry.purpose)}
        {entry.reason && !denied && <div className={table.quiet}>{entry.reason}</div>}
      </td>
      <td data-name={t('audit.outcome')}>
        <State family="audit.outcome" code={entry.outcome} tone={denied ? 'alert' : 'good'} />
        {entry.reason && denied && <div className={table.quiet}>{known('audit.denied', entry.reason)}</div>}
      </td>
      <td data-name={t('audit.address')} className={table.nowrap}>
        {entry.address}
      </td>
    </tr>
  );
}
