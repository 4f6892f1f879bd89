/** Clinical quality: the measures of the record, counted for a year, their reports, and whether a report comes out the same again. */
import { api, Lines, ProblemView, useAct, useFormat, useLoad, useT, useTitle, Waiting } from '@shell';
import { Button, TextInput } from '@mantine/core';
import { useState } from 'react';
import { type Again, type Counted, type MeasureRow, percent, type ReportRow } from './data';
import look from './insight.module.css';

export default function Measures() {
  const t = useT();
  const list = useLoad<{ measures: readonly MeasureRow[]; missing: readonly string[] }>('/rooms/insight/measures');
  const reports = useLoad<{ reports: readonly ReportRow[] }>('/rooms/insight/reports');
  const [year, setYear] = useState(String(new Date().getFullYear() - 1));
  const { busy, problem, act } = useAct();
  useTitle(t('insight.measures'));
  const whole = /^(19|20)\d\d$/.test(year);
  return (
    <div className={look.page}>
      <h1 className={look.title}>{t('insight.measures')}</h1>
      <p className={look.quiet}>{t('insight.measures.note')}</p>
      {list.problem && <ProblemView problem={list.problem} retry={list.reload} />}
      {!list.value && !list.problem && <Waiting />}
      <div className={look.fields}>
        <TextInput label={t('insight.year')} value={year} inputMode="numeric" maxLength={4} onChange={(event) => setYear(event.currentTarget.value)} className={look.number} error={whole ? undefined : t('insight.year.wrong')} />
        {list.value && list.value.missing.length > 0 && (
          <Button variant="default" loading={busy} onClick={() => void act(api.post('/rooms/insight/measures'), list.reload)}>{t('insight.add', { n: list.value.missing.length })}</Button>
        )}
      </div>
      {problem && <ProblemView problem={problem} />}
      {list.value?.measures.length === 0 && <p className={look.plain}>{t('insight.measures.none')}</p>}
      <div className={look.cards}>
        {list.value?.measures.map((one) => <One key={one.id} one={one} year={whole ? year : ''} written={reports.reload} />)}
      </div>
      {reports.problem && <ProblemView problem={reports.problem} retry={reports.reload} />}
      {reports.value && reports.value.reports.length > 0 && (
        <section className={look.card} aria-label={t('insight.reports')}>
          <h2 className={look.subtitle}>{t('insight.reports')}</h2>
          {reports.value.reports.map((row) => <Report key={row.id} row={row} title={list.value?.measures.find((one) => one.id === row.measure)?.title ?? row.measure} />)}
        </section>
      )}
    </div>
  );
}

function One({ one, year, written }: { one: MeasureRow; year: string; written: () => void }) {
  const t = useT();
  const format = useFormat();
  const [found, setFound] = useState<Counted | null>(null);
  const { busy, problem, act } = useAct();
  const path = `/rooms/insight/measures/${one.id}`;
  return (
    <section className={look.card} aria-label={one.title}>
      <h2 className={look.subtitle}>{one.title}</h2>
      {one.why.length > 0 && (
        <>
          <p className={look.plain}>{t('insight.uncountable')}</p>
          <ul className={look.why}>{one.why.map((why) => <li key={why}>{why}</li>)}</ul>
        </>
      )}
      {one.why.length === 0 && (
        <div className={look.acts}>
          <Button size="sm" disabled={!year} loading={busy} onClick={() => void act(api.get<Counted>(`${path}/count`, { query: { year } }), setFound)}>{t('insight.count')}</Button>
          <Button size="sm" variant="default" disabled={!year || busy} onClick={() => void act(api.post<Counted>(`${path}/report`, undefined, { query: { year } }), (value) => { setFound(value); written(); })}>{t('insight.report')}</Button>
        </div>
      )}
      {problem && <ProblemView problem={problem} />}
      {found && (
        <div role="status" className={look.found}>
          <p className={look.big}>{found.hidden ? t('insight.hidden') : found.score === null ? t('insight.nobody') : percent(found.score, 1)}</p>
          <Lines title={t('insight.populations', { year: found.year })} of={found.title} heads={[t('insight.population'), t('insight.persons')]} rows={found.populations.map((each) => [each.text, each.count === null ? t('insight.masked') : format.number(each.count)])} />
          <p className={look.quiet}>{t('insight.position', { t: format.number(found.t), version: found.version })}</p>
        </div>
      )}
    </section>
  );
}

function Report({ row, title }: { row: ReportRow; title: string }) {
  const t = useT();
  const format = useFormat();
  const [again, setAgain] = useState<Again | null>(null);
  const { busy, problem, act } = useAct();
  return (
    <div className={look.report}>
      <p className={look.plain}>
        <strong>{title}</strong> · {row.year} · {row.score === null ? t('insight.masked') : percent(row.score, 1)} · {format.dateTime(row.date)}
      </p>
      <Button size="xs" variant="default" loading={busy} onClick={() => void act(api.get<Again>(`/rooms/insight/reports/${row.id}/again`), setAgain)}>{t('insight.again')}</Button>
      {again && <p role="status" className={look.plain}>{t(again.same ? 'insight.same' : 'insight.other.number', { t: format.number(again.t) })}</p>}
      {problem && <ProblemView problem={problem} />}
    </div>
  );
}
