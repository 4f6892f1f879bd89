/** Case review: a patient's course played at any speed. The page shows what was known at the moment it stands at, never more. */
import { Dialog, Notice, ProblemNote, useFormat, useLoad, useT, useTitle, Waiting } from '@shell';
import { Button, NativeSelect, TextInput } from '@mantine/core';
import { IconPlayerPause, IconPlayerPlay, IconPlayerTrackNext, IconPlayerTrackPrev } from '@tabler/icons-react';
import { type FormEvent, useMemo, useState } from 'react';
import { useParams, useSearchParams } from 'react-router';
import { Course } from './Course';
import { iso } from './data';
import { Export } from './Export';
import { beside, known, knownAfter, type Replay, SPEEDS } from './replay';
import look from './review.module.css';
import { Log, Now } from './ReviewNow';
import { usePlaying } from './usePlaying';

const HOUR = 3_600_000;
const MINUTE_US = 60_000_000;
const instant = (at: number): string => new Date(at).toISOString();

export default function Review() {
  const t = useT();
  const { id = '' } = useParams();
  const [asked, ask] = useSearchParams();
  const [opened] = useState(() => Date.now());
  const window = { from: asked.get('from') ?? instant(opened - 24 * HOUR), to: asked.get('to') ?? instant(opened) };
  const { value, problem } = useLoad<Replay>(`/rooms/monitor/patients/${encodeURIComponent(id)}/replay`, window);
  useTitle(t('monitor.review'));
  return (
    <div className={look.page}>
      <h1 className={look.title}>{t('monitor.review')}</h1>
      <Whose patient={id} />
      <Window {...window} choose={(from, to) => ask({ from, to })} />
      {problem && <ProblemNote problem={problem} />}
      {!value && !problem && <Waiting />}
      {value?.refused && <Notice tone="warn" title={t('monitor.review.refused')} />}
      {value && !value.refused && <Player key={`${value.from} ${value.to}`} replay={value} patient={id} />}
    </div>
  );
}

interface Person {
  name?: readonly { text?: string; family?: string; given?: readonly string[] }[];
  identifier?: readonly { value?: string }[];
  birthDate?: string;
  gender?: string;
}

/** Whose case it is, as the chart says today. */
function Whose({ patient }: { patient: string }) {
  const format = useFormat();
  const { value } = useLoad<Person>(`/fhir/Patient/${encodeURIComponent(patient)}`);
  const name = value?.name?.[0];
  const called = name?.text ?? [...(name?.given ?? []), name?.family ?? ''].join(' ').trim();
  const facts = value ? [value.identifier?.[0]?.value, format.date(value.birthDate), format.sex(value.gender)] : [];
  return (
    <p className={look.whose}>
      <strong>{called}</strong> {facts.filter(Boolean).join(' · ')}
    </p>
  );
}

const local = (text: string): string => text.replace(' ', 'T').slice(0, 16);
const ZONE_OFFSET = '+09:00';

function Window({ from, to, choose }: { from: string; to: string; choose: (from: string, to: string) => void }) {
  const t = useT();
  const format = useFormat();
  const [start, setStart] = useState(() => local(format.dateTime(from)));
  const [end, setEnd] = useState(() => local(format.dateTime(to)));
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    choose(`${start}:00${ZONE_OFFSET}`, `${end}:00${ZONE_OFFSET}`);
  };
  return (
    <form className={look.window} onSubmit={submit}>
      <TextInput type="datetime-local" label={t('monitor.review.from')} value={start} onChange={(event) => setStart(event.currentTarget.value)} />
      <TextInput type="datetime-local" label={t('monitor.review.to')} value={end} onChange={(event) => setEnd(event.currentTarget.value)} />
      <Button type="submit" variant="default" disabled={!(start < end)}>{t('monitor.review.show')}</Button>
    </form>
  );
}

function Player({ replay, patient }: { replay: Replay; patient: string }) {
  const t = useT();
  const format = useFormat();
  const [speed, setSpeed] = useState(300);
  const [taking, setTaking] = useState(false);
  const { at, playing, go, toggle } = usePlaying(replay.from, replay.to, speed);
  const count = known(replay.events, at);
  const now = useMemo(() => knownAfter(replay.events, count), [replay, count]);
  const keys = (event: React.KeyboardEvent): void => {
    const step = { PageUp: -60, PageDown: 60, ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    go(at + step * MINUTE_US);
  };
  return (
    <>
      <p className={look.law}>
        <strong>{t('monitor.review.known', { at: format.dateTime(iso(at), true) })}</strong> {t('monitor.review.law')}
      </p>
      <div className={look.controls} role="group" aria-label={t('monitor.review.controls')}>
        <Button variant="default" aria-label={t('monitor.review.before')} onClick={() => go(beside(replay.events, at, -1))}><IconPlayerTrackPrev size={18} /></Button>
        <Button onClick={toggle} leftSection={playing ? <IconPlayerPause size={18} /> : <IconPlayerPlay size={18} />}>{t(playing ? 'monitor.review.pause' : 'monitor.review.play')}</Button>
        <Button variant="default" aria-label={t('monitor.review.after')} onClick={() => go(beside(replay.events, at, 1))}><IconPlayerTrackNext size={18} /></Button>
        <NativeSelect aria-label={t('monitor.review.speed')} value={String(speed)} onChange={(event) => setSpeed(Number(event.currentTarget.value))} data={SPEEDS.map((one) => ({ value: String(one), label: `${format.number(one)}×` }))} />
        <Button variant="default" className={look.take} onClick={() => setTaking(true)}>{t('monitor.review.export')}</Button>
      </div>
      <input className={look.scrub} type="range" min={replay.from} max={replay.to} step={1_000_000} value={at} aria-label={t('monitor.review.moment')} aria-valuetext={format.dateTime(iso(at), true)} onKeyDown={keys} onChange={(event) => go(Number(event.currentTarget.value))} />
      <Course replay={replay} known={now} at={at} go={go} />
      <div className={look.sides}>
        <Now known={now} at={at} fresh={replay.fresh} />
        <Log events={replay.events} known={now} from={replay.from} />
      </div>
      <Dialog opened={taking} onClose={() => setTaking(false)} title={t('monitor.review.export')}>
        <Export patient={patient} from={iso(replay.from)} to={iso(replay.to)} done={() => setTaking(false)} />
      </Dialog>
    </>
  );
}
