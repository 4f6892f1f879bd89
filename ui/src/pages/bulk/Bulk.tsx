/** Exports and imports: what runs and how far it is, what is done and until when its files are there. */
import { Button } from '@mantine/core';
import { IconFileExport } from '@tabler/icons-react';
import { useState } from 'react';
import { api } from '../../net/client';
import { useEvery } from '../../net/useEvery';
import { useLoad } from '../../net/useLoad';
import { Ask } from '../../parts/Ask';
import { Panel } from '../../parts/Dialog';
import { Notice } from '../../parts/Notice';
import { ProblemView } from '../../parts/ProblemView';
import { useTitle } from '../../parts/useTitle';
import { Waiting } from '../../parts/Waiting';
import { learn, useT } from '../../words/words';
import page from '../pages.module.css';
import en from './en.json';
import { ExportForm } from './ExportForm';
import { Files } from './Files';
import { type Job, runs } from './job';
import { JobTable } from './JobTable';
import ko from './ko.json';

learn({ ko, en });

const OFTEN_MS = 2_000;
const SELDOM_MS = 15_000;

export type Doing = { what: 'files' | 'remove'; job: Job } | { what: 'export' } | null;

export default function Bulk() {
  const t = useT();
  const [busy, setBusy] = useState(false);
  const jobs = useLoad<{ items: Job[] }>('/api/jobs', {}, useEvery(busy ? OFTEN_MS : SELDOM_MS));
  const [doing, setDoing] = useState<Doing>(null);
  const running = jobs.value?.items.some(runs) ?? false;
  if (running !== busy) setBusy(running);
  useTitle(t('bulk.title'));
  const done = (): void => {
    setDoing(null);
    jobs.reload();
  };
  return (
    <div className={page.page}>
      <header className={page.head}>
        <h1 className={page.title}>{t('bulk.title')}</h1>
        <div className={page.buttons}>
          <Button leftSection={<IconFileExport size={17} />} onClick={() => setDoing({ what: 'export' })}>
            {t('bulk.export')}
          </Button>
        </div>
      </header>
      {jobs.value?.items.some((job) => job.mine && runs(job)) && <Notice tone="info" title={t('bulk.stay')} />}
      {jobs.problem && <ProblemView problem={jobs.problem} retry={jobs.reload} />}
      {!jobs.value && !jobs.problem && <Waiting />}
      {jobs.value && !jobs.problem && <JobTable jobs={jobs.value.items} act={setDoing} />}
      {doing?.what === 'export' && <ExportForm close={() => setDoing(null)} done={done} />}
      <Panel opened={doing?.what === 'files'} onClose={() => setDoing(null)} title={t('bulk.files')} size="lg">
        {doing?.what === 'files' && <Files job={doing.job} />}
      </Panel>
      {doing?.what === 'remove' && (
        <Ask title={t(runs(doing.job) ? 'bulk.cancel' : 'bulk.remove')} warning={t(runs(doing.job) ? 'bulk.cancel.text' : 'bulk.remove.text')} confirm={t(runs(doing.job) ? 'bulk.cancel' : 'bulk.remove')} grave act={() => api.delete(`/fhir/$job/${doing.job.id}`)} done={done} close={() => setDoing(null)} />
      )}
    </div>
  );
}
