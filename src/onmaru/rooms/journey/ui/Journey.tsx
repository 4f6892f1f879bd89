/** The patient's page: header, timeline and list stand on two requests that leave at once; nothing waits for the other. */
import { type Problem, ProblemView, useLive, useT, useTitle } from '@shell';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useParams } from 'react-router';
import { below, type Cluster, type Extent, type Item, type Kind, KINDS, type Summary, type TimelineAnswer } from './data';
import { ask, FIRST_WIDTH } from './early';
import { Header } from './Header';
import look from './journey.module.css';
import { List } from './List';
import { SourceDrawer } from './SourceDrawer';
import { Timeline } from './Timeline';
import { Tools } from './Tools';
import { around, beyond, length, same, type View, whole, within } from './view';

const HALF_DAY = 43_200_000;

export default function Journey() {
  const { patient = '' } = useParams();
  return <Page key={patient} patient={patient} />;
}

function Page({ patient }: { patient: string }) {
  const t = useT();
  const { tick } = useLive(patient);
  const summary = useSummary(patient, tick);
  const [width, setWidth] = useState(0);
  const [asked, setAsked] = useState<View | null>(null);
  const line = useTimeline(patient, asked, width, tick);
  const [kinds, setKinds] = useState<ReadonlySet<Kind>>(new Set());
  const [cluster, setCluster] = useState<Cluster | null>(null);
  const [opened, setOpened] = useState<{ source: string; item: Item | null } | null>(null);
  const [words, setWords] = useState<{ q?: string; flagged?: string }>({});
  useTitle(t('journey.title'));

  const extent = line.answer?.extent ?? null;
  const all = useMemo(() => (extent ? bounds(extent) : null), [extent]);
  const view = useMemo(() => (all ? (asked ? within(asked, all) : all) : null), [asked, all]);
  const lanes = useMemo(() => lanesOf(extent, kinds), [extent, kinds]);
  const open = useCallback((source: string) => setOpened({ source, item: null }), []);

  const move = useCallback(
    (next: View) => {
      setCluster(null);
      setAsked(all && whole(next, all) ? null : next);
    },
    [all],
  );
  const choose = (one: Cluster): void => {
    if (!all || !view) return;
    const next = around(one.low, one.last, all);
    if (one.n > 25 && length(next) < length(view) * 0.8) move(next);
    else setCluster(one);
  };

  const headed = summary.value !== null;
  useEffect(() => {
    if (headed) performance.mark('journey-headed');
  }, [headed]);

  if (summary.problem && !summary.value) return <ProblemView problem={summary.problem} retry={summary.reload} patient={patient} whole />;
  const window = listed(view, all, cluster, kinds);
  return (
    <div className={look.page}>
      {summary.value && <Header summary={summary.value} open={open} chosen={{ ...texts(window), ...words }} />}
      {line.problem && !line.answer && <ProblemView problem={line.problem} retry={line.reload} />}
      <section className={look.course} aria-label={t('journey.timeline')} hidden={!line.answer}>
        {line.answer && view && all && extent && (
          <>
            <Tools view={view} all={all} extent={extent} kinds={kinds} move={move} show={setKinds} />
            <Timeline view={view} all={all} answer={line.answer} lanes={lanes} move={move} choose={choose} open={open} measured={setWidth} />
          </>
        )}
      </section>
      <List patient={patient} asked={window} tick={tick} clear={cluster ? () => setCluster(null) : null} open={(item) => setOpened({ source: item.source, item })} refine={setWords} />
      <SourceDrawer patient={patient} source={opened?.source ?? null} item={opened?.item ?? null} tick={tick} open={open} close={() => setOpened(null)} />
    </div>
  );
}

/** The whole chart with the same margin as the server's. */
function bounds(extent: Extent): View {
  const low = extent.from ?? 0;
  const high = extent.to ?? 0;
  const margin = Math.max((high - low) / 50, HALF_DAY);
  return { from: low - margin, to: high + margin };
}

/** Lanes in their fixed order: those that the chart has, narrowed to the kinds chosen. */
function lanesOf(extent: Extent | null, kinds: ReadonlySet<Kind>): Kind[] {
  const held = new Set(extent?.kinds.filter((one) => one.n > one.undated).map((one) => one.kind));
  return KINDS.filter((kind) => held.has(kind) && (kinds.size === 0 || kinds.has(kind)));
}

function listed(view: View | null, all: View | null, cluster: Cluster | null, kinds: ReadonlySet<Kind>) {
  if (cluster) return { from: cluster.low, to: cluster.last + 1, kinds: cluster.kind };
  const chosen = kinds.size ? [...kinds].join(',') : undefined;
  if (!view || !all || same(view, all) || whole(view, all)) return { kinds: chosen };
  return { from: Math.floor(view.from), to: Math.ceil(view.to), kinds: chosen };
}

const texts = (window: { from?: number; to?: number; kinds?: string | undefined }) => ({
  from: window.from === undefined ? undefined : String(window.from),
  to: window.to === undefined ? undefined : String(window.to),
  kinds: window.kinds,
});

interface Line {
  answer: TimelineAnswer | null;
  problem: Problem | null;
}

interface Head {
  value: Summary | null;
  problem: Problem | null;
}

/** What stands stays on screen while a newer answer is under way. */
function useSummary(patient: string, tick: number): Head & { reload: () => void } {
  const [head, setHead] = useState<Head>({ value: null, problem: null });
  const [again, setAgain] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    void ask<Summary>(below(patient, 'summary'), {}, stop.signal).then((outcome) => {
      if (stop.signal.aborted) return;
      setHead((old) => (outcome.ok ? { value: outcome.value, problem: null } : { ...old, problem: outcome.problem }));
    });
    return () => stop.abort();
  }, [patient, tick, again]);
  const reload = useCallback(() => setAgain((n) => n + 1), []);
  return { ...head, reload };
}

const SETTLED_MS = 30;
const STEP = 200; // a canvas a little wider or narrower keeps its clusters

/** Clusters for twice the window on either side; while a new answer is under way the old one is drawn, moved and stretched. */
function useTimeline(patient: string, view: View | null, width: number, tick: number): Line & { reload: () => void } {
  const [line, setLine] = useState<Line>({ answer: null, problem: null });
  const [again, setAgain] = useState(0);
  const wide = Math.max(STEP, Math.round((width || FIRST_WIDTH) / STEP) * STEP);
  const seen = useRef(false);
  const words = view ? JSON.stringify(beyond(view)) : '';

  useEffect(() => {
    const first = !seen.current;
    seen.current = true;
    const stop = new AbortController();
    const query = words ? { ...(JSON.parse(words) as View), width: wide * 2 } : { width: wide };
    const timer = setTimeout(
      () => {
        void ask<TimelineAnswer>(below(patient, 'timeline'), query, stop.signal).then((outcome) => {
          if (stop.signal.aborted) return;
          setLine((old) => (outcome.ok ? { answer: outcome.value, problem: null } : { ...old, problem: outcome.problem }));
        });
      },
      first ? 0 : SETTLED_MS,
    );
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [patient, words, wide, tick, again]);

  const reload = useCallback(() => setAgain((n) => n + 1), []);
  return { ...line, reload };
}
