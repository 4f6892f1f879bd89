/** The wall's worker as the page sees it. The page keeps its own watch: it says what is silent even if its worker is. */
import { address, api } from '@shell';
import { type RefObject, useCallback, useEffect, useRef, useState } from 'react';
import { passed, SILENT_MS, time } from './clock';
import type { FeedBed, Source } from './frames';
import type { FromWorker, ToWorker } from './messages';
import { Rows } from './rows';
import type { Words } from './tile';

const WATCH_MS = 500;

export interface Wall {
  rows: Rows;
  /** For how many ms nothing was heard of the server; 0 while it speaks. */
  silent: number;
  /** Patients whose devices say nothing. */
  still: readonly string[];
  feeds: readonly Source[];
  /** The status that the stream was refused with; 0 for none. */
  refused: number;
  /** The one bed that is followed alone, whole. */
  bed: FeedBed | null;
  tell: (message: ToWorker) => void;
}

/** `drawn`: where the picture goes; without it only the list is kept. */
export function useWall(of: { ward?: string; patient?: string }, host: RefObject<HTMLDivElement | null>, drawn: boolean, words: Words): Wall {
  const { ward = '', patient = '' } = of;
  const worker = useRef<Worker | null>(null);
  const rows = useRef(new Rows());
  const heard = useRef(time());
  const [silent, setSilent] = useState(0);
  const [seen, setSeen] = useState<Seen>({ still: [], feeds: [] });
  const [refused, setRefused] = useState(0);
  const [bed, setBed] = useState<FeedBed | null>(null);
  const tell = useCallback((message: ToWorker) => worker.current?.postMessage(message), []);

  useEffect(() => {
    const made = new Worker(new URL('./wall.worker.ts', import.meta.url), { type: 'module' });
    worker.current = made;
    rows.current.clear();
    made.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.type === 'rows') rows.current.set(data.rows);
      else if (data.type === 'order') rows.current.arrange(data.order);
      else if (data.type === 'bed') setBed(data.bed);
      else if (data.type === 'heard') {
        const now = time();
        heard.current = { monotonic: now.monotonic - data.ago, calendar: now.calendar - data.ago };
        setSeen((old) => kept(old, { still: data.silent, feeds: data.feeds }));
        // Written past React: a figure that changes each second must not draw the page anew
        if (host.current && data.lag) Object.assign(host.current.dataset, data.lag);
        if (data.ago < SILENT_MS) setRefused(0);
      } else if (data.type === 'refused') {
        setRefused(data.status);
        // Whoever is signed out is asked to sign in by the shell, which hears it from its own request
        if (data.status === 401) void api.get('/api/me');
      }
    };
    const canvas = drawn ? hung(host.current) : null;
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    made.postMessage({ type: 'begin', canvas: canvas?.offscreen ?? null, words, still } satisfies ToWorker, canvas ? [canvas.offscreen] : []);
    const watch = canvas && sized(canvas.node, (message) => made.postMessage(message));
    return () => {
      watch?.disconnect();
      canvas?.node.remove();
      made.terminate();
      worker.current = null;
    };
  }, [drawn, host, words]);

  useEffect(() => {
    heard.current = time();
    tell({ type: 'follow', address: address('/rooms/monitor/live/feed', { ward, patient }), alone: patient !== '' });
  }, [ward, patient, drawn, words, tell]);

  useEffect(() => {
    const look = (): void => {
      const ago = passed(heard.current, time());
      setSilent(ago > SILENT_MS ? Math.floor(ago / 1000) * 1000 : 0);
    };
    const timer = setInterval(look, WATCH_MS);
    document.addEventListener('visibilitychange', look);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', look);
    };
  }, []);

  return { rows: rows.current, silent, ...seen, refused, bed, tell };
}

type Seen = Pick<Wall, 'still' | 'feeds'>;

/** The same object where nothing of it that is shown has changed, so that the page is not drawn anew each second. */
const kept = (old: Seen, fresh: Seen): Seen => (told(old) === told(fresh) ? old : fresh);
const told = ({ still, feeds }: Seen): string => [...still, ...feeds.map((one) => one.name + one.state)].join(' ');

/** A canvas of its own for each worker: one is handed over for good. */
function hung(host: HTMLDivElement | null): { node: HTMLCanvasElement; offscreen: OffscreenCanvas } | null {
  if (!host) return null;
  const node = document.createElement('canvas');
  node.setAttribute('aria-hidden', 'true');
  host.append(node);
  return { node, offscreen: node.transferControlToOffscreen() };
}

function sized(node: HTMLCanvasElement, tell: (message: ToWorker) => void): ResizeObserver {
  const watch = new ResizeObserver(([entry]) => {
    if (entry) tell({ type: 'size', width: entry.contentRect.width, height: entry.contentRect.height, ratio: Math.min(2, devicePixelRatio) });
  });
  watch.observe(node);
  return watch;
}
