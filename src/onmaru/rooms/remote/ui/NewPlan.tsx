/** A new plan: for whom, what is measured or answered how often, between which limits, and how long silence may be. */
import { api, ProblemNote, useAct, useT, useTitle } from '@shell';
import { Button, NativeSelect, TextInput } from '@mantine/core';
import { IconTrash } from '@tabler/icons-react';
import { type FormEvent, useState } from 'react';
import { useNavigate } from 'react-router';
import look from './remote.module.css';
import { Whom } from './Whom';

/** The measures that data/measures.toml names. Limits are the clinician's: none is filled in. */
const MEASURES = [
  ['weight', 'http://loinc.org|29463-7', 'kg'],
  ['heart-rate', 'http://loinc.org|8867-4', '/min'],
  ['systolic', 'http://loinc.org|8480-6', 'mm[Hg]'],
  ['diastolic', 'http://loinc.org|8462-4', 'mm[Hg]'],
  ['oxygen-saturation', 'http://loinc.org|2708-6', '%'],
  ['temperature', 'http://loinc.org|8310-5', 'Cel'],
  ['respiratory-rate', 'http://loinc.org|9279-1', '/min'],
  ['glucose', 'http://loinc.org|15074-8', 'mmol/L'],
] as const;
const ZONE_OFFSET = '+09:00';
const DAY_MS = 86_400_000;

interface Doing {
  what: string;
  form: string;
  text: string;
  frequency: string;
  period: string;
  unit: string;
  low: string;
  high: string;
}

const FIRST: Doing = { what: 'weight', form: '', text: '', frequency: '1', period: '1', unit: 'd', low: '', high: '' };
const midnight = (): string => new Date(Date.now() + 9 * 3_600_000).toISOString().slice(0, 10);

export default function NewPlan() {
  const t = useT();
  const go = useNavigate();
  const { busy, problem, act } = useAct();
  const [patient, setPatient] = useState('');
  const [title, setTitle] = useState('');
  const [start, setStart] = useState(midnight);
  const [days, setDays] = useState('');
  const [silence, setSilence] = useState('');
  const [attempts, setAttempts] = useState('');
  const [doings, setDoings] = useState<readonly Doing[]>([FIRST]);
  useTitle(t('remote.new'));
  const change = (n: number, more: Partial<Doing>): void => setDoings((old) => old.map((one, at) => (at === n ? { ...one, ...more } : one)));
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const began = `${start}T00:00:00${ZONE_OFFSET}`;
    const end = days ? new Date(Date.parse(began) + Number(days) * DAY_MS).toISOString() : '';
    const activities = doings.map((one) => activity(one, t));
    const body = { patient: patient.trim(), title: title.trim(), start: began, end, silence_hours: Number(silence), attempts: Number(attempts), activities };
    void act(api.post<{ id: string }>('/rooms/remote/plans', body), ({ id }) => void go(`/remote/plans/${id}`));
  };
  const ready = [patient, title, silence, attempts].every((one) => one.trim() !== '') && doings.length > 0;
  return (
    <form className={look.page} onSubmit={submit}>
      <h1 className={look.title}>{t('remote.new')}</h1>
      <Whom chosen={patient} choose={setPatient} />
      <div className={look.fields}>
        <TextInput label={t('remote.name')} value={title} maxLength={200} autoComplete="off" onChange={(event) => setTitle(event.currentTarget.value)} />
        <TextInput type="date" label={t('remote.start')} value={start} onChange={(event) => setStart(event.currentTarget.value)} />
        <TextInput label={t('remote.days')} inputMode="numeric" value={days} maxLength={4} autoComplete="off" onChange={(event) => setDays(event.currentTarget.value.replace(/\D/g, ''))} />
        <TextInput label={t('remote.silence.hours')} inputMode="numeric" value={silence} maxLength={4} autoComplete="off" onChange={(event) => setSilence(event.currentTarget.value.replace(/\D/g, ''))} />
        <TextInput label={t('remote.attempts')} inputMode="numeric" value={attempts} maxLength={2} autoComplete="off" onChange={(event) => setAttempts(event.currentTarget.value.replace(/\D/g, ''))} />
      </div>
      {doings.map((one, n) => (
        <Line key={n} doing={one} change={(more) => change(n, more)} remove={() => setDoings((old) => old.filter((_, at) => at !== n))} />
      ))}
      <p className={look.quiet}>{t('remote.limits.text')}</p>
      {problem && <ProblemNote problem={problem} />}
      <div className={look.fields}>
        <Button variant="default" onClick={() => setDoings((old) => [...old, FIRST])}>{t('remote.add')}</Button>
        <Button type="submit" loading={busy} disabled={!ready}>{t('remote.write')}</Button>
      </div>
    </form>
  );
}

function activity(one: Doing, t: ReturnType<typeof useT>): object {
  const measure = MEASURES.find(([name]) => name === one.what);
  const rhythm = { frequency: Number(one.frequency), period: Number(one.period), unit: one.unit };
  if (!measure) return { text: one.text.trim(), form: one.form.trim(), ...rhythm };
  const [name, code, unit] = measure;
  const ends = { ...(one.low.trim() && { low: Number(one.low) }), ...(one.high.trim() && { high: Number(one.high) }) };
  const limits = Object.keys(ends).length > 0 ? [{ unit, ...ends }] : [];
  return { text: one.text.trim() || t(`remote.measure.${name}`), measure: code, ...rhythm, limits };
}

function Line({ doing, change, remove }: { doing: Doing; change: (more: Partial<Doing>) => void; remove: () => void }) {
  const t = useT();
  const measured = doing.what !== 'form';
  const set = (name: keyof Doing) => (event: { currentTarget: { value: string } }) => change({ [name]: event.currentTarget.value });
  return (
    <fieldset className={look.doing}>
      <NativeSelect label={t('remote.what')} value={doing.what} onChange={set('what')} data={[...MEASURES.map(([name, , unit]) => ({ value: name, label: `${t(`remote.measure.${name}`)} (${unit})` })), { value: 'form', label: t('remote.form') }]} />
      {!measured && <TextInput label={t('remote.form.url')} value={doing.form} maxLength={200} autoComplete="off" onChange={set('form')} />}
      {!measured && <TextInput label={t('remote.text')} value={doing.text} maxLength={200} autoComplete="off" onChange={set('text')} />}
      <TextInput label={t('remote.frequency')} inputMode="numeric" value={doing.frequency} maxLength={2} onChange={set('frequency')} />
      <TextInput label={t('remote.period')} inputMode="numeric" value={doing.period} maxLength={3} onChange={set('period')} />
      <NativeSelect label={t('remote.unit')} value={doing.unit} onChange={set('unit')} data={['h', 'd', 'wk'].map((one) => ({ value: one, label: t(`remote.unit.${one}`) }))} />
      {measured && <TextInput label={t('remote.low')} inputMode="decimal" value={doing.low} maxLength={12} autoComplete="off" onChange={set('low')} />}
      {measured && <TextInput label={t('remote.high')} inputMode="decimal" value={doing.high} maxLength={12} autoComplete="off" onChange={set('high')} />}
      <Button variant="default" aria-label={t('remote.remove')} onClick={remove}><IconTrash size={18} /></Button>
    </fieldset>
  );
}
