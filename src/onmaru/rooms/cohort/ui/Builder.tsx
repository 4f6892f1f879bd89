/** Draws a definition and counts it: concept sets, entry, rules, leaving; on the other side who is left after each rule. */
import { api, Notice, type Problem, ProblemNote, useT, useTitle } from '@shell';
import { Button, NativeSelect, Tabs, TextInput } from '@mantine/core';
import { IconDeviceFloppy, IconDownload, IconPlayerPlay, IconPlayerStop, IconPlus, IconUpload } from '@tabler/icons-react';
import { useRef, useState } from 'react';
import { Link } from 'react-router';
import { Attrition } from './Attrition';
import { blank, type Definition, download, type Event, type Found, isOurs, opened, put, type Said } from './data';
import { EventForm, Numbered } from './EventForm';
import { RuleCard } from './RuleCard';
import { Sets } from './Sets';
import look from './cohort.module.css';

export default function Builder() {
  const t = useT();
  const [said, setSaid] = useState<Said>(blank);
  const [note, setNote] = useState('');
  useTitle(t('cohort.title'));
  const run = useRun(said);
  const take = (next: Said): void => {
    setSaid(next);
    setNote('');
  };
  return (
    <div className={look.page}>
      <header className={look.head}>
        <h1 className={look.title}>{t('cohort.title')}</h1>
        <Link to="/cohort/studies">{t('cohort.studies')}</Link>
      </header>
      <Files said={said} take={take} problem={() => setNote(t('cohort.open.wrong'))} found={run.found} kept={(name) => setNote(t('cohort.kept', { name }))} />
      {note && <Notice tone="info" onClose={() => setNote('')}>{note}</Notice>}
      <div className={look.sides}>
        <div className={look.draft}>
          {isOurs(said) ? <Draft said={said} set={setSaid} /> : <Notice tone="info" title={t('cohort.circe')}>{t('cohort.circe.text')}</Notice>}
        </div>
        <section className={look.counts} aria-label={t('cohort.counts')}>
          <div className={look.row}>
            <Button leftSection={<IconPlayerPlay size={17} />} loading={run.busy} onClick={run.start}>{t('cohort.run')}</Button>
            {run.busy && <Button variant="default" leftSection={<IconPlayerStop size={17} />} onClick={run.stop}>{t('cohort.stop')}</Button>}
          </div>
          {run.problem && <ProblemNote problem={run.problem} />}
          {run.problem && run.problem.issues.length > 1 && (
            <ul>{run.problem.issues.map((issue) => <li key={`${issue.path} ${issue.text}`}>{`${issue.path} ${issue.text}`}</li>)}</ul>
          )}
          {run.found && <Shown found={run.found} />}
          {!run.found && !run.problem && <p className={look.quiet}>{t('cohort.none')}</p>}
        </section>
      </div>
    </div>
  );
}

function useRun(said: Said) {
  const [found, setFound] = useState<Found | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [name, setName] = useState('');
  const start = async (): Promise<void> => {
    const run = crypto.randomUUID();
    setName(run);
    setProblem(null);
    const outcome = await api.post<Found>('/rooms/cohort/run', said, { query: { run } });
    setName('');
    setFound(outcome.ok ? outcome.value : null);
    if (!outcome.ok) setProblem(outcome.problem);
  };
  const stop = (): void => void api.delete(`/rooms/cohort/run/${name}`);
  return { found, problem, busy: name !== '', start: () => void start(), stop };
}

interface FilesProps {
  said: Said;
  take: (said: Said) => void;
  problem: () => void;
  found: Found | null;
  kept: (name: string) => void;
}

