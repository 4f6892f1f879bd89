/** The operations board: numbers first, each drawing with its table; asked anew every minute, so that it can hang on a wall. */
import { Chart, formatDate, type Ink, Lines, ProblemView, useEvery, useFormat, useLoad, useT, useTitle, Waiting } from '@shell';
import { Button, TextInput } from '@mantine/core';
import { IconDeviceTv, IconPrinter } from '@tabler/icons-react';
import { useCallback } from 'react';
import { useSearchParams } from 'react-router';
import { lastDays, type Operations as Told, percent, shown } from './data';
import look from './insight.module.css';

const MINUTE = 60_000;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

export default function Operations() {
  const t = useT();
  const [said, say] = useSearchParams();
  const usual = lastDays(30, new Date(), (iso) => formatDate(iso));
  const from = said.get('from') ?? usual.from;
  const to = said.get('to') ?? usual.to;
  const wall = said.get('wall') === '1';
  const whole = DAY.test(from) && DAY.test(to);
  const board = useLoad<Told>(whole ? '/rooms/insight/operations' : null, { from, to }, useEvery(MINUTE));
  useTitle(t('insight.title'));
  const set = (name: string, value: string): void => say({ ...Object.fromEntries(said), [name]: value }, { replace: true });
  return (
    <div className={look.page} data-wall={wall || undefined}>
      <header className={look.head}>
        <h1 className={look.title}>{t('insight.title')}</h1>
        <div className={look.acts}>
          <Button variant="default" size="sm" leftSection={<IconDeviceTv size={16} />} aria-pressed={wall} onClick={() => set('wall', wall ? '0' : '1')}>{t('insight.wall')}</Button>
          <Button variant="default" size="sm" leftSection={<IconPrinter size={16} />} onClick={() => window.print()}>{t('insight.print')}</Button>
        </div>
      </header>
      {!wall && (
        <div className={look.fields}>
          <TextInput type="date" label={t('insight.from')} value={from} max={to} onChange={(event) => set('from', event.currentTarget.value)} />
          <TextInput type="date" label={t('insight.to')} value={to} min={from} onChange={(event) => set('to', event.currentTarget.value)} />
        </div>
      )}
      {board.problem && <ProblemView problem={board.problem} retry={board.reload} />}
      {!board.value && !board.problem && <Waiting />}
      {board.value && <Found told={board.value} />}
    </div>
  );
}

