/** One patient at the bedside: what is live, the score with its parts, open alerts, and the course from minutes to months. */
import { Notice, Panel, PatientBanner, ProblemView, useFormat, useLoad, useT, useTitle, Waiting } from '@shell';
import { Button, SegmentedControl } from '@mantine/core';
import { IconArrowLeft, IconChevronLeft, IconChevronRight } from '@tabler/icons-react';
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from 'react';
import { Link, useParams, useSearchParams } from 'react-router';
import { AlertList } from '../AlertList';
import { AlertPanel } from '../AlertPanel';
import { Risks, useRisks } from '../Risks';
import { SoundSwitch } from '../SoundSwitch';
import { heard, useLoud } from '../useLoud';
import { useShown } from '../useShown';
import { useSounding, waiting } from '../useSounding';
import { Value } from '../wall/List';
import { useRow } from '../wall/rows';
import { useAlerts } from '../wall/useAlerts';
import { useWall, type Wall } from '../wall/useWall';
import { useWords } from '../wall/useWords';
import look from './bedside.module.css';
import { Score } from './Score';
import { type Course, SPANS, spanOf } from './trend';
import { Trends } from './Trends';
import { useNow } from './useNow';

const drawable = typeof HTMLCanvasElement !== 'undefined' && 'transferControlToOffscreen' in HTMLCanvasElement.prototype;

interface Person {
  name?: readonly { text?: string; family?: string; given?: readonly string[] }[];
  identifier?: readonly { value?: string }[];
  birthDate?: string;
  gender?: string;
}

export default function Bedside() {
  const t = useT();
  const { patient = '' } = useParams();
  const host = useRef<HTMLDivElement>(null);
  const loud = useLoud();
  const [chosen, setChosen] = useState('');
  const wall = useWall({ patient }, host, drawable, useWords());
  const around = useAlerts('', 1);
  const risks = useRisks();
  const mine = useMemo(() => around.alerts.filter((one) => one.patient === patient), [around.alerts, patient]);
  const person = useLoad<Person>(`/fhir/Patient/${encodeURIComponent(patient)}`);
  useTitle(t('monitor.bedside'));
  useShown(mine);
  useSounding(heard(loud), wall.silent > 0 || wall.still.length > 0 ? 'silent' : waiting(mine, around.at)[0]?.urgency);
  if (person.problem) return <ProblemView whole problem={person.problem} patient={patient} />;
  return (
    <div className={look.page}>
      <Who patient={patient} person={person.value} bed={around.beds.get(patient)} />
      <div className={look.actions}>
        <Button component={Link} to="/wall" variant="default" size="sm" leftSection={<IconArrowLeft size={16} />}>{t('monitor.wall.title')}</Button>
        <Button component={Link} to={`/patients/${patient}`} variant="default" size="sm">{t('monitor.chart')}</Button>
        <SoundSwitch loud={loud} />
      </div>
      <Matters wall={wall} />
      <div className={look.sides}>
        <section className={look.live} aria-labelledby="bedside-live">
          <h2 id="bedside-live" className={look.subtitle}>{t('monitor.bedside.live')}</h2>
          {drawable && <div ref={host} className={look.picture} hidden={wall.refused > 0} />}
          <Numbers wall={wall} patient={patient} />
        </section>
        <Score wall={wall} patient={patient} />
      </div>
      {mine.some((one) => one.open) && <AlertList alerts={mine} now={around.at} open={setChosen} />}
      <Risks risks={risks[patient] ?? []} />
      <Over patient={patient} />
      <Panel opened={chosen !== ''} onClose={() => setChosen('')} title={t('monitor.alert')} size="lg">
        {chosen && <AlertPanel key={chosen} id={chosen} now={around.at} silent={wall.silent > 0} changed={() => undefined} close={() => setChosen('')} />}
      </Panel>
    </div>
  );
}

function Who({ patient, person, bed }: { patient: string; person: Person | null; bed: { wardName: string; bed: string } | undefined }) {
  const name = person?.name?.[0];
  const called = name?.text ?? [...(name?.given ?? []), name?.family ?? ''].join(' ').trim();
  return <PatientBanner patient={{ id: patient, name: called, birthDate: person?.birthDate ?? null, gender: person?.gender ?? null, identifier: person?.identifier?.[0]?.value ?? null, ward: bed?.wardName ?? null, bed: bed?.bed ?? null }} />;
}

