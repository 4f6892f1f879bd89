/** What a study found, by its kind: figures and lines, and a drawing where one helps. */
import { Chart, type Ink, Lines, useFormat, useT } from '@shell';
import { useCallback } from 'react';
import { Curves, groupName } from './Curves';
import { type Answer, type Characterisation, type Incidence, type Pathways, type Progression, type Propensity, rings, type Survival } from './study';
import look from './cohort.module.css';

const percent = (share: number | null | undefined): string => (share == null ? '–' : `${(share * 100).toFixed(1)} %`);
const smd = (value: number | null | undefined): string => (value == null ? '∞' : value.toFixed(3));

export function Findings({ answer }: { answer: Answer }) {
  switch (answer.kind) {
    case 'survival':
      return <Curves found={answer.found as Survival} />;
    case 'progression':
      return <Reached found={answer.found as Progression} />;
    case 'incidence':
      return <Rates found={answer.found as Incidence} />;
    case 'characterisation':
      return <TableOne found={answer.found as Characterisation} />;
    case 'pathways':
      return <Ways found={answer.found as Pathways} />;
    case 'propensity':
      return <Balance found={answer.found as Propensity} />;
  }
}

function useCount() {
  const t = useT();
  const format = useFormat();
  return (n: number | null): string => (n === null ? t('cohort.few') : format.number(n));
}

function Reached({ found }: { found: Progression }) {
  const t = useT();
  const count = useCount();
  const interval = (told: readonly (number | null)[] | null): string => (told ? `${percent(told[0])} (${percent(told[1])} – ${percent(told[2])})` : '–');
  return (
    <>
      <p className={look.big}>{t('cohort.reached', { reached: count(found.reached), persons: count(found.persons), days: found.days })}</p>
      <Lines title={t('cohort.kind.progression')} heads={[t('cohort.figure'), t('cohort.number')]} rows={[
        [t('cohort.share.plain'), interval(found.share)],
        [t('cohort.share.time'), interval(found.by_time)],
        [t('cohort.left.early'), count(found.left_early)],
        [t('cohort.earlier.head'), count(found.earlier)],
      ]} />
    </>
  );
}

function Rates({ found }: { found: Incidence }) {
  const t = useT();
  const count = useCount();
  const heads = ['group', 'persons.head', 'events', 'years', 'rate', 'interval', 'proportion'].map((one) => t(`cohort.${one}`, { n: found.per }));
  return (
    <Lines title={t('cohort.kind.incidence')} heads={heads} rows={found.lines.map((line) => [
      line.name ? groupName(t, line.name) : t('cohort.group.every'), count(line.persons), count(line.events),
      line.years === null ? '–' : line.years.toFixed(1), line.rate ? (line.rate[0] ?? 0).toFixed(1) : '–',
      line.rate ? `${(line.rate[1] ?? 0).toFixed(1)} – ${(line.rate[2] ?? 0).toFixed(1)}` : '–', percent(line.proportion?.[0]),
    ])} />
  );
}

function TableOne({ found }: { found: Characterisation }) {
  const t = useT();
  const count = useCount();
  const heads = [t('cohort.covariate'), t('cohort.group.target'), t('cohort.group.comparator'), t('cohort.smd')];
  const people = found.people.map((one) => {
    const cell = (values: readonly (number | null)[]): string => one.what === 'age' ? `${(values[0] ?? 0).toFixed(1)} (${(values[1] ?? 0).toFixed(1)})` : `${count(values[0] ?? 0)} (${percent(values[1])})`;
    return [t(`cohort.what.${one.what}`), ...one.values.map(cell), smd(one.smd)];
  });
  const lines = found.lines.map((line) => [`${line.name ?? line.concept} · ${t(`cohort.table.${line.domain}`)}`, ...line.counts.map((n, place) => `${count(n)} (${percent(line.shares[place])})`), smd(line.smd)]);
  return (
    <>
      <Love lines={found.lines.slice(0, 25).map((line) => ({ name: line.name ?? String(line.concept), values: [line.smd] }))} names={[t('cohort.smd')]} />
      <Lines title={t('cohort.table1', { a: count(found.persons[0] ?? null), b: count(found.persons[1] ?? null) })} heads={heads} rows={[...people, ...lines]} />
      {found.hidden > 0 && <p className={look.quiet}>{t('cohort.hidden.lines', { n: found.hidden })}</p>}
      {found.both !== 0 && <p className={look.quiet}>{t('cohort.both', { n: count(found.both) })}</p>}
    </>
  );
}

