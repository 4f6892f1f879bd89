/** The wall: every bed of a ward on one picture, by risk, with the same as a list. It says and sounds itself what is silent. */
import { Notice, useFormat, useT, useTitle } from '@shell';
import { Button, NativeSelect, SegmentedControl } from '@mantine/core';
import { IconMaximize, IconMinimize } from '@tabler/icons-react';
import { type MouseEvent, useEffect, useMemo, useRef, useState } from 'react';
import { Link, useNavigate, useSearchParams } from 'react-router';
import { SoundSwitch } from '../SoundSwitch';
import { heard, useLoud } from '../useLoud';
import { useSounding, waiting } from '../useSounding';
import { causesOf, lasting } from './causes';
import { gridOf, placeAt } from './grid';
import { List } from './List';
import { useOrder } from './rows';
import { type Around, useAlerts } from './useAlerts';
import { useScreen } from './useScreen';
import { useWall, type Wall as Watched } from './useWall';
import { useWords } from './useWords';
import look from './wall.module.css';

const NARROW = '(width < 720px)';
const HIDDEN_MS = 10_000;
const SHOWN_MS = 1_000;
const drawable = typeof HTMLCanvasElement !== 'undefined' && 'transferControlToOffscreen' in HTMLCanvasElement.prototype;

export default function Wall() {
  const t = useT();
  const [search, setSearch] = useSearchParams();
  const ward = search.get('ward') ?? '';
  const [view, setView] = useState<'wall' | 'list'>(() => (drawable && !matchMedia(NARROW).matches ? 'wall' : 'list'));
  const [by, setBy] = useState<'risk' | 'bed'>('risk');
  const loud = useLoud();
  const page = useRef<HTMLDivElement>(null);
  const host = useRef<HTMLDivElement>(null);
  const drawn = view === 'wall';
  const wall = useWall({ ward: ward.replace('Location/', '') }, host, drawn, useWords());
  const order = useOrder(wall.rows);
  const around = useAlerts(ward, order.length);
  const screen = useScreen(page);
  const sounding = useSound(heard(loud), wall, around);
  useTitle(t('monitor.wall.title'));
  useTold(wall, around);
  useEffect(() => wall.tell({ type: 'order', by }), [wall.tell, by, drawn, ward]);
  useEffect(() => wall.tell({ type: 'rows', every: drawn ? HIDDEN_MS : SHOWN_MS }), [wall.tell, drawn, ward]);
  const columns = (): number => gridOf(order.length, host.current?.clientWidth ?? 1, host.current?.clientHeight ?? 1).columns;
  return (
    <div ref={page} className={look.page} data-screen={screen.on} data-view={view}>
      <header className={look.head}>
        <h1 className={look.title}>{t('monitor.wall.title')}</h1>
        <NativeSelect aria-label={t('monitor.ward.choose')} value={ward} onChange={(event) => setSearch(event.currentTarget.value ? { ward: event.currentTarget.value } : {})} data={[{ value: '', label: t('monitor.ward.all') }, ...around.wards.map((one) => ({ value: one.id, label: t('monitor.ward.option', { name: one.name, n: one.patients }) }))]} />
        <SegmentedControl aria-label={t('monitor.wall.by')} value={by} onChange={(value) => setBy(value as 'risk' | 'bed')} data={['risk', 'bed'].map((value) => ({ value, label: t(`monitor.wall.by.${value}`) }))} />
        {drawable && <SegmentedControl aria-label={t('monitor.wall.view')} value={view} onChange={(value) => setView(value as 'wall' | 'list')} data={['wall', 'list'].map((value) => ({ value, label: t(`monitor.wall.view.${value}`) }))} />}
        <SoundSwitch loud={loud} />
        {sounding.technical && <Button variant="default" size="compact-md" onClick={sounding.rest}>{t('monitor.wall.rest')}</Button>}
        {drawn && <Button variant="default" size="compact-md" leftSection={<IconMaximize size={16} />} onClick={screen.enter}>{t('monitor.wall.screen')}</Button>}
      </header>
      {screen.on && <Strip wall={wall} around={around} loud={heard(loud)} count={order.length} leave={screen.leave} />}
      <div className={look.body}>
        <Matters wall={wall} around={around} count={order.length} />
        {drawn && <Picture host={host} order={order} />}
        <List rows={wall.rows} hidden={drawn} columns={columns} focus={(patient) => wall.tell({ type: 'focus', patient })} />
      </div>
      <Announced around={around} wall={wall} />
    </div>
  );
}

/** Where the worker's canvas hangs; a click opens the bedside of the tile. */
function Picture({ host, order }: { host: React.RefObject<HTMLDivElement | null>; order: readonly string[] }) {
  const go = useNavigate();
  const open = (event: MouseEvent<HTMLDivElement>): void => {
    const box = event.currentTarget.getBoundingClientRect();
    const patient = order[placeAt(gridOf(order.length, box.width, box.height), event.clientX - box.left, event.clientY - box.top)];
    if (patient) void go(`/bedside/${patient}`);
  };
  return <div ref={host} className={look.picture} onClick={open} />;
}