function Files({ said, take, problem, found, kept }: FilesProps) {
  const t = useT();
  const input = useRef<HTMLInputElement>(null);
  const [refused, setRefused] = useState<Problem | null>(null);
  const open = async (file: File | undefined): Promise<void> => {
    const next = file ? opened(await file.text()) : null;
    if (next) take(next);
    else problem();
  };
  const circe = async (): Promise<void> => {
    const outcome = await api.post<{ circe: unknown }>('/rooms/cohort/circe', said);
    setRefused(outcome.ok ? null : outcome.problem);
    if (outcome.ok) download('circe.json', JSON.stringify(outcome.value.circe, null, 2));
  };
  const keep = async (): Promise<void> => {
    const outcome = await api.post<{ name: string }>('/rooms/cohort/cohorts', said);
    setRefused(outcome.ok ? null : outcome.problem);
    if (outcome.ok) kept(outcome.value.name);
  };
  const result = (): void => {
    if (!found) return;
    const { sql, ...rest } = found;
    download('cohort-result.json', JSON.stringify({ definition: said, result: rest, sql }, null, 2));
  };
  return (
    <>
      <div className={look.row}>
        <input ref={input} type="file" accept=".json,application/json" hidden aria-label={t('cohort.open')} onChange={(event) => void open(event.currentTarget.files?.[0])} />
        <Button variant="default" leftSection={<IconPlus size={17} />} onClick={() => take(blank())}>{t('cohort.new')}</Button>
        <Button variant="default" leftSection={<IconUpload size={17} />} onClick={() => input.current?.click()}>{t('cohort.open')}</Button>
        <Button variant="default" leftSection={<IconDownload size={17} />} onClick={() => download('definition.json', JSON.stringify(said, null, 2))}>{t('cohort.save')}</Button>
        <Button variant="default" leftSection={<IconDownload size={17} />} onClick={() => void circe()}>{t('cohort.save.circe')}</Button>
        <Button variant="default" leftSection={<IconDownload size={17} />} onClick={result} disabled={!found}>{t('cohort.save.result')}</Button>
        <Button variant="default" leftSection={<IconDeviceFloppy size={17} />} onClick={() => void keep()} disabled={!found}>{t('cohort.keep')}</Button>
      </div>
      {refused && <ProblemNote problem={refused} />}
    </>
  );
}

function Draft({ said, set }: { said: Definition; set: (said: Definition) => void }) {
  const t = useT();
  const entry = (part: Partial<Definition['entry']>): void => set({ ...said, entry: { ...said.entry, ...part } });
  const sets = Object.keys(said.concepts);
  const fresh: Event = { domain: 'condition', first: true };
  return (
    <>
      <TextInput label={t('cohort.name')} value={said.name} maxLength={200} onChange={(event) => set({ ...said, name: event.currentTarget.value })} />
      <Sets said={said} set={set} />
      <section className={look.card}>
        <h2 className={look.subtitle}>{t('cohort.entry')}</h2>
        {said.entry.events.map((event, place) => (
          <EventForm key={place} label={t('cohort.event', { n: place + 1 })} event={event} sets={sets} set={(one) => entry({ events: put(said.entry.events, place, one) })} alone={said.entry.events.length === 1} />
        ))}
        <div className={look.row}>
          <Button size="compact-sm" variant="default" onClick={() => entry({ events: [...said.entry.events, fresh] })}>{t('cohort.entry.or')}</Button>
        </div>
        <div className={look.fields}>
          <Numbered label={t('cohort.before')} value={said.entry.before} set={(before) => entry({ before: before ?? 0 })} />
          <Numbered label={t('cohort.after')} value={said.entry.after} set={(after) => entry({ after: after ?? 0 })} />
          <NativeSelect label={t('cohort.which')} value={said.entry.which} onChange={(event) => entry({ which: event.currentTarget.value as 'first' })} data={['first', 'last', 'all'].map((one) => ({ value: one, label: t(`cohort.which.${one}`) }))} />
        </div>
      </section>
      {said.rules.map((rule, place) => (
        <RuleCard key={place} rule={rule} place={place} sets={sets} set={(one) => set({ ...said, rules: put(said.rules, place, one) })} />
      ))}
      <div className={look.row}>
        <Button variant="default" leftSection={<IconPlus size={17} />} onClick={() => set({ ...said, rules: [...said.rules, { name: t('cohort.rule.new', { n: said.rules.length + 1 }), match: 'all', events: [], people: [] }] })}>{t('cohort.rule.add')}</Button>
      </div>
      <section className={look.card}>
        <h2 className={look.subtitle}>{t('cohort.leaving')}</h2>
        <div className={look.fields}>
          <NativeSelect label={t('cohort.leaving.by')} value={said.leaving.by} onChange={(event) => set({ ...said, leaving: { ...said.leaving, by: event.currentTarget.value as 'days' } })} data={['observation', 'days'].map((one) => ({ value: one, label: t(`cohort.leaving.${one}`) }))} />
          {said.leaving.by === 'days' && <Numbered label={t('cohort.days')} value={said.leaving.days} set={(days) => set({ ...said, leaving: { ...said.leaving, days: days ?? 0 } })} />}
        </div>
      </section>
    </>
  );
}

function Shown({ found }: { found: Found }) {
  const t = useT();
  return (
    <Tabs defaultValue="counts">
      <Tabs.List>
        <Tabs.Tab value="counts">{t('cohort.attrition')}</Tabs.Tab>
        <Tabs.Tab value="sql">SQL</Tabs.Tab>
      </Tabs.List>
      <Tabs.Panel value="counts"><Attrition found={found} /></Tabs.Panel>
      <Tabs.Panel value="sql"><pre className={look.sql} tabIndex={0} aria-label="SQL">{found.sql}</pre></Tabs.Panel>
    </Tabs>
  );
}
