/** The canvas: wheel, pinch, drag, keys and buttons move one window of time; what is under the pointer is said in words. */
import { formatDateTime, printing, useLanguage, usePrinted, useT, ZONE } from '@shell';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { offsetOf, ticks } from './axis';
import { type Cluster, type Kind, KINDS, type TimelineAnswer } from './data';
import { draw, heightOf, hit, LANE, type Mark, type Palette } from './draw';
import { arrow, called, dark } from './look';
import look from './journey.module.css';
import { pan, type View, within, zoom } from './view';

const offset = offsetOf(ZONE);
const PAPER = 570; // CSS pixels beside the lanes' names on an upright A4 sheet with the page's margins
const PAPER_RATIO = 3; // a printer shows more dots than the screen

export interface TimelineProps {
  view: View;
  all: View;
  answer: TimelineAnswer;
  lanes: readonly Kind[];
  move: (view: View) => void;
  choose: (cluster: Cluster) => void;
  open: (source: string) => void;
  measured: (width: number) => void;
}

export function Timeline({ view, all, answer, lanes, move, choose, open, measured }: TimelineProps) {
  const t = useT();
  const language = useLanguage();
  const canvas = useRef<HTMLCanvasElement>(null);
  const marks = useRef<Mark[]>([]);
  const [shown, setShown] = useState(0);
  const printed = usePrinted();
  const width = printed ? PAPER : shown;
  const [over, setOver] = useState<Mark | null>(null);
  const height = heightOf(lanes.length);
  const pages = useScheme();

  useEffect(() => {
    const element = canvas.current?.parentElement;
    if (!element) return;
    const watch = new ResizeObserver(() => {
      const wide = Math.floor(element.clientWidth);
      if (printing()) return; // paper is drawn for itself; the screen's width comes back with it
      setShown(wide);
      measured(wide);
    });
    watch.observe(element);
    return () => watch.disconnect();
  }, [measured]);

  useEffect(() => {
    const element = canvas.current;
    const ctx = element?.getContext('2d');
    if (!element || !ctx || width === 0) return;
    const ratio = printed ? PAPER_RATIO : window.devicePixelRatio || 1;
    element.width = Math.floor(width * ratio);
    element.height = Math.floor(height * ratio);
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    marks.current = draw(ctx, {
      view, width, lanes, clusters: answer.clusters, spans: answer.spans, chosen: over, palette: palette(element),
      ticks: ticks(view, width, language, offset),
      now: { at: Date.now(), text: t('journey.today') },
      words: (one) => (one.value ? `${one.value} ${one.unit ?? ''}`.trim() : called(one, language, t)),
      name: (span) => called(span, language, t),
    });
    performance.mark('journey-drawn');
  }, [view, width, height, lanes, answer, over, language, t, pages, printed]);

  const grips = useGrips(canvas, { view, all, move });
  const point = (event: { clientX: number; clientY: number }): Mark | null => {
    const box = canvas.current?.getBoundingClientRect();
    return box ? hit(marks.current, event.clientX - box.left, event.clientY - box.top) : null;
  };
  const act = (mark: Mark): void => {
    const source = mark.span?.source ?? mark.cluster?.source;
    if (source) open(source);
    else if (mark.cluster) choose(mark.cluster);
  };
  const keys = (event: React.KeyboardEvent): void => {
    const next = keyed(event.key, view, all);
    if (!next) return;
    event.preventDefault();
    move(next);
  };

  return (
    <div className={look.timeline}>
      <ul className={look.lanes} aria-hidden style={{ height }}>
        {lanes.map((kind) => (
          <li key={kind} style={{ height: LANE }}>
            {t(`journey.kind.${kind}`)}
          </li>
        ))}
      </ul>
      <div className={look.stage} style={{ height }}>
        <canvas
          ref={canvas}
          className={look.canvas}
          style={{ width, height }}
          tabIndex={0}
          role="img"
          aria-label={`${t('journey.timeline')}. ${t('journey.timeline.help')}`}
          data-from={view.from}
          data-to={view.to}
          onKeyDown={keys}
          onPointerDown={grips.down}
          onPointerMove={(event) => (grips.held() ? grips.drag(event) : setOver(point(event)))}
          onPointerUp={(event) => {
            const clicked = grips.up(event);
            const mark = clicked ? point(event) : null;
            if (mark) act(mark);
          }}
          onPointerCancel={grips.cancel}
          onPointerLeave={() => setOver(null)}
        />
        {over && <Tip mark={over} width={width} />}
      </div>
    </div>
  );
}

function Tip({ mark, width }: { mark: Mark; width: number }) {
  const t = useT();
  const language = useLanguage();
  const thing = mark.cluster ?? mark.span;
  if (!thing) return null;
  const kind = t(`journey.kind.${thing.kind}`);
  const middle = Math.min(Math.max((mark.left + mark.right) / 2, 90), Math.max(90, width - 90));
  const many = mark.cluster && mark.cluster.n > 1 ? mark.cluster : null;
  const flag = mark.cluster?.flag;
  return (
    <div className={look.tip} style={{ left: middle, top: 26 + (mark.lane + 1) * LANE }}>
      {many ? (
        <>
          <b>{t('journey.cluster', { kind, n: many.n })}</b>
          {many.flagged > 0 && <span className={look.flagged}> {t('journey.cluster.flagged', { n: many.flagged })}</span>}
          <br />
          {stretch(many.low, many.last)}
        </>
      ) : (
        <>
          <b>{called(thing, language, t) || kind}</b> {mark.cluster?.value} {mark.cluster?.unit}{' '}
          {flag && (
            <span className={look.flagged}>
              {arrow(flag)} {t(`journey.flag.${flag}`)}
            </span>
          )}
          <br />
          {kind} · {written(thing.at ?? '', t('journey.ongoing'))}
        </>
      )}
    </div>
  );
}

