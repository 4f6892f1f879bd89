/** The wall's own thread: follows the stream, keeps every bed's state and draws. Its law: a frame's script is short, whatever comes. */
import { hospital, passed, SILENT_MS, time, type Told } from './clock';
import { conditionOf, keyOf, levelOf, type Shown, shownOf, sourceState, type Taken } from './beds';
import { follow } from './follow';
import type { FeedBed, Frame, Piece, Source } from './frames';
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
/** So long a frame may take up what has come, ms; the rest waits for the next one, at most until beds are looked at. */
const TAKE_MS = 0.4;
/** More than this that waits is taken up at once: numbers are never old for the sake of smoothness. */
const WAITING = 600;

const beds = new Map<string, FeedBed>();
const shown = new Map<string, Shown>();
const keys = new Map<string, string>();
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
/** What has come and is not taken up, oldest first; and when a frame was drawn last. */
let came: ({ bed: FeedBed; at: number } | { piece: Piece; at: number })[] = [];
let drawn = 0;

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
    drawn = performance.now();
    takeUp(drawn + TAKE_MS);
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
  for (const held of [beds, shown, keys, traces]) held.clear();
  came = [];
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
  if (one.kind === 'waves') for (const piece of one.pieces) came.push({ piece, at: one.at });
  else feeds = one.feeds;
  if (one.kind !== 'beds') return;
  if (one.whole) return everything(one);
  for (const bed of one.beds) {
    lags.came(bed);
    came.push({ bed, at: one.at });
  }
  if (came.length > WAITING) takeUp(Infinity);
}

/** Every bed that there is, as it is now; what came before is taken up first. */
function everything(one: Extract<Frame, { kind: 'beds' }>): void {
  takeUp(Infinity);
  const here = new Set(one.beds.map((bed) => bed.patient));
  for (const patient of beds.keys()) if (!here.has(patient)) for (const held of [beds, shown, keys, traces]) held.delete(patient);
  for (const bed of one.beds) take(bed, one.at);
  arrange();
}

/** Take up what has come, in its order, until a time: all at once it would hold up the frame in which it came. */
function takeUp(until: number): void {
  let n = 0;
  for (; n < came.length && (n === 0 || performance.now() < until); n += 1) {
    const one = came[n] as (typeof came)[number];
    if ('bed' in one) take(one.bed, one.at);
    else wave(one.piece, one.at);
  }
  came.splice(0, n);
}

function take(bed: FeedBed, at: number): void {
  beds.set(bed.patient, bed);
  if (alone) port.postMessage({ type: 'bed', bed });
  // What looks as it did is on the screen already
  if (!show(bed, at)) lags.painted(bed.patient, bed, at);
}

function wave(piece: Piece, at: number): void {
  if (!beds.has(piece.patient)) return;
  const mine = traces.get(piece.patient) ?? new Map<string, Trace>();
  traces.set(piece.patient, mine);
  let trace = mine.get(piece.code);
  if (trace?.hz !== piece.hz) {
    trace = new Trace(piece.hz, piece.unit);
    mine.set(piece.code, trace);
    picture?.traced(piece.patient, mine);
  }
  trace.take(piece, at);
}

function show(bed: FeedBed, at: number): boolean {
  const now = shownOf(bed, names.get(bed.patient) ?? '', alerts.get(bed.patient), at);
  const key = keyOf(now, false);
  if (keys.get(bed.patient) === key) return false;
  keys.set(bed.patient, key);
  shown.set(bed.patient, now);
  changed.add(bed.patient);
  picture?.show(now);
  return true;
}

/** Time passes for a part of the beds: their numbers grow old by themselves. */
function look(): void {
  // Where no picture is drawn, as on a page that nobody sees, this alone takes up what comes
  if (performance.now() - drawn > LOOK_MS) takeUp(Infinity);
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