function Matters({ wall }: { wall: Wall }) {
  const t = useT();
  if (wall.refused === 404 || wall.refused === 503) return <Notice tone="info" title={t('monitor.wall.absent')} />;
  if (wall.refused > 0) return <Notice tone="warn" title={t('monitor.refused')} />;
  if (wall.silent > 0) return <Notice tone="alert" title={t('monitor.silent', { n: Math.round(wall.silent / 1000) })}>{t('monitor.silent.text')}</Notice>;
  return wall.still.length > 0 ? <Notice tone="alert" title={t('monitor.wall.silent')} /> : null;
}

/** The live numbers in words, each with its age once it is old. */
function Numbers({ wall, patient }: { wall: Wall; patient: string }) {
  const t = useT();
  const row = useRow(wall.rows, patient);
  if (!row || row.values.length === 0) return <p className={look.quiet}>{t('monitor.wall.none')}</p>;
  return (
    <p className={look.numbers} data-silent={wall.silent > 0}>
      {row.values.map((one) => <Value key={one.measure} one={one} />)}
    </p>
  );
}

/** The course over a time that is chosen: by buttons, or by arrow keys, plus and minus. */
function Over({ patient }: { patient: string }) {
  const t = useT();
  const format = useFormat();
  const [asked, ask] = useSearchParams();
  const now = useNow();
  const name = SPANS.some(([one]) => one === asked.get('span')) ? (asked.get('span') as string) : '24h';
  const length = SPANS.find(([one]) => one === name)?.[1] ?? 0;
  const end = Number(asked.get('end')) || now;
  const { from, to } = spanOf(length, end, now);
  const [iso0, iso1] = [from, to].map((at) => new Date(at / 1000).toISOString());
  const { value, problem } = useLoad<Course>(`/rooms/monitor/patients/${encodeURIComponent(patient)}/course`, { from: iso0, to: iso1 });
  const [kept, keep] = useState<Course | null>(null);
  useEffect(() => {
    if (value) keep(value);
  }, [value]);
  const go = (span: string, at: number): void => ask({ span, ...(at < now - 60_000_000 ? { end: String(at) } : {}) }, { replace: true });
  const keys = (event: KeyboardEvent<HTMLElement>): void => {
    const place = SPANS.findIndex(([one]) => one === name);
    // Among the buttons of a choice arrows go from one to the next
    const choosing = (event.target as HTMLElement).matches('input') && event.key.startsWith('Arrow');
    if (choosing || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === 'ArrowLeft') go(name, to - length / 2);
    else if (event.key === 'ArrowRight') go(name, to + length / 2);
    else if (event.key === '+' || event.key === '=') go(SPANS[Math.max(0, place - 1)]?.[0] ?? name, to);
    else if (event.key === '-') go(SPANS[Math.min(SPANS.length - 1, place + 1)]?.[0] ?? name, to);
    else return;
    event.preventDefault();
  };
  const shown = value ?? kept;
  return (
    <section className={look.over} aria-labelledby="bedside-course" onKeyDown={keys}>
      <header className={look.head}>
        <h2 id="bedside-course" className={look.subtitle}>{t('monitor.bedside.course')}</h2>
        <SegmentedControl aria-label={t('monitor.bedside.span')} size="sm" value={name} onChange={(span) => go(span, to)} data={SPANS.map(([value]) => ({ value, label: t(`monitor.bedside.span.${value}`) }))} />
        <Button variant="default" size="sm" aria-label={t('monitor.bedside.earlier')} onClick={() => go(name, to - length / 2)}><IconChevronLeft size={18} /></Button>
        <Button variant="default" size="sm" aria-label={t('monitor.bedside.later')} disabled={!asked.has('end')} onClick={() => go(name, to + length / 2)}><IconChevronRight size={18} /></Button>
        {asked.has('end') && <Button variant="light" size="sm" onClick={() => go(name, now)}>{t('monitor.bedside.now')}</Button>}
        <span className={look.quiet}>{format.dateTime(iso0)} – {format.dateTime(iso1)}</span>
      </header>
      {problem && <ProblemView problem={problem} />}
      {!shown && !problem && <Waiting />}
      {shown && <Trends course={shown} />}
    </section>
  );
}