function Found({ told }: { told: Told }) {
  const t = useT();
  const format = useFormat();
  const sum = (rows: readonly number[]): number => rows.reduce((all, one) => all + one, 0);
  const [beds, taken] = [sum(told.beds.map((one) => one.beds)), sum(told.beds.map((one) => one.taken))];
  const [due, missed] = [sum(told.appointments.map((one) => one.due)), sum(told.appointments.map((one) => one.missed))];
  const tiles: [string, string, string][] = [
    ['beds', percent(taken, beds), t('insight.tile.of', { n: taken, of: beds })],
    ['census', format.number(sum(told.census.map((one) => one.visits))), t('insight.now')],
    ['missed', percent(missed, due), t('insight.tile.of', { n: missed, of: due })],
    ['open', format.number(sum(told.turnaround.map((one) => one.open))), t('insight.tile.orders', { of: sum(told.turnaround.map((one) => one.requests)) })],
    ['alerts', format.number(sum(told.alerts.map((one) => one.active))), t('insight.now')],
  ];
  return (
    <>
      <dl className={look.tiles}>
        {tiles.map(([name, value, text]) => (
          <div key={name} className={look.tile}>
            <dt>{t(`insight.tile.${name}`)}</dt>
            <dd><strong>{value}</strong> <span>{text}</span></dd>
          </div>
        ))}
      </dl>
      <div className={look.cards}>
        <Part name="beds" bars={told.beds.map((one) => ({ name: one.ward || t('insight.nowhere'), parts: [one.taken, Math.max(0, one.beds - one.taken - one.closed), one.closed] }))} parts={['taken', 'free', 'closed']}
          heads={['ward', 'beds', 'taken', 'closed', 'share']} rows={told.beds.map((one) => [one.ward || t('insight.nowhere'), format.number(one.beds), format.number(one.taken), format.number(one.closed), percent(one.taken, one.beds)])} />
        <Part name="stays" bars={told.stays.map((one) => ({ name: kindOf(t, one.kind), parts: [one.median ?? 0] }))} parts={['median']}
          heads={['kind', 'visits', 'median.days', 'p90.days']} rows={told.stays.map((one) => [kindOf(t, one.kind), format.number(one.visits), shown(one.median), shown(one.p90)])} />
        <Part name="turnaround" bars={told.turnaround.map((one) => ({ name: one.kind || t('insight.other'), parts: [one.requests - one.open, one.open] }))} parts={['answered', 'open']}
          heads={['kind', 'requests', 'open', 'median.hours', 'p90.hours']} rows={told.turnaround.map((one) => [one.kind || t('insight.other'), format.number(one.requests), format.number(one.open), shown(one.median), shown(one.p90)])} />
        <Part name="appointments" bars={told.appointments.map((one) => ({ name: one.kind || t('insight.other'), parts: [one.due - one.missed, one.missed, one.cancelled] }))} parts={['kept', 'missed', 'cancelled']}
          heads={['kind', 'appointments', 'due', 'missed', 'share']} rows={told.appointments.map((one) => [one.kind || t('insight.other'), format.number(one.appointments), format.number(one.due), format.number(one.missed), percent(one.missed, one.due)])} />
        <Part name="waiting" heads={['kind', 'visits', 'median', 'p90']} rows={told.waiting.map((one) => [t(`insight.waiting.${one.kind}`), format.number(one.visits), shown(one.median), shown(one.p90)])} />
        <Part name="theatres" bars={told.theatres.map((one) => ({ name: one.theatre, parts: [one.minutes / 60] }))} parts={['hours']}
          heads={['theatre', 'operations', 'days', 'minutes', ...(told.theatre_minutes ? ['use'] : [])]}
          rows={told.theatres.map((one) => [one.theatre, format.number(one.operations), format.number(one.days), format.number(one.minutes), ...(told.theatre_minutes ? [percent(one.minutes, one.days * told.theatre_minutes)] : [])])} />
        <Part name="census" heads={['kind', 'visits']} rows={told.census.map((one) => [kindOf(t, one.kind), format.number(one.visits)])} />
        <Part name="alerts" heads={['kind', 'active']} rows={told.alerts.map((one) => [one.kind || t('insight.other'), format.number(one.active)])} />
      </div>
      <p className={look.quiet}>{t('insight.made', { from: told.from, to: told.to, t: format.number(told.t) })}</p>
    </>
  );
}

function kindOf(t: (key: string) => string, kind: string): string {
  const key = `insight.class.${kind}`;
  const said = t(key);
  return said === key ? kind || t('insight.other') : said;
}

interface PartProps {
  name: string;
  heads: readonly string[];
  rows: readonly (readonly string[])[];
  bars?: readonly { name: string; parts: readonly number[] }[];
  parts?: readonly string[];
}

function Part({ name, heads, rows, bars = [], parts = [] }: PartProps) {
  const t = useT();
  const title = t(`insight.block.${name}`);
  const words = JSON.stringify({ bars: bars.slice(0, 12).reverse(), parts: parts.map((one) => t(`insight.${one}`)) });
  const option = useCallback((ink: Ink) => {
    const said = JSON.parse(words) as { bars: { name: string; parts: number[] }[]; parts: string[] };
    return {
      grid: { left: 8, right: 16, top: said.parts.length > 1 ? 30 : 8, bottom: 8, containLabel: true },
      legend: said.parts.length > 1 ? { top: 0, textStyle: { color: ink.text } } : undefined,
      xAxis: { type: 'value', axisLabel: { color: ink.quiet }, splitLine: { lineStyle: { color: ink.line } } },
      yAxis: { type: 'category', data: said.bars.map((one) => one.name), axisLabel: { color: ink.text, width: 120, overflow: 'truncate' }, axisTick: { show: false } },
      series: said.parts.map((part, place) => ({ name: part, type: 'bar', stack: 'all', barMaxWidth: 22, silent: true, data: said.bars.map((one) => one.parts[place] ?? 0) })),
    };
  }, [words]);
  return (
    <section className={look.card} aria-label={title}>
      <h2 className={look.subtitle}>{title}</h2>
      {rows.length === 0 && <p className={look.plain}>{t('insight.nothing')}</p>}
      {rows.length > 0 && bars.length > 0 && <Chart label={t('insight.drawn', { title })} height={60 + 30 * Math.min(12, bars.length)} option={option} />}
      {rows.length > 0 && <Lines title={t('insight.numbers')} of={title} heads={heads.map((one) => t(`insight.${one}`))} rows={rows} />}
    </section>
  );
}
