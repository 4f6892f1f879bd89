/** A dimension on a card of its own: drawn, and told again in tables. */
import { Chart, type Ink, Lines, useFormat, useT } from '@shell';
import { useCallback } from 'react';
import { type BoardAnswer, type Dimension, groupName, type Line, lineName, range, shares, shown } from './data';
import look from './equity.module.css';

export function DimensionCard({ one, board }: { one: Dimension; board: BoardAnswer }) {
  const t = useT();
  const format = useFormat();
  const title = t(`equity.dimension.${one.name}`);
  const told = one.lines.filter((line) => line.persons > 0);
  const named = (line: Line): string => lineName(t, one.name, line);
  const drawn = one.lines.some((line) => line.names.length > 1 || line.names[0] !== '');
  return (
    <section className={look.card} aria-label={title}>
      <h2 className={look.subtitle}>{title}</h2>
      {one.why && <p className={look.plain}>{t(`equity.why.${one.why}`)}</p>}
      {!one.why && !drawn && <p className={look.plain}>{t('equity.why.nothing')}</p>}
      {drawn && (
        <>
          <Whiskers title={title} lines={told} named={named} />
          <Lines
            title={t('equity.groups')}
            of={title}
            heads={[t('equity.group'), t('equity.persons'), t('equity.reached'), t('equity.estimate'), t('equity.interval')]}
            rows={told.map((line) => [named(line), format.number(line.persons), format.number(line.events), shown(line.estimate, 1), range(line.low, line.high, 1)])}
          />
          {one.summaries.length > 0 ? <Summaries one={one} /> : <p className={look.quiet}>{t('equity.few')}</p>}
          {board.steps.length > 2 && <Funnel one={one} board={board} named={named} />}
          <Missing one={one} named={named} />
        </>
      )}
    </section>
  );
}

/** A dot a group with its interval. */
function Whiskers({ title, lines, named }: { title: string; lines: readonly Line[]; named: (line: Line) => string }) {
  const t = useT();
  const unit = t('equity.percent');
  const rows = [...lines].reverse();
  const words = JSON.stringify(rows.map((line) => [named(line), line.estimate, line.low, line.high]));
  const option = useCallback((ink: Ink) => {
    const points = JSON.parse(words) as [string, number, number, number][];
    const axis = { axisLabel: { color: ink.quiet }, splitLine: { lineStyle: { color: ink.line } } };
    return {
      grid: { left: 8, right: 28, top: 8, bottom: 36, containLabel: true },
      xAxis: { type: 'value', min: 0, max: 100, name: unit, nameLocation: 'middle', nameGap: 24, nameTextStyle: { color: ink.quiet }, ...axis },
      yAxis: { type: 'category', data: points.map((point) => point[0]), axisLabel: { color: ink.text, width: 150, overflow: 'truncate' }, axisTick: { show: false } },
      series: [
        { type: 'custom', silent: true, data: points.map((point, place) => [place, point[2], point[3]]), renderItem: whisker(ink) },
        { type: 'scatter', silent: true, symbolSize: 12, itemStyle: { color: ink.series[0] }, data: points.map((point, place) => [point[1], place]) },
      ],
    };
  }, [words, unit]);
  return <Chart label={t('equity.drawn', { title })} height={70 + 34 * rows.length} option={option} />;
}

interface Api {
  value: (place: number) => number;
  coord: (at: [number, number]) => [number, number];
}

function whisker(ink: Ink) {
  return (_: unknown, given: Api): object => {
    const [left, y] = given.coord([given.value(1), given.value(0)]);
    const [right] = given.coord([given.value(2), given.value(0)]);
    return { type: 'line', shape: { x1: left, y1: y, x2: right, y2: y }, style: { stroke: ink.series[0], lineWidth: 3, opacity: 0.45 } };
  };
}

function Summaries({ one }: { one: Dimension }) {
  const t = useT();
  return (
    <Lines
      title={t('equity.summaries')}
      of={t(`equity.dimension.${one.name}`)}
      heads={[t('equity.summary'), t('equity.value'), t('equity.interval')]}
      rows={one.summaries.map((each) => [t(`equity.summary.${each.name}`), shown(each.value), range(each.low, each.high)])}
    />
  );
}

function Funnel({ one, board, named }: { one: Dimension; board: BoardAnswer; named: (line: Line) => string }) {
  const t = useT();
  const format = useFormat();
  const title = t('equity.funnel');
  const unit = t('equity.percent');
  const lines = one.lines.filter((line) => line.names.length === 1 && (line.steps[0] ?? 0) > 0 && line.steps.every((step) => step !== null));
  const words = JSON.stringify({ steps: board.steps.map((step) => step.text), lines: lines.map((line) => [named(line), shares(line)]) });
  const option = useCallback((ink: Ink) => {
    const said = JSON.parse(words) as { steps: string[]; lines: [string, number[]][] };
    return {
      grid: { left: 8, right: 16, top: 34, bottom: 8, containLabel: true },
      legend: { top: 0, type: 'scroll', textStyle: { color: ink.text } },
      xAxis: { type: 'category', data: said.steps.map((_, place) => String(place + 1)), axisLabel: { color: ink.quiet } },
      yAxis: { type: 'value', min: 0, max: 100, name: unit, nameTextStyle: { color: ink.quiet }, axisLabel: { color: ink.quiet }, splitLine: { lineStyle: { color: ink.line } } },
      series: said.lines.map(([name, data]) => ({ name, type: 'line', data, symbolSize: 8, silent: true })),
    };
  }, [words, unit]);
  const opened = one.opening?.step ?? null;
  const gap = one.opening?.gaps.find((each) => each.step === opened);
  return (
    <>
      {lines.length > 1 && <Chart label={title} height={220} option={option} />}
      <Lines
        title={title}
        of={t(`equity.dimension.${one.name}`)}
        heads={[t('equity.group'), ...board.steps.map((_, place) => t('equity.step', { n: place + 1 }))]}
        rows={one.lines.map((line) => [named(line), ...line.steps.map((step) => (step === null ? t('equity.hidden') : format.number(step)))])}
      />
      <ol className={look.steps}>{board.steps.map((step) => <li key={step.code}>{step.text}</li>)}</ol>
      {one.opening && (
        <p className={look.plain}>
          {gap
            ? t('equity.opens', { step: board.steps[gap.step]?.text ?? '', low: groupName(t, one.name, gap.low), high: groupName(t, one.name, gap.high), points: shown(gap.difference, 1) })
            : t('equity.opensNot')}
        </p>
      )}
    </>
  );
}

function Missing({ one, named }: { one: Dimension; named: (line: Line) => string }) {
  const t = useT();
  const format = useFormat();
  const others = Object.keys(one.lines[0]?.missing ?? {});
  return (
    <details className={look.details}>
      <summary>{t('equity.missingness')}</summary>
      <Lines
        title={t('equity.missingBy')}
        of={t(`equity.dimension.${one.name}`)}
        heads={[t('equity.group'), ...others.map((other) => t(`equity.dimension.${other}`))]}
        rows={one.lines.map((line) => [named(line), ...others.map((other) => cell(format.number, t('equity.hidden'), line, other))])}
      />
    </details>
  );
}

function cell(number: (value: number) => string, hidden: string, line: Line, other: string): string {
  const count = line.missing[other];
  return count === null || count === undefined ? hidden : number(count);
}
