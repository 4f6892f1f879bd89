/** Who is told on each rung of a ward's ladder: the shifts to come, the rungs that are empty, and a form for one more. */
import { api, Notice, ProblemNote, useAct, useFormat, useLoad, useSession, useT, useTitle, Waiting } from '@shell';
import { Button, NativeSelect, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { iso } from './data';
import look from './monitor.module.css';

interface Shift {
  id: string;
  user: string;
  rung: string;
  ward: string;
  wardName: string;
  start: number;
  end: number;
}

interface Listed {
  shifts: readonly Shift[];
  empty: readonly { ward: string; wardName: string; rung: string }[];
  wards: readonly { id: string; name: string }[];
  rungs: readonly string[];
}

export default function Roster() {
  const t = useT();
  const { value, problem, reload } = useLoad<Listed>('/rooms/monitor/roster');
  useTitle(t('monitor.roster'));
  return (
    <div className={look.page}>
      <h1 className={look.title}>{t('monitor.roster')}</h1>
      <p className={look.quiet}>{t('monitor.roster.text')}</p>
      {problem && <ProblemNote problem={problem} />}
      {!value && !problem && <Waiting />}
      {value && value.empty.length > 0 && (
        <Notice tone="warn" title={t('monitor.roster.empty')}>
          <p className={look.small}>{t('monitor.roster.empty.text')}</p>
          <dl className={look.empty}>
            {byWard(value.empty).map(({ ward, name, rungs }) => (
              <div key={ward}>
                <dt>{name}</dt>
                <dd>{rungs.map((one) => t(`monitor.rung.${one}`)).join(', ')}</dd>
              </div>
            ))}
          </dl>
        </Notice>
      )}
      {value && <ShiftForm listed={value} done={reload} />}
      {value && <Shifts shifts={value.shifts} done={reload} />}
    </div>
  );
}

/** The empty rungs of each ward, in the order they came. */
function byWard(empty: Listed['empty']): readonly { ward: string; name: string; rungs: readonly string[] }[] {
  const wards = [...new Map(empty.map((one) => [one.ward, one.wardName]))];
  return wards.map(([ward, name]) => ({ ward, name, rungs: empty.filter((one) => one.ward === ward).map((one) => one.rung) }));
}

/** What a datetime-local field shows for an instant, in the hospital's zone. */
const local = (text: string): string => text.replace(' ', 'T').slice(0, 16);
const ZONE_OFFSET = '+09:00';
const EIGHT_HOURS = 8 * 3_600_000;

function ShiftForm({ listed, done }: { listed: Listed; done: () => void }) {
  const t = useT();
  const format = useFormat();
  const { session } = useSession();
  const { busy, problem, act } = useAct();
  const [user, setUser] = useState(session.user);
  const [rung, setRung] = useState(listed.rungs[0] ?? '');
  const [ward, setWard] = useState(listed.wards[0]?.id ?? '');
  const [start, setStart] = useState(() => local(format.dateTime(new Date().toISOString())));
  const [end, setEnd] = useState(() => local(format.dateTime(new Date(Date.now() + EIGHT_HOURS).toISOString())));
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void act(api.post('/rooms/monitor/roster', { user: user.trim(), rung, ward, start: `${start}:00${ZONE_OFFSET}`, end: `${end}:00${ZONE_OFFSET}` }), done);
  };
  return (
    <form className={look.shift} onSubmit={submit}>
      <TextInput label={t('monitor.roster.who')} value={user} maxLength={64} autoComplete="off" onChange={(event) => setUser(event.currentTarget.value)} />
      <NativeSelect label={t('monitor.roster.rung')} value={rung} onChange={(event) => setRung(event.currentTarget.value)} data={listed.rungs.map((one) => ({ value: one, label: t(`monitor.rung.${one}`) }))} />
      <NativeSelect label={t('monitor.roster.ward')} value={ward} onChange={(event) => setWard(event.currentTarget.value)} data={[...listed.wards.map((one) => ({ value: one.id, label: one.name })), { value: '', label: t('monitor.ward.all') }]} />
      <TextInput type="datetime-local" label={t('monitor.roster.start')} value={start} onChange={(event) => setStart(event.currentTarget.value)} />
      <TextInput type="datetime-local" label={t('monitor.roster.end')} value={end} onChange={(event) => setEnd(event.currentTarget.value)} />
      <Button type="submit" loading={busy} disabled={user.trim() === '' || !(start < end)}>{t('monitor.roster.add')}</Button>
      {problem && <ProblemNote problem={problem} />}
    </form>
  );
}

function Shifts({ shifts, done }: { shifts: readonly Shift[]; done: () => void }) {
  const t = useT();
  const format = useFormat();
  const { busy, problem, act } = useAct();
  const remove = (shift: Shift): void => void act(api.delete(`/rooms/monitor/roster/${shift.id.replace('Schedule/', '')}`), done);
  if (shifts.length === 0) return <p className={look.quiet}>{t('monitor.roster.none')}</p>;
  return (
    <ul className={look.shifts}>
      {problem && <ProblemNote problem={problem} />}
      {shifts.map((shift) => (
        <li key={shift.id}>
          <strong>{shift.user}</strong>
          <span>{t(`monitor.rung.${shift.rung}`)} · {shift.wardName || t('monitor.ward.all')}</span>
          <span className={look.quiet}>{format.dateTime(iso(shift.start))} – {format.dateTime(iso(shift.end))}</span>
          <Button size="compact-sm" variant="default" disabled={busy} onClick={() => remove(shift)} aria-label={t('monitor.roster.remove', { who: shift.user })}>{t('monitor.roster.off')}</Button>
        </li>
      ))}
    </ul>
  );
}
