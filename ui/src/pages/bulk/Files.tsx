/** The files of a job that is done: each of one type, there until they expire. */
import { Anchor } from '@mantine/core';
import { useLoad } from '../../net/useLoad';
import { Facts } from '../../parts/Facts';
import { ProblemView } from '../../parts/ProblemView';
import '../../parts/scopeStrings';
import { useKnown } from '../../parts/State';
import { type Column, Table } from '../../parts/Table';
import tables from '../../parts/table.module.css';
import { Waiting } from '../../parts/Waiting';
import { useFormat } from '../../words/format';
import { useT } from '../../words/words';
import look from './bulk.module.css';
import { type File, type Job, local, type Manifest } from './job';

type Listed = File & { key: string; of: 'output' | 'deleted' | 'error' };

export function Files({ job }: { job: Job }) {
  const t = useT();
  const format = useFormat();
  const known = useKnown();
  const { value, problem, reload } = useLoad<Manifest>(`/fhir/$job/${job.id}`);
  if (problem) return <ProblemView problem={problem} retry={reload} />;
  if (!value) return <Waiting />;
  const files: Listed[] = (['output', 'deleted', 'error'] as const).flatMap((of) =>
    (value[of] ?? []).map((file, n) => ({ ...file, of, key: `${of} ${n}` })),
  );
  const columns: Column<Listed>[] = [
    {
      name: t('bulk.file'),
      cell: (file) => (
        <>
          {known('type', file.type)} {file.of !== 'output' && <span className={tables.quiet}>{t(`bulk.of.${file.of}`)}</span>}
          {file.inputUrl && <div className={`${tables.quiet} mono`}>{file.inputUrl}</div>}
        </>
      ),
    },
    { name: t('bulk.lines'), kind: 'number', cell: (file) => (file.count === undefined ? '–' : format.number(file.count)) },
    {
      name: t('bulk.take'),
      cell: (file) =>
        file.url ? (
          <Anchor href={local(file.url)} download={name(file, job)}>
            {t('bulk.save')}
          </Anchor>
        ) : (
          '–'
        ),
    },
  ];
  return (
    <div className={look.files}>
      <Facts rows={[[t('bulk.true'), format.dateTime(value.transactionTime, true)], [t('bulk.expires'), format.dateTime(job.expires)]]} />
      <Table title={t('bulk.files')} columns={columns} rows={files} keyOf={(file) => file.key} none={t('bulk.files.none')} />
    </div>
  );
}

const name = (file: Listed, job: Job): string => `${file.type}-${file.key.replace(' ', '-')}-${job.id.slice(0, 8)}.ndjson`;
