/** What to look for in the audit. Days are days of the hospital's zone, the last one included. */
import { Button, NativeSelect, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import type { Query } from '../../net/client';
import { useT } from '../../words/words';
import page from '../pages.module.css';

export interface Filters {
  patient: string;
  user: string;
  /** `YYYY-MM-DD` or ''. */
  from: string;
  to: string;
  /** 'denied', or '' for all. */
  outcome: string;
}

const OFFSET = '+09:00'; // Asia/Seoul has kept it, without summer time, since 1988

export const queryOf = ({ patient, user, from, to, outcome }: Filters): Query => ({
  patient: patient.trim(),
  user: user.trim(),
  from: from && `${from}T00:00:00${OFFSET}`,
  to: to && `${to}T23:59:59.999999${OFFSET}`,
  outcome,
});

export function AuditFilters({ start, busy, apply }: { start: Filters; busy: boolean; apply: (filters: Filters) => void }) {
  const t = useT();
  const [filters, setFilters] = useState(start);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    apply(filters);
  };
  return (
    <search>
      <form className={page.filters} onSubmit={submit}>
        {(['patient', 'user', 'from', 'to'] as const).map((name) => (
          <TextInput key={name} type={name === 'from' || name === 'to' ? 'date' : 'text'} label={t(`audit.filter.${name}`)} value={filters[name]} onChange={({ currentTarget: { value } }) => setFilters((old) => ({ ...old, [name]: value }))} autoComplete="off" maxLength={128} />
        ))}
        <NativeSelect label={t('audit.filter.outcome')} value={filters.outcome} onChange={({ currentTarget: { value } }) => setFilters((old) => ({ ...old, outcome: value }))} data={[{ value: '', label: t('audit.outcome.all') }, { value: 'denied', label: t('audit.outcome.only') }]} />
        <Button type="submit" loading={busy}>
          {t('audit.search')}
        </Button>
      </form>
    </search>
  );
}
