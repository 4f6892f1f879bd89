/** The coverage report: by table and code system, the codes without a concept, and that every row is counted. */
import { Cells, ProblemView, useFormat, useLoad, useT, useTitle, Waiting } from '@shell';
import { Balances } from './Balances';
import { Missing } from './Missing';
import { type Counted, type Report, share } from './data';
import look from './omop.module.css';

export default function Coverage() {
  const t = useT();
  const report = useLoad<Report>('/rooms/omop/coverage');
  useTitle(t('omop.title'));
  return (
    <div className={look.page}>
      <h1 className={look.title}>{t('omop.title')}</h1>
      {report.problem && <ProblemView problem={report.problem} retry={report.reload} />}
      {!report.value && !report.problem && <Waiting />}
      {report.value && <Shown report={report.value} onDecided={report.reload} />}
    </div>
  );
}

function Shown({ report, onDecided }: { report: Report; onDecided: () => void }) {
  const t = useT();
  const format = useFormat();
  const total = report.total;
  return (
    <>
      <p className={look.total}>
        {t('omop.total', {
          rows: format.number(total.rows),
          mapped: format.number(total.mapped),
          unmapped: format.number(total.unmapped),
          dropped: format.number(total.dropped),
        })}
      </p>
      {!report.loaded.includes('concept') && <p className={look.note}>{t('omop.unloaded')}</p>}
      <Tables rows={report.tables} />
      <Missing rows={report.unmapped} onDecided={onDecided} />
      <Balances rows={report.balance} />
    </>
  );
}

function Tables({ rows }: { rows: readonly Counted[] }) {
  const t = useT();
  const format = useFormat();
  const heads = ['table', 'system', 'rows', 'mapped_rows', 'share', 'codes', 'mapped_codes'];
  return (
    <Cells
      title={t('omop.tables')}
      heads={heads.map((name) => t(`omop.${name}`))}
      numbers={2}
      none={t('omop.none')}
      rows={rows.map((row) => ({
        key: `${row.table} ${row.system}`,
        cells: [
          row.table,
          row.system || t('omop.uncoded'),
          format.number(row.rows),
          format.number(row.mapped_rows),
          `${share(row.mapped_rows, row.rows)} %`,
          format.number(row.codes),
          format.number(row.mapped_codes),
        ],
      }))}
    />
  );
}
