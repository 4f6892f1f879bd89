/** Jobs, newest first. Only who began one is told what it asked for, and may take its files or stop it. */
import { Button } from '@mantine/core';
import { State } from '../../parts/State';
import { type Column, Table } from '../../parts/Table';
import tables from '../../parts/table.module.css';
import { useFormat } from '../../words/format';
import { useT } from '../../words/words';
import page from '../pages.module.css';
import type { Doing } from './Bulk';
import look from './bulk.module.css';
import { asked, type Job, runs, tones } from './job';

export function JobTable({ jobs, act }: { jobs: readonly Job[]; act: (doing: Doing) => void }) {
  const t = useT();
  const format = useFormat();
  const columns: Column<Job>[] = [
    {
      name: t('bulk.what'),
      cell: (job) => (
        <>
          {t(`bulk.kind.${job.kind}`)} {job.request && <div className={`${tables.quiet} mono`}>{asked(job.request)}</div>}
        </>
      ),
    },
    { name: t('bulk.state'), cell: (job) => <Progress job={job} /> },
    { name: t('bulk.who'), cell: (job) => `${job.user}${job.client ? ` · ${job.client}` : ''}${job.mine ? ` ${t('users.you')}` : ''}` },
    { name: t('bulk.at'), kind: 'line', cell: (job) => format.dateTime(job.at) },
    { name: t('bulk.expires'), kind: 'line', cell: (job) => format.dateTime(job.expires) || '–' },
    {
      name: t('users.actions'),
      kind: 'acts',
      cell: (job) =>
        job.mine && (
          <div className={page.buttons}>
            {job.status === 'completed' && (
              <Button size="compact-sm" variant="default" onClick={() => act({ what: 'files', job })} aria-label={t('bulk.files.of', { at: format.dateTime(job.at) })}>
                {t('bulk.files')}
              </Button>
            )}
            <Button size="compact-sm" variant="default" onClick={() => act({ what: 'remove', job })} aria-label={t(runs(job) ? 'bulk.cancel.of' : 'bulk.remove.of', { at: format.dateTime(job.at) })}>
              {t(runs(job) ? 'bulk.cancel' : 'bulk.remove')}
            </Button>
          </div>
        ),
    },
  ];
  return <Table title={t('bulk.title')} columns={columns} rows={jobs} keyOf={(job) => job.id} none={t('bulk.none')} />;
}

function Progress({ job }: { job: Job }) {
  const t = useT();
  return (
    <div className={look.progress}>
      <State family="bulk.state" code={job.status} tone={tones[job.status]} />
      {job.progress && (
        <>
          <progress max={100} value={parseInt(job.progress, 10)} aria-label={t('bulk.progress')} /> {job.progress}
        </>
      )}
      {job.reason && <div className={tables.quiet}>{job.reason}</div>}
    </div>
  );
}
