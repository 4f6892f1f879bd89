/** One plan: how it stands, what asks for somebody, what came against its limits and when, and the calls that were made. */
import { api, Notice, ProblemNote, useAct, useFormat, useLive, useLoad, useT, useTitle, Waiting } from '@shell';
import { Button, NativeSelect, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { Link, useParams } from 'react-router';
import { Calendar } from './Calendar';
import { type Attention, type Contact, iso, type Line, span, type Whole } from './data';
import look from './remote.module.css';
import { State } from './State';
import { Trend } from './Trend';

const HOW = ['phone', 'message', 'visit'] as const;

export default function PlanPage() {
  const t = useT();
  const { id = '' } = useParams();
  const { tick } = useLive(null, ['CarePlan', 'Observation', 'QuestionnaireResponse', 'Communication', 'Task']);
  const { value, problem, reload } = useLoad<Whole>(`/rooms/remote/plans/${encodeURIComponent(id)}`, {}, tick);
  useTitle(value?.plan.name || t('remote.title'));
  if (problem) return <div className={look.page}><h1 className={look.title}>{t('remote.title')}</h1><ProblemNote problem={problem} /></div>;
  if (!value) return <div className={look.page}><h1 className={look.title}>{t('remote.title')}</h1><Waiting /></div>;
  const open = value.attention.filter((one) => one.closed === null);
  const closed = value.attention.filter((one) => one.closed !== null);
  return (
    <div className={look.page}>
      <Head plan={value.plan} at={value.at} />
      {value.plan.faults.length > 0 && <Notice tone="alert" title={t('remote.faults', { what: value.plan.faults.join(', ') })} />}
      {open.map((one) => (
        <Asks key={one.id} asks={one} done={reload} />
      ))}
      <div className={look.sides}>
        <div className={look.section}>
          {value.activities.map((one) => (
            <section key={one.key} className={look.activity} aria-label={one.text}>
              <h2 className={look.subtitle}>{one.text}</h2>
              <p className={look.quiet}>{t('remote.due', { n: one.frequency, every: t(`remote.hours.${span(one.every).unit}`, { n: span(one.every).n }), came: one.came, due: one.due })}</p>
              {one.series.filter((series) => series.readings.some((reading) => reading.value !== '')).map((series) => (
                <Trend key={series.key} series={series} from={value.at - 28 * 86_400_000_000} to={value.at} label={one.text} every={(1.6 * one.every) / one.frequency} />
              ))}
              <Calendar activity={one} />
            </section>
          ))}
        </div>
        <div className={look.section}>
          <Calls plan={value.plan} contacts={value.contacts} done={reload} />
          {closed.length > 0 && <Closed closed={closed} />}
        </div>
      </div>
    </div>
  );
}

function Head({ plan, at }: { plan: Line; at: number }) {
  const t = useT();
  const format = useFormat();
  const quiet = span(at - plan.quiet);
  return (
    <>
      <div className={look.head}>
        <h1 className={look.title}>{plan.name || plan.number}</h1>
        <State state={plan.state} />
        <Link to={`/patients/${plan.patient}`}>{t('remote.chart')}</Link>
      </div>
      <p className={look.quiet}>
        {[plan.number, format.date(plan.birth), format.sex(plan.sex), plan.title, plan.author].filter(Boolean).join(' · ')}
      </p>
      <dl className={look.facts}>
        <div><dt>{t('remote.adherence')}</dt><dd>{plan.adherence === null ? '–' : `${Math.round(plan.adherence * 100)}%`} <small>{plan.came}/{plan.due}</small></dd></div>
        <div><dt>{t('remote.last')}</dt><dd>{plan.last ? t(`remote.ago.${quiet.unit}`, { n: quiet.n }) : t('remote.never')}</dd></div>
        <div><dt>{t('remote.failed')}</dt><dd>{plan.failed}/{plan.attempts} {plan.reached > 0 && <small>{t('remote.reached', { at: format.dateTime(iso(plan.reached)) })}</small>}</dd></div>
        <div><dt>{t('remote.silence')}</dt><dd>{t(`remote.hours.${span(plan.silence).unit}`, { n: span(plan.silence).n })}</dd></div>
      </dl>
    </>
  );
}

function Asks({ asks, done }: { asks: Attention; done: () => void }) {
  const t = useT();
  const format = useFormat();
  const { busy, problem, act } = useAct();
  const [note, setNote] = useState('');
  const say = (body: object): void => void act(api.post(`/rooms/remote/attention/${asks.id}`, body), done);
  return (
    <form className={look.attention} onSubmit={(event: FormEvent) => { event.preventDefault(); say({ note: note.trim() }); }}>
      <p className={look.why}>
        <strong>{t(`remote.reason.${asks.reason}`)}</strong> {asks.text} <small>{format.dateTime(iso(asks.at))}</small>
        {asks.owner && <span>{t('remote.taken', { who: asks.owner })}</span>}
      </p>
      {problem && <ProblemNote problem={problem} />}
      <div className={look.fields}>
        {!asks.owner && <Button variant="default" disabled={busy} onClick={() => say({ take: true })}>{t('remote.take')}</Button>}
        <TextInput aria-label={t('remote.note')} placeholder={t('remote.note')} value={note} maxLength={500} autoComplete="off" onChange={(event) => setNote(event.currentTarget.value)} />
        <Button type="submit" loading={busy} disabled={note.trim().length < 4}>{t('remote.close')}</Button>
      </div>
    </form>
  );
}

function Calls({ plan, contacts, done }: { plan: Line; contacts: readonly Contact[]; done: () => void }) {
  const t = useT();
  const format = useFormat();
  const { busy, problem, act } = useAct();
  const [how, setHow] = useState<string>(HOW[0]);
  const [note, setNote] = useState('');
  const called = (answered: boolean): void =>
    void act(api.post(`/rooms/remote/plans/${plan.id}/contacts`, { how, answered, note: note.trim() }), () => {
      setNote('');
      done();
    });
  return (
    <section className={look.section} aria-labelledby="remote-calls">
      <h2 id="remote-calls" className={look.subtitle}>{t('remote.calls')}</h2>
      <div className={look.fields}>
        <NativeSelect aria-label={t('remote.how')} value={how} onChange={(event) => setHow(event.currentTarget.value)} data={HOW.map((one) => ({ value: one, label: t(`remote.how.${one}`) }))} />
        <TextInput aria-label={t('remote.note')} placeholder={t('remote.note')} value={note} maxLength={500} autoComplete="off" onChange={(event) => setNote(event.currentTarget.value)} />
        <Button variant="default" disabled={busy} onClick={() => called(false)}>{t('remote.unanswered')}</Button>
        <Button variant="default" disabled={busy} onClick={() => called(true)}>{t('remote.answered')}</Button>
      </div>
      {problem && <ProblemNote problem={problem} />}
      <ul className={look.lines}>
        {contacts.toReversed().map((one) => (
          <li key={one.at}>
            <time dateTime={iso(one.at)}>{format.dateTime(iso(one.at))}</time> {HOW.includes(one.how as never) ? t(`remote.how.${one.how}`) : one.how} · <b>{t(one.answered === null ? 'remote.pending' : one.answered ? 'remote.answered' : 'remote.unanswered')}</b> {[one.by, one.note].filter(Boolean).join(' · ')}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Closed({ closed }: { closed: readonly Attention[] }) {
  const t = useT();
  const format = useFormat();
  return (
    <section className={look.section} aria-labelledby="remote-closed">
      <h2 id="remote-closed" className={look.subtitle}>{t('remote.closed')}</h2>
      <ul className={look.lines}>
        {closed.toReversed().map((one) => (
          <li key={one.id}>
            <time dateTime={iso(one.at)}>{format.dateTime(iso(one.at))}</time> <b>{t(`remote.reason.${one.reason}`)}</b> {one.text} · {[one.note, one.owner].filter(Boolean).join(' · ')}
          </li>
        ))}
      </ul>
    </section>
  );
}