/** A time or a period as written, in the hospital's zone; a period without end goes on. */
export function written(at: string, ongoing: string): string {
  const [start = '', end] = at.split('/');
  if (end === undefined) return formatDateTime(start);
  return `${formatDateTime(start)} – ${end ? formatDateTime(end) : ongoing}`;
}

function stretch(low: number, last: number): string {
  const [from, to] = [low, last].map((at) => formatDateTime(new Date(at).toISOString())) as [string, string];
  return from === to ? from : `${from} – ${to.slice(0, 10) === from.slice(0, 10) ? to.slice(11) : to}`;
}

function keyed(key: string, view: View, all: View): View | null {
  switch (key) {
    case 'ArrowLeft': return pan(view, -0.2, all);
    case 'ArrowRight': return pan(view, 0.2, all);
    case 'PageUp': return pan(view, -0.9, all);
    case 'PageDown': return pan(view, 0.9, all);
    case '+': case '=': return zoom(view, 0.5, 0.5, all);
    case '-': case '_': return zoom(view, 2, 0.5, all);
    case 'Home': return within(all, all);
    default: return null;
  }
}

interface Held {
  view: View;
  all: View;
  move: (view: View) => void;
}

/** Drag with one finger or the mouse, pinch with two, wheel at the pointer; a press that did not move is a click. */
function useGrips(canvas: React.RefObject<HTMLCanvasElement | null>, held: Held) {
  const fingers = useRef(new Map<number, number>());
  const start = useRef<{ x: number; y: number; view: View; fingers: number[] } | null>(null);
  const latest = useRef(held);
  latest.current = held;

  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const wheel = (event: WheelEvent): void => {
      event.preventDefault();
      const { view, all, move } = latest.current;
      const box = element.getBoundingClientRect();
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey) {
        move(pan(view, (event.deltaX || event.deltaY) / box.width, all));
        return;
      }
      const factor = Math.exp(Math.max(-200, Math.min(200, event.deltaY)) * (event.ctrlKey ? 0.01 : 0.0022));
      move(zoom(view, factor, (event.clientX - box.left) / box.width, all));
    };
    element.addEventListener('wheel', wheel, { passive: false });
    return () => element.removeEventListener('wheel', wheel);
  }, [canvas]);

  const grip = useCallback((event: { clientX: number; clientY: number }) => {
    start.current = { x: event.clientX, y: event.clientY, view: latest.current.view, fingers: [...fingers.current.values()] };
  }, []);

  return useMemo(
    () => ({
      held: () => fingers.current.size > 0,
      down: (event: React.PointerEvent) => {
        canvas.current?.setPointerCapture(event.pointerId);
        fingers.current.set(event.pointerId, event.clientX);
        grip(event);
      },
      drag: (event: React.PointerEvent) => {
        const from = start.current;
        const wide = canvas.current?.clientWidth ?? 1;
        if (!from || !fingers.current.has(event.pointerId)) return;
        fingers.current.set(event.pointerId, event.clientX);
        const { all, move } = latest.current;
        const [first, second] = [...fingers.current.values()];
        const [one, two] = from.fingers;
        if (second !== undefined && first !== undefined && one !== undefined && two !== undefined) {
          const before = Math.max(20, Math.abs(one - two));
          const left = canvas.current?.getBoundingClientRect().left ?? 0;
          move(zoom(from.view, before / Math.max(20, Math.abs(first - second)), ((one + two) / 2 - left) / wide, all));
        } else if (Math.abs(event.clientX - from.x) > 3) move(pan(from.view, (from.x - event.clientX) / wide, all));
      },
      up: (event: React.PointerEvent): boolean => {
        const from = start.current;
        const single = fingers.current.size === 1;
        fingers.current.delete(event.pointerId);
        if (fingers.current.size) grip(event);
        return single && !!from && Math.hypot(event.clientX - from.x, event.clientY - from.y) < 4;
      },
      cancel: () => fingers.current.clear(),
    }),
    [canvas, grip],
  );
}

/** Changes when the page turns dark or light, so that the canvas is drawn anew. */
function useScheme(): boolean {
  const [now, set] = useState(dark());
  useEffect(() => {
    const watch = new MutationObserver(() => set(dark()));
    watch.observe(document.documentElement, { attributeFilter: ['data-mantine-color-scheme'] });
    return () => watch.disconnect();
  }, []);
  return now;
}

function palette(element: HTMLElement): Palette {
  const style = getComputedStyle(element);
  const color = (name: string): string => style.getPropertyValue(name).trim();
  return {
    ink: style.color, quiet: color('--house-quiet'), line: color('--house-line'), paper: color('--house-paper'),
    well: color('--house-side'), alert: color('--house-alert-ink'), brand: color('--house-brand'),
    kinds: Object.fromEntries(KINDS.map((kind) => [kind, color(`--kind-${kind}`)])),
  };
}
