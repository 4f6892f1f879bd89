/** Whom to reach: for who treats patients. Whoever is shown here is in the audit trail, so nothing is asked before the button. */
import { api, ProblemView, useAct, useFormat, useLoad, useT, useTitle, Waiting } from '@shell';
import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'react-router';
import { DIMENSIONS, groupName, lastYear, type MeasureName, type OutreachAnswer } from './data';
import look from './equity.module.css';

const GROUPS: Readonly<Record<string, readonly string[]>> = {
  sex: ['female', 'male', 'other', ''],
  insurance: ['hira:5', 'hira:4', 'hira:7', 'hira:9', ''],
  deprivation: ['1', '2', '3', '4', '5', ''],
  disability: ['recorded', 'not-recorded', ''],
};

export default function Outreach() {
  const t = useT();
  const list = useLoad<{ measures: readonly MeasureName[] }>('/rooms/equity/measures');
  const [measure, setMeasure] = useState('');
  const [year, setYear] = useState(String(lastYear(new Date())));
  const [dimension, setDimension] = useState<string>('sex');
  const [group, setGroup] = useState('female');
  const [found, setFound] = useState<OutreachAnswer | null>(null);
  const { busy, problem, act } = useAct();
  useTitle(t('equity.outreach'));
  const chosen = measure || (list.value?.measures[0]?.id ?? '');
  const known = GROUPS[dimension];
  const ask = (): void => {
    setFound(null);
    void act(api.get<OutreachAnswer>('/rooms/equity/outreach', { query: { measure: chosen, year, dimension, group } }), setFound);
  };
  return (
    <div className={look.page}>
      <h1 className={look.title}>{t('equity.outreach')}</h1>
      <p className={look.quiet}>{t('equity.outreach.note')}</p>
      {list.problem && <ProblemView problem={list.problem} retry={list.reload} />}
      {!list.value && !list.problem && <Waiting />}
      {list.value?.measures.length === 0 && <p className={look.plain}>{t('equity.none')}</p>}
      {list.value && list.value.measures.length > 0 && (
        <form className={look.fields} onSubmit={(event) => { event.preventDefault(); ask(); }}>
          <NativeSelect label={t('equity.measure')} value={chosen} onChange={(event) => setMeasure(event.currentTarget.value)} data={list.value.measures.map((one) => ({ value: one.id, label: one.title || one.id }))} className={look.wide} />
          <TextInput label={t('equity.year')} value={year} inputMode="numeric" maxLength={4} onChange={(event) => setYear(event.currentTarget.value)} className={look.number} />
          <NativeSelect label={t('equity.dimension')} value={dimension} onChange={(event) => { setDimension(event.currentTarget.value); setGroup(GROUPS[event.currentTarget.value]?.[0] ?? ''); }} data={DIMENSIONS.map((one) => ({ value: one, label: t(`equity.dimension.${one}`) }))} />
          {known
            ? <NativeSelect label={t('equity.group')} value={group} onChange={(event) => setGroup(event.currentTarget.value)} data={known.map((one) => ({ value: one, label: groupName(t, dimension, one) }))} />
            : <TextInput label={t('equity.group')} description={t('equity.group.as')} value={group} onChange={(event) => setGroup(event.currentTarget.value)} />}
          <Button type="submit" loading={busy}>{t('equity.outreach.show')}</Button>
        </form>
      )}
      {problem && <ProblemView problem={problem} />}
      {found && <People found={found} />}
    </div>
  );
}

function People({ found }: { found: OutreachAnswer }) {
  const t = useT();
  const format = useFormat();
  if (found.total === 0) return <p className={look.plain}>{t('equity.outreach.nobody')}</p>;
  return (
    <>
      <p className={look.plain}>{t('equity.outreach.found', { n: found.total, shown: found.rows.length })}</p>
      <div className={look.scroll} role="region" aria-label={t('equity.outreach')} tabIndex={0}>
        <table className={look.table}>
          <thead>
            <tr>{['name', 'born', 'phone', 'last'].map((one) => <th key={one} scope="col">{t(`equity.outreach.${one}`)}</th>)}</tr>
          </thead>
          <tbody>
            {found.rows.map((row) => (
              <tr key={row.patient}>
                <th scope="row"><Link to={`/patients/${row.patient}`}>{row.name ?? row.patient}</Link></th>
                <td>{format.date(row.born)}</td>
                <td>{row.phone ?? '–'}</td>
                <td>{found.steps[row.passed - 1] ?? ''}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