/** What keeps the wall from being the present, in words. */
function Matters({ wall, around, count }: { wall: Watched; around: Around; count: number }) {
  const t = useT();
  const { silent, refused, feeds, still } = wall;
  const mute = feeds.filter((one) => one.state !== 'live').map((one) => one.name);
  const beds = still.map((one) => wall.rows.get(one)?.bed || around.beds.get(one)?.bed).filter(Boolean);
  const elsewhere = waiting(around.alerts, around.at).filter((one) => !wall.rows.get(one.patient)).length;
  const absent = refused === 404 || refused === 503;
  return (
    <div className={look.matters}>
      {silent > 0 && !refused && <Notice tone="alert" title={t('monitor.silent', { n: Math.round(silent / 1000) })}>{t('monitor.silent.text')}</Notice>}
      {refused > 0 && <Notice tone={absent ? 'info' : 'warn'} title={t(absent ? 'monitor.wall.absent' : 'monitor.refused')} />}
      {!silent && mute.length > 0 && <Notice tone="alert" title={t('monitor.wall.mute', { what: mute.join(', ') })} />}
      {!silent && beds.length > 0 && <Notice tone="warn" title={t('monitor.wall.still', { n: still.length, what: beds.slice(0, 8).join(', ') + (beds.length > 8 ? ' …' : '') })} />}
      {elsewhere > 0 && <Notice tone="warn" title={t('monitor.wall.elsewhere', { n: elsewhere })}><Link to="/ward">{t('monitor.ward')}</Link></Notice>}
      {!silent && !refused && count === 0 && <p className={look.quiet}>{t('monitor.beds.none')}</p>}
    </div>
  );
}

/** What stands above a wall-screen's picture: where, how many, when, and whether it can be heard. */
function Strip({ wall, around, loud, count, leave }: { wall: Watched; around: Around; loud: boolean; count: number; leave: () => void }) {
  const t = useT();
  const format = useFormat();
  const [now, setNow] = useState(() => new Date());
  const [search] = useSearchParams();
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), 1_000);
    return () => clearInterval(timer);
  }, []);
  const place = around.wards.find((one) => one.id === search.get('ward'))?.name ?? t('monitor.ward.all');
  const open = waiting(around.alerts, around.at).length;
  return (
    <div className={look.strip}>
      <strong>{place}</strong>
      <span>{t('monitor.wall.count', { n: count })}</span>
      <span data-some={open > 0}>{t('monitor.wall.open', { n: open })}</span>
      {wall.still.length > 0 && <span data-some>{t('monitor.wall.still.count', { n: wall.still.length })}</span>}
      <span className={look.end}>{t(loud ? 'monitor.wall.loud' : 'monitor.wall.mute.sound')}</span>
      <time>{format.time(now.toISOString())}</time>
      <button type="button" className={look.leave} onClick={leave}><IconMinimize size={18} aria-hidden /> {t('monitor.wall.leave')}</button>
    </div>
  );
}

/** Said to those who do not see the wall: which bed an alert came up at. Not the numbers, which would never be quiet. */
function Announced({ around, wall }: { around: Around; wall: Watched }) {
  const t = useT();
  const said = waiting(around.alerts, around.at).slice(0, 3).map((one) => `${wall.rows.get(one.patient)?.bed ?? ''} ${one.name ?? ''} ${t(`monitor.urgency.${one.urgency}`)}`);
  return <p role="status" className={look.unseen}>{said.join('. ')}</p>;
}

/** Gives the worker what the page knows of alerts and names. */
function useTold(wall: Watched, around: Around): void {
  const { alerts, at, beds } = around;
  const open = useMemo(() => new Map([...alerts].filter((one) => one.open).reverse().map((one) => [one.patient, { urgency: one.urgency as string, taken: one.acknowledged !== null || one.snoozed > at }])), [alerts, at]);
  const names = useMemo(() => new Map([...beds.values()].map((bed) => [bed.patient, bed.name])), [beds]);
  useEffect(() => wall.tell({ type: 'alerts', alerts: open }), [wall.tell, open]);
  useEffect(() => wall.tell({ type: 'names', names }), [wall.tell, names]);
}

/** Sounds what is silent before alerts; what was put to rest is quiet until it ends. */
function useSound(loud: boolean, wall: Watched, around: Around): { technical: boolean; rest: () => void } {
  const [rested, setRested] = useState<ReadonlySet<string>>(new Set());
  const causes = causesOf(wall.silent > 0, wall.feeds, wall.still);
  const key = causes.join('|');
  useEffect(() => setRested((old) => lasting(old, key.split('|'))), [key]);
  const technical = causes.some((one) => !rested.has(one));
  const [worst] = waiting(around.alerts, around.at);
  useSounding(loud, technical ? 'silent' : worst?.urgency);
  return { technical, rest: () => setRested(new Set(causes)) };
}
