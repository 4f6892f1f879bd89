/** What those who run the house look at in the morning: first what needs somebody, then every figure. */
import { Anchor } from '@mantine/core';
import { address } from '../../net/client';
import { useEvery } from '../../net/useEvery';
import { useLoad } from '../../net/useLoad';
import { Facts } from '../../parts/Facts';
import { ProblemView } from '../../parts/ProblemView';
import { Section } from '../../parts/Section';
import { State, useKnown } from '../../parts/State';
import { type Column, Table } from '../../parts/Table';
import { useTitle } from '../../parts/useTitle';
import { Waiting } from '../../parts/Waiting';
import { useFormat } from '../../words/format';
import { learn, useT } from '../../words/words';
import page from '../pages.module.css';
import en from './en.json';
import ko from './ko.json';
import { Matters } from './Matters';
import look from './operating.module.css';
import type { Standing } from './standing';

learn({ ko, en });

const EVERY_MS = 15_000;

export default function Operating() {
  const t = useT();
  const { value, problem, reload } = useLoad<Standing>('/api/operating', {}, useEvery(EVERY_MS));
  useTitle(t('run.title'));
  return (
    <div className={page.page}>
      <header className={page.head}>
        <h1 className={page.title}>{t('run.title')}</h1>
      </header>
      {problem && <ProblemView problem={problem} retry={reload} />}
      {!value && !problem && <Waiting />}
      {value && !problem && (
        <>
          <Matters standing={value} />
          <div className={look.parts}>
            <Parts standing={value} />
            <Backups standing={value} />
            <Following standing={value} />
            <Packets standing={value} />
            <Machine standing={value} />
          </div>
        </>
      )}
    </div>
  );
}

function Parts({ standing }: { standing: Standing }) {
  const t = useT();
  const known = useKnown();
  return (
    <Section title={t('run.health')} text={t('run.health.text')}>
      <Facts rows={Object.entries(standing.parts).map(([part, said]) => [known('run.part', part), <State key={part} family="run.said" code={said} tone={said === 'ok' ? 'good' : 'alert'} />] as const)} />
    </Section>
  );
}

function Backups({ standing: { backup } }: { standing: Standing }) {
  const t = useT();
  const format = useFormat();
  const ago = useAgo();
  const point = (at: Standing['backup']['last']) => at && `${format.dateTime(at.at)} (${ago(at.at)})`;
  return (
    <Section title={t('run.backup')} text={t('run.backup.text')}>
      <Facts
        rows={[
          [t('run.backup.last'), point(backup.last)],
          [t('run.backup.proved'), point(backup.proved)],
          [t('run.backup.position'), backup.last && format.number(backup.last.position)],
        ]}
      />
    </Section>
  );
}

type Follower = Standing['followers'][number];

function Following({ standing }: { standing: Standing }) {
  const t = useT();
  const format = useFormat();
  const known = useKnown();
  const columns: Column<Follower>[] = [
    { name: t('run.follower'), cell: (one) => known('run.follower', one.name) },
    { name: t('run.behind'), kind: 'number', cell: (one) => format.number(one.behind) },
    { name: t('run.state'), cell: (one) => <State family="run.runs" code={one.runs ? 'yes' : 'no'} tone={one.runs ? 'good' : 'alert'} /> },
  ];
  return (
    <Section title={t('run.following')} text={t('run.following.text', { head: format.number(standing.head), waiting: format.number(standing.waiting) })}>
      <Table title={t('run.following')} columns={columns} rows={standing.followers} keyOf={(one) => one.name} none="–" />
    </Section>
  );
}

function Packets({ standing: { packets } }: { standing: Standing }) {
  const t = useT();
  const format = useFormat();
  const ago = useAgo();
  if (!packets) return null;
  return (
    <Section title={t('run.packets')} text={t(packets.set ? 'run.packets.text' : 'run.packets.unset')}>
      {packets.set && (
        <Facts
          rows={[
            [t('run.packets.at'), packets.at && `${format.dateTime(packets.at)} (${ago(packets.at)})`],
            [t('run.packets.wards'), format.number(packets.wards)],
            [t('run.packets.minutes'), t('run.minutes', { n: packets.minutes })],
          ]}
        />
      )}
    </Section>
  );
}

const GIGABYTE = 1e9;

function Machine({ standing }: { standing: Standing }) {
  const t = useT();
  const format = useFormat();
  const ago = useAgo();
  const known = useKnown();
  const size = (bytes: number): string => (bytes < 0 ? '–' : `${format.number(Math.round(bytes / GIGABYTE))} GB`);
  return (
    <Section title={t('run.machine')}>
      <Facts
        rows={[
          [t('run.version'), standing.version],
          [t('run.python'), standing.python],
          [t('run.engine'), known('run.engine', standing.engine)],
          [t('run.since'), `${format.dateTime(standing.since)} (${ago(standing.since)})`],
          [t('run.witness'), t('run.seconds', { n: format.number(standing.witness) })],
          ...standing.folders.map(({ name, free }) => [t(`run.free.${name}`), size(free)] as const),
          [t('run.jobs'), t('run.jobs.n', { waiting: standing.jobs['requested'] ?? 0, running: standing.jobs['in-progress'] ?? 0, failed: standing.jobs['failed'] ?? 0 })],
          [t('run.bill'), <Anchor key="bill" href={address('/api/sbom')} download="onmaru-sbom.json">{t('run.bill.save')}</Anchor>],
        ]}
      />
    </Section>
  );
}

/** How long ago, as coarse as one says it. */
function useAgo(): (at: string) => string {
  const t = useT();
  return (at) => {
    const minutes = Math.max(0, Math.floor((Date.now() - new Date(at).getTime()) / 60_000));
    if (minutes < 60) return t('run.ago.minutes', { n: minutes });
    if (minutes < 48 * 60) return t('run.ago.hours', { n: Math.floor(minutes / 60) });
    return t('run.ago.days', { n: Math.floor(minutes / 1440) });
  };
}
