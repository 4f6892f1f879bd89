/** The wall's own thread: follows the stream, keeps every bed's state and draws. Its law: a frame's script is short, whatever comes. */
import { hospital, passed, SILENT_MS, time, type Told } from './clock';
import { conditionOf, keyOf, levelOf, type Shown, shownOf, sourceState, type Taken } from './beds';
import { follow } from './follow';
import type { FeedBed, Frame, Source } from './frames';
import { Lags } from './lags';
import type { FromWorker, ToWorker } from './messages';
import { byBed, orderer, type Rank, rankOf } from './order';
import { Picture } from './picture';
import { Trace } from './trace';

const port = self as unknown as { postMessage: (message: FromWorker) => void; onmessage: (event: MessageEvent<ToWorker>) => void };
/** Beds are looked at anew so often, a part of them at a time. */
const LOOK_MS = 100;
const PARTS = 10;
/** Rows that are told at once: few where they stand unseen beside the picture, so that no frame of it waits for them. */
const SEEN = 12;
const UNSEEN = 1;

const beds = new Map<string, FeedBed>();
const shown = new Map<string, Shown>();
const traces = new Map<string, Map<string, Trace>>();
const changed = new Set<string>();
const settle = orderer();
const toldRows = new Map<string, number>();
const lags = new Lags();
let picture: Picture | null = null;
let told: Told = { at: 0, heard: time() };
let feeds: readonly Source[] = [];
let alerts: ReadonlyMap<string, Taken> = new Map();
let names: ReadonlyMap<string, string> = new Map();
let by: 'risk' | 'bed' = 'risk';
let order: readonly string[] = [];
let every = 1_000;
let following = new AbortController();
let alone = false;
let turn = 0;

port.onmessage = ({ data }) => {
  if (data.type === 'begin') begin(data);
  else if (data.type === 'follow') goOn(data.address, data.alone);
  else if (data.type === 'alerts') alerts = data.alerts;
  else if (data.type === 'names') names = data.names;
  else if (data.type === 'rows') tellAll(data.every);
  else if (data.type === 'order') by = data.by;
  else if (data.type === 'size') picture?.size(data.width, data.height, data.ratio);
  else if (data.type === 'focus') picture?.focus(data.patient);
};

function begin({ canvas, words, still }: Extract<ToWorker, { type: 'begin' }>): void {
  setInterval(look, LOOK_MS);
  setInterval(second, 1_000);
  const ctx = canvas?.getContext('2d', { alpha: false });
  if (!canvas || !ctx) return;
  picture = new Picture(canvas, ctx, words, still);
  const draw = (): void => {
    requestAnimationFrame(draw);
    const now = time();
    const at = hospital(told, now);
    for (const one of picture?.draw(at, passed(told.heard, now) > SILENT_MS) ?? []) lags.painted(one, beds.get(one), at);
  };
  requestAnimationFrame(draw);
}

function goOn(address: string, one: boolean): void {
  alone = one;
  following.abort();
  following = new AbortController();
  for (const held of [beds, shown, traces]) held.clear();
  order = [];
  picture?.place([]);
  void follow(address, { frame, refused: (status) => port.postMessage({ type: 'refused', status }) }, following.signal);
}

function tellAll(pace: number): void {
  every = pace;
  toldRows.clear();
  for (const patient of shown.keys()) changed.add(patient);
}

function frame(one: Frame): void {
  told = { at: one.at, heard: time() };
  if (one.kind === 'waves') return waves(one);
  feeds = one.feeds;
  if (one.kind === 'clock') return;
  if (one.whole) {
    const here = new Set(one.beds.map((bed) => bed.patient));
    for (const patient of beds.keys()) if (!here.has(patient)) for (const held of [beds, shown, traces]) held.delete(patient);
  }
  for (const bed of one.beds) {
    beds.set(bed.patient, bed);
    if (alone) port.postMessage({ type: 'bed', bed });
    if (!one.whole) lags.came(bed);
    // What looks as it did is on the screen already
    if (!show(bed, one.at)) lags.painted(bed.patient, bed, one.at);
  }
  if (one.whole) arrange();
}

function waves(one: Extract<Frame, { kind: 'waves' }>): void {
  for (const piece of one.pieces) {
    if (!beds.has(piece.patient)) continue;
    const mine = traces.get(piece.patient) ?? new Map<string, Trace>();
    traces.set(piece.patient, mine);
    let trace = mine.get(piece.code);
    if (trace?.hz !== piece.hz) {
      trace = new Trace(piece.hz, piece.unit);
      mine.set(piece.code, trace);
      picture?.traced(piece.patient, mine);
    }
    trace.take(piece, one.at);
  }
}

function show(bed: FeedBed, at: number): boolean {
  const now = shownOf(bed, names.get(bed.patient) ?? '', alerts.get(bed.patient), at);
  const before = shown.get(bed.patient);
  if (before && keyOf(before, false) === keyOf(now, false)) return false;
  shown.set(bed.patient, now);
  changed.add(bed.patient);
  picture?.show(now);
  return true;
}

/** Time passes for a part of the beds: their numbers grow old by themselves. */
function look(): void {
  const at = hospital(told, time());
  let place = 0;
  for (const bed of beds.values()) {
    if (place % PARTS === turn % PARTS) show(bed, at);
    place += 1;
  }
  turn += 1;
  tell(performance.now());
}

/** A few rows at a time, each no more often than asked for: the page's own thread draws them. */
function tell(now: number): void {
  const rows: Shown[] = [];
  for (const patient of changed) {
    const row = shown.get(patient);
    if (row && now - (toldRows.get(patient) ?? -Infinity) < every) continue;
    changed.delete(patient);
    toldRows.set(patient, now);
    if (row && rows.push(row) >= (picture ? UNSEEN : SEEN)) break;
  }
  if (rows.length > 0) port.postMessage({ type: 'rows', rows });
}

function second(): void {
  arrange();
  const now = time();
  const at = hospital(told, now);
  const silent = [...beds.values()].filter((bed) => conditionOf(bed, at) === 'silent').map((bed) => bed.patient);
  const heard = feeds.map((one) => ({ ...one, state: sourceState(one, at) }));
  port.postMessage({ type: 'heard', ago: passed(told.heard, now), silent, feeds: heard, lag: lags.told() });
}

/** Put every bed in its place, where that has changed. */
function arrange(): void {
  const ranks: Rank[] = [...beds.values()].map((bed) => {
    const alert = alerts.get(bed.patient);
    const rank = rankOf(levelOf(bed.news2), alert && !alert.taken ? alert.urgency : '');
    return { patient: bed.patient, rank, ward: bed.wardName, bed: bed.name || bed.id };
  });
  const settled = settle(ranks, performance.now());
  const now = by === 'risk' ? settled : ranks.sort(byBed).map((one) => one.patient);
  if (now.length === order.length && now.every((patient, n) => patient === order[n])) return;
  order = now;
  picture?.place(order.flatMap((patient) => shown.get(patient) ?? []), traces);
  port.postMessage({ type: 'order', order });
}
