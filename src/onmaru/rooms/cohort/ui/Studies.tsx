/** Asks what became of cohorts that were kept: a kind of study, its cohorts, and what was found with all that made it. */
import { api, type Problem, ProblemNote, ProblemView, useFormat, useLoad, useT, useTitle, Waiting } from '@shell';
import { Button, Checkbox, NativeSelect } from '@mantine/core';
import { IconDownload, IconPlayerPlay } from '@tabler/icons-react';
import { useState } from 'react';
import { Link } from 'react-router';
import { download, type Kept } from './data';
import { Numbered } from './EventForm';
import { Findings } from './Findings';
import { type Answer, type Kind, KINDS, ROLES, type Study } from './study';
import look from './cohort.module.css';

export default function Studies() {
  const t = useT();
  const kept = useLoad<{ cohorts: readonly Kept[] }>('/rooms/cohort/cohorts');
  useTitle(t('cohort.studies'));
  return (
    <div className={look.page}>
      <header className={look.head}>
        <h1 className={look.title}>{t('cohort.studies')}</h1>
        <Link to="/cohort">{t('cohort.title')}</Link>
      </header>
      {kept.problem && <ProblemView problem={kept.problem} retry={kept.reload} />}
      {!kept.value && !kept.problem && <Waiting />}
      {kept.value && kept.value.cohorts.length === 0 && <p className={look.quiet}>{t('cohort.studies.none')}</p>}
      {kept.value && kept.value.cohorts.length > 0 && <Asking kept={kept.value.cohorts} />}
    </div>
  );
}

type Chosen = Readonly<Record<string, string>>;

function Asking({ kept }: { kept: readonly Kept[] }) {
  const t = useT();
  const format = useFormat();
  const [kind, setKind] = useState<Kind>('survival');
  const [chosen, setChosen] = useState<Chosen>({ target: kept[0]?.id ?? '' });
  const [events, setEvents] = useState<readonly string[]>([]);
  const [days, setDays] = useState<number | undefined>(730);
  const [by, setBy] = useState<'' | 'sex' | 'age'>('');
  const [busy, setBusy] = useState(false);
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const of = (id: string | undefined) => kept.find((one) => one.id === id)?.definition;
  const { must, may } = ROLES[kind];
  const names = [...must, ...may].filter((one) => one !== 'events');
  const ready = [...must].every((one) => (one === 'events' ? events.length > 0 : chosen[one]));

  const ask = async (): Promise<void> => {
    const roles = Object.fromEntries(names.filter((one) => chosen[one]).map((one) => [one, chosen[one] === 'death' ? 'death' : of(chosen[one])]));
    const study = { format: 'onmaru study 1', kind, target: of(chosen['target']), days: days ?? 730, by, ...roles, ...(kind === 'pathways' ? { events: events.map(of) } : {}) } as Study;
    setBusy(true);
    const outcome = await api.post<Answer>('/rooms/cohort/study', study);
    setBusy(false);
    setAnswer(outcome.ok ? outcome.value : null);
    setProblem(outcome.ok ? null : outcome.problem);
  };

  const list = (role: string) => [
    ...(role === 'target' ? [] : [{ value: '', label: t('cohort.role.none') }]),
    ...(role === 'competing' ? [{ value: 'death', label: t('cohort.domain.death') }] : []),
    ...kept.map((one) => ({ value: one.id, label: one.name })),
  ];
  return (
    <div className={look.sides}>
      <section className={look.card} aria-label={t('cohort.study')}>
        <NativeSelect label={t('cohort.kind')} value={kind} onChange={(event) => { setKind(event.currentTarget.value as Kind); setAnswer(null); }} data={KINDS.map((one) => ({ value: one, label: t(`cohort.kind.${one}`) }))} />
        {['target', ...names].map((role) => (
          <NativeSelect key={role} label={t(`cohort.role.${role}`)} value={chosen[role] ?? ''} onChange={(event) => setChosen({ ...chosen, [role]: event.currentTarget.value })} data={list(role)} />
        ))}
        {kind === 'pathways' && (
          <fieldset className={look.event}>
            <legend>{t('cohort.role.events')}</legend>
            {kept.map((one) => (
              <Checkbox key={one.id} label={one.name} checked={events.includes(one.id)} onChange={() => setEvents(events.includes(one.id) ? events.filter((id) => id !== one.id) : [...events, one.id])} />
            ))}
          </fieldset>
        )}
        {!['characterisation', 'propensity'].includes(kind) && <Numbered label={t('cohort.days')} value={days} set={setDays} />}
        {['survival', 'incidence'].includes(kind) && <NativeSelect label={t('cohort.by')} value={by} onChange={(event) => setBy(event.currentTarget.value as 'sex')} data={['', 'sex', 'age'].map((one) => ({ value: one, label: t(`cohort.by.${one || 'none'}`) }))} />}
        <Button leftSection={<IconPlayerPlay size={17} />} loading={busy} disabled={!ready} onClick={() => void ask()}>{t('cohort.study.run')}</Button>
      </section>
      <section className={look.counts} aria-label={t('cohort.findings')}>
        {problem && <ProblemNote problem={problem} />}
        {!answer && !problem && <p className={look.quiet}>{t('cohort.study.ask')}</p>}
        {answer && (
          <>
            <h2 className={look.subtitle}>{t(`cohort.kind.${answer.kind}`)}</h2>
            <p className={look.quiet}>{answer.cohorts.map((one) => `${t(`cohort.role.${one.role.replace(/_\d+$/, 's').replace('eventss', 'events')}`)}: ${one.name} (${one.persons === null ? t('cohort.few') : format.number(one.persons)})`).join(' · ')}</p>
            <Findings answer={answer} />
            <div className={look.row}>
              <Button variant="default" leftSection={<IconDownload size={17} />} onClick={() => download(`${answer.kind}.json`, JSON.stringify(answer, null, 2))}>{t('cohort.save.result')}</Button>
              <span className={look.quiet}>{t('cohort.made', { t: format.number(answer.t), digest: answer.digest.slice(0, 16) })}</span>
            </div>
          </>
        )}
      </section>
    </div>
  );
}
