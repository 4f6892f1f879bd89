/** The handover list of a ward: each patient with what the shift brought, given over to somebody named and taken by them. Prints. */
import { api, Notice, ProblemNote, ProblemView, useAct, useEvery, useFormat, useLive, useLoad, useSession, useT, useTitle, Waiting } from '@shell';
import { Button, NativeSelect } from '@mantine/core';
import { IconArrowLeft, IconPrinter, IconRefresh } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { Link, useSearchParams } from 'react-router';
import { iso } from '../data';
import type { Handover as Answer, Sheet } from './data';
import { Give } from './Give';
import look from './handover.module.css';
import { OneSheet } from './OneSheet';

const HOUR_US = 3_600_000_000;
const HOURS = [8, 12, 24] as const;
const AGAIN_MS = 60_000;
const KEPT = 'onmaru.handover.ward';

export default function Handover() {
  const t = useT();
  const format = useFormat();
  const { session } = useSession();
  const [asked, ask] = useSearchParams();
  const ward = asked.get('ward') ?? '';
  const from = asked.get('from') ?? '';
  const tick = useEvery(AGAIN_MS);
  // What is given or taken is in the tables a moment later than the answer to it
  const { tick: news } = useLive(null, ['Task']);
  const { value, problem, reload } = useLoad<Answer>('/rooms/monitor/handover', { ward, from }, tick + news);
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const [notes, setNotes] = useState<Readonly<Record<string, string>>>({});
  const { busy, problem: refused, act } = useAct();
  useTitle(t('monitor.handover'));
  const wards = value?.wards ?? [];
  useEffect(() => {
    const first = wards.find((one) => one.id === localStorage.getItem(KEPT)) ?? wards[0];
    if (!ward && first) ask({ ward: first.id }, { replace: true });
  }, [ward, wards, ask]);
  const choose = (to: string): void => {
    localStorage.setItem(KEPT, to);
    setLeft(new Set());
    ask({ ward: to, ...(from ? { from } : {}) }, { replace: true });
  };
  const since = (hours: string): void => ask({ ward, ...(hours ? { from: iso((value?.at ?? 0) - Number(hours) * HOUR_US) } : {}) }, { replace: true });
  const take = (ids: readonly string[]): void => void act(api.post('/rooms/monitor/handover/taken', { ids }), reload);
  if (problem && !value) return <ProblemView whole problem={problem} />;
  const name = wards.find((one) => one.id === ward)?.name ?? '';
  const waiting = (value?.patients ?? []).filter((one) => one.handed?.taker === session.user && one.handed.taken === null);
  const hours = from && value ? String(Math.round((value.at - value.since) / HOUR_US)) : '';
  return (
    <div className={look.page}>
      <header className={look.head}>
        <h1 className={look.title}>{t('monitor.handover')}{name && <span className={look.onPaper}> · {name}</span>}</h1>
        <NativeSelect className={look.screen ?? ''} aria-label={t('monitor.ward.choose')} value={ward} onChange={(event) => choose(event.currentTarget.value)} data={wards.map((one) => ({ value: one.id, label: t('monitor.ward.option', { name: one.name, n: one.patients }) }))} />
        <NativeSelect className={look.screen ?? ''} aria-label={t('monitor.handover.since.choose')} value={hours} onChange={(event) => since(event.currentTarget.value)} data={[{ value: '', label: t('monitor.handover.since.shift') }, ...HOURS.map((n) => ({ value: String(n), label: t('monitor.handover.since.hours', { n }) }))]} />
        <Button className={look.screen ?? ''} component={Link} to={`/ward?ward=${ward}`} variant="default" size="sm" leftSection={<IconArrowLeft size={16} />}>{t('monitor.ward')}</Button>
        <Button className={look.screen ?? ''} variant="default" size="sm" leftSection={<IconRefresh size={16} />} onClick={reload}>{t('monitor.handover.again')}</Button>
        <Button className={look.screen ?? ''} variant="default" size="sm" leftSection={<IconPrinter size={16} />} onClick={() => window.print()}>{t('monitor.handover.print')}</Button>
        {value && <p className={look.fresh}>{t('monitor.at', { at: format.dateTime(iso(value.at)) })}</p>}
      </header>
      {!value && <Waiting />}
      {problem && value && <ProblemNote problem={problem} />}
      {value && (
        <p className={look.quiet}>
          {t(`monitor.handover.by.${value.by}`, { at: format.dateTime(iso(value.since)) })} {t('monitor.handover.law')}
        </p>
      )}
      {waiting.length > 0 && <Waits sheets={waiting} busy={busy} take={take} />}
      {refused && <ProblemNote problem={refused} />}
      {value && ward && value.patients.length === 0 && <p className={look.quiet}>{t('monitor.beds.none')}</p>}
      <ol className={look.sheets}>
        {(value?.patients ?? []).map((one) => (
          <OneSheet
            key={one.patient}
            sheet={one}
            now={value?.at ?? 0}
            since={value?.since ?? 0}
            chosen={!left.has(one.patient)}
            choose={(on) => setLeft((old) => new Set(on ? [...old].filter((other) => other !== one.patient) : [...old, one.patient]))}
            note={notes[one.patient] ?? ''}
            say={(note) => setNotes((old) => ({ ...old, [one.patient]: note }))}
            take={one.handed && waiting.includes(one) ? () => take([one.handed!.id]) : null}
            busy={busy}
          />
        ))}
      </ol>
      {value && value.patients.length > 0 && (
        <Give
          ward={ward}
          since={value.since}
          next={value.next}
          sheets={value.patients.filter((one) => !left.has(one.patient))}
          notes={notes}
          done={() => {
            setNotes({});
            reload();
          }}
        />
      )}
      <p className={look.signed}>{t('monitor.handover.signed')}</p>
    </div>
  );
}

/** Those that wait for whoever looks. */
function Waits({ sheets, busy, take }: { sheets: readonly Sheet[]; busy: boolean; take: (ids: readonly string[]) => void }) {
  const t = useT();
  const givers = [...new Set(sheets.map((one) => one.handed?.giver ?? ''))].join(', ');
  return (
    <Notice tone="info" title={t('monitor.handover.waits', { n: sheets.length, who: givers })}>
      <Button className={look.screen ?? ''} size="sm" loading={busy} onClick={() => take(sheets.map((one) => one.handed!.id))}>{t('monitor.handover.take.all')}</Button>
    </Notice>
  );
}
