/** An ECharts drawing that follows its box and the page's colours. It is a picture: what it tells stands in a table beside it. */
import { useEffect, useRef } from 'react';
import { BarChart, CustomChart, LineChart, ScatterChart, SunburstChart } from 'echarts/charts';
import { GridComponent, LegendComponent, MarkLineComponent, TooltipComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';
import type { ChartProps } from './Chart';
import look from './lines.module.css';

use([BarChart, CanvasRenderer, CustomChart, GridComponent, LegendComponent, LineChart, MarkLineComponent, ScatterChart, SunburstChart, TooltipComponent]);

// Okabe and Ito's colours, told apart by who sees red and green alike
const SERIES = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#8f7a00', '#7f7f7f'];

export default function Drawing({ label, height = 340, option }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const node = box.current;
    if (!node) return;
    const style = getComputedStyle(document.documentElement);
    const of = (name: string): string => style.getPropertyValue(name).trim();
    const ink = { text: of('--mantine-color-text'), quiet: of('--house-quiet'), line: of('--house-line'), paper: of('--house-paper'), series: SERIES };
    node.style.height = `${height}px`;
    const chart = init(node, null, { renderer: 'canvas' });
    chart.setOption({ animation: false, color: [...SERIES], textStyle: { color: ink.text, fontFamily: 'inherit' }, ...option(ink) });
    const watch = new ResizeObserver(() => chart.resize());
    watch.observe(node);
    return () => {
      watch.disconnect();
      chart.dispose();
    };
  }, [option, height]);
  return <div ref={box} className={look.chart} role="img" aria-label={label} />;
}
