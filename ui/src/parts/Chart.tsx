/** A drawing of ECharts, which is loaded with the first page that draws one. What it tells stands in a table beside it. */
import type { EChartsCoreOption } from 'echarts/core';
import { lazy, Suspense } from 'react';
import look from './lines.module.css';

export interface Ink {
  text: string;
  quiet: string;
  line: string;
  paper: string;
  series: readonly string[];
}

export interface ChartProps {
  label: string;
  height?: number;
  /** Kept between renders (`useCallback`): a new one is drawn anew. */
  option: (ink: Ink) => EChartsCoreOption;
}

const Drawing = lazy(() => import('./Drawing'));

export function Chart(props: ChartProps) {
  return (
    <Suspense fallback={<div className={look.chart} aria-hidden="true" />}>
      <Drawing {...props} />
    </Suspense>
  );
}