/** Standardised differences as dots; within the dotted lines two groups count as balanced (0.1). */
function Love({ lines, names }: { lines: readonly { name: string; values: readonly (number | null)[] }[]; names: readonly string[] }) {
  const t = useT();
  const short = (name: string): string => (name.length > 28 ? `${name.slice(0, 27)}…` : name);
  const option = useCallback((ink: Ink) => ({
    grid: { left: 190, right: 16, top: 32, bottom: 40 },
    legend: { top: 0, textStyle: { color: ink.text } },
    xAxis: { type: 'value', axisLabel: { color: ink.quiet }, splitLine: { lineStyle: { color: ink.line } } },
    yAxis: { type: 'category', inverse: true, data: lines.map((line) => short(line.name)), axisLabel: { color: ink.text, width: 176, overflow: 'truncate' } },
    series: names.map((name, place) => ({
      name, type: 'scatter', symbol: ['circle', 'diamond', 'triangle'][place % 3], symbolSize: 10, silent: true,
      data: lines.map((line, at) => [line.values[place] ?? null, at]),
      ...(place === 0 ? { markLine: { silent: true, symbol: 'none', label: { show: false }, lineStyle: { color: ink.quiet, type: 'dotted' }, data: [{ xAxis: -0.1 }, { xAxis: 0.1 }] } } : {}),
    })),
  }), [lines, names]);
  return <Chart label={t('cohort.love')} height={70 + 22 * lines.length} option={option} />;
}

function Ways({ found }: { found: Pathways }) {
  const t = useT();
  const count = useCount();
  const option = useCallback((ink: Ink) => ({
    series: [{ type: 'sunburst', radius: ['12%', '95%'], nodeClick: false, silent: true, sort: 'desc', data: rings(found.paths), label: { color: '#fff', overflow: 'truncate', width: 74, minAngle: 14 }, itemStyle: { borderColor: ink.paper, borderWidth: 2 } }],
  }), [found]);
  return (
    <>
      <Chart label={t('cohort.sunburst')} height={380} option={option} />
      <Lines title={t('cohort.kind.pathways')} heads={[t('cohort.way'), t('cohort.persons.head')]} rows={[
        ...found.paths.map((path) => [path.steps.map((step) => step.join(' + ')).join(' → '), count(path.persons)]),
        [t('cohort.way.rare'), count(found.rare)],
        [t('cohort.way.none'), count(found.none)],
      ]} />
    </>
  );
}

function Balance({ found }: { found: Propensity }) {
  const t = useT();
  const count = useCount();
  const names = ['before', 'matched', 'weighted'].map((one) => t(`cohort.balance.${one}`));
  const size = (values: readonly (number | null)[]): number => Math.abs(values[0] ?? 99);
  const named = (name: string | null, concept: number): string => (name === 'age' || name === 'female' ? t(`cohort.what.${name}`) : (name ?? String(concept)));
  const sorted = [...found.balance].sort((a, b) => size(b.smd) - size(a.smd));
  return (
    <>
      <p className={look.big}>{t('cohort.pairs', { n: count(found.pairs), a: count(found.persons[0] ?? null), b: count(found.persons[1] ?? null), auc: found.auc.toFixed(2) })}</p>
      <Love lines={sorted.slice(0, 25).map((line) => ({ name: named(line.name, line.concept), values: line.smd }))} names={names} />
      <Lines title={t('cohort.balance')} heads={[t('cohort.covariate'), ...names]} rows={sorted.map((line) => [named(line.name, line.concept), ...line.smd.map(smd)])} />
    </>
  );
}
