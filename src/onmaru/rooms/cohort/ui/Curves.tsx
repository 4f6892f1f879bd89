/** Survival: curves with their intervals, numbers at risk below, the test between groups, the model, and competing ends. */
import { Chart, type Ink, Lines, useFormat, useT } from '@shell';
import { useCallback } from 'react';
import { shownP, type Survival } from './study';
import look from './cohort.module.css';

export function Curves({ found }: { found: Survival }) {
  const t = useT();
  const format = useFormat();
  const named = (name: string): string => groupName(t, name);
  const days = t('cohort.axis.days');
  const option = useCallback((ink: Ink) => ({
    grid: { left: 52, right: 16, top: 36, bottom: 44 },
    legend: { top: 0, textStyle: { color: ink.text } },
    xAxis: { type: 'value', name: days, nameLocation: 'middle', nameGap: 28, max: found.ticks.at(-1), axisLabel: { color: ink.quiet }, splitLine: { show: false } },
    yAxis: { type: 'value', min: 0, max: 1, axisLabel: { color: ink.quiet, formatter: (v: number) => `${Math.round(v * 100)} %` }, splitLine: { lineStyle: { color: ink.line } } },
    series: found.groups.flatMap((group, place) => curveOf(named(group.name), group.points, ink.series[place % ink.series.length] ?? '')),
  }), [found, days, t]);
  const median = (value: number | null): string => (value === null ? '–' : format.number(value));
  return (
    <>
      <Chart label={t('cohort.curves')} option={option} />
      <Lines title={t('cohort.risk')} heads={[t('cohort.group'), ...found.ticks.map((tick) => t('cohort.day', { n: tick }))]} rows={found.groups.map((group) => [named(group.name), ...group.risk.map((n) => (n === null ? t('cohort.few') : format.number(n)))])} />
      <Lines title={t('cohort.groups')} heads={['group', 'persons.head', 'events', 'median', 'interval'].map((one) => t(`cohort.${one}`))} rows={found.groups.map((group) => [named(group.name), format.number(group.persons), group.events === null ? t('cohort.few') : format.number(group.events), median(group.median[0]), `${median(group.median[1])} – ${median(group.median[2])}`])} />
      {found.test && <p className={look.plain}>{t('cohort.logrank', { chi: found.test.chi_square.toFixed(2), df: found.test.degrees, p: shownP(found.test.p) })}</p>}
      <Model found={found} />
      {found.shares.map((group) => <Shares key={group.name} name={named(group.name)} points={group.points} last={found.ticks.at(-1) ?? 0} />)}
      {found.earlier !== 0 && <p className={look.quiet}>{t('cohort.earlier', { n: found.earlier === null ? t('cohort.few') : format.number(found.earlier) })}</p>}
    </>
  );
}

export function groupName(t: (key: string) => string, name: string): string {
  if (['target', 'comparator', 'male', 'female'].includes(name)) return t(`cohort.group.${name}`);
  return /^\d\d$/.test(name) ? `${Number(name)}–${Number(name) + 9}` : name;
}

/** Three lines of one colour: survival as steps, its interval thin. */
function curveOf(name: string, points: Survival['groups'][number]['points'], color: string): object[] {
  const line = (value: 1 | 2 | 3): (number | null)[][] => [[0, 1], ...points.map((point) => [point[0], point[value]])];
  const step = { type: 'line', step: 'end', showSymbol: false, silent: true };
  const thin = { ...step, lineStyle: { color, width: 1, type: 'dotted' }, itemStyle: { color } };
  return [
    { ...step, name, data: line(1), lineStyle: { color, width: 2 }, itemStyle: { color } },
    { ...thin, name, data: line(2) },
    { ...thin, name, data: line(3) },
  ];
}

function Model({ found }: { found: Survival }) {
  const t = useT();
  if (found.cox.terms.length === 0) return <p className={look.quiet}>{t('cohort.cox.none', { why: found.cox.refused })}</p>;
  const number = (value: number): string => value.toFixed(2);
  const rows = found.cox.terms.map((term) => [t(`cohort.term.${term.name}`), number(term.ratio), `${number(term.low)} – ${number(term.high)}`, shownP(term.p), shownP(term.zph_p)]);
  const broken = found.cox.terms.filter((term) => term.zph_p < 0.05);
  return (
    <>
      <Lines title={t('cohort.cox')} heads={['term', 'ratio', 'interval', 'p', 'zph'].map((one) => t(`cohort.${one}`))} rows={rows} />
      <p className={look.plain}>{broken.length > 0 ? t('cohort.zph.broken', { names: broken.map((term) => t(`cohort.term.${term.name}`)).join(', ') }) : t('cohort.zph.holds')}</p>
    </>
  );
}

function Shares({ name, points, last }: { name: string; points: readonly (readonly number[])[]; last: number }) {
  const t = useT();
  const [outcome, other, days] = [t('cohort.end.outcome'), t('cohort.end.other'), t('cohort.axis.days')];
  const option = useCallback((ink: Ink) => ({
    grid: { left: 52, right: 16, top: 36, bottom: 44 },
    legend: { top: 0, textStyle: { color: ink.text } },
    xAxis: { type: 'value', name: days, nameLocation: 'middle', nameGap: 28, max: last, axisLabel: { color: ink.quiet }, splitLine: { show: false } },
    yAxis: { type: 'value', min: 0, axisLabel: { color: ink.quiet, formatter: (v: number) => `${Math.round(v * 100)} %` }, splitLine: { lineStyle: { color: ink.line } } },
    series: [outcome, other].map((one, place) => ({ name: one, type: 'line', step: 'end', showSymbol: false, silent: true, data: [[0, 0], ...points.map((point) => [point[0], point[1 + place]])] })),
  }), [points, last, outcome, other, days]);
  const end = points.at(-1);
  const percent = (place: number): string => `${((end?.[place] ?? 0) * 100).toFixed(1)} % (${((end?.[place + 2] ?? 0) * 100).toFixed(1)} – ${((end?.[place + 4] ?? 0) * 100).toFixed(1)})`;
  return (
    <section className={look.section}>
      <h3 className={look.subtitle}>{t('cohort.shares', { name })}</h3>
      <Chart label={t('cohort.shares', { name })} height={260} option={option} />
      <p className={look.plain}>{`${outcome} ${percent(1)}, ${other} ${percent(2)}`}</p>
    </section>
  );
}
