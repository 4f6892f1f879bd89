import { expect, test } from 'vitest';
import { conditionOf, levelOf, scoreOf, shownOf, sourceState, stepped, valueOf } from '../../src/onmaru/rooms/monitor/ui/wall/beds';
import { causesOf, lasting } from '../../src/onmaru/rooms/monitor/ui/wall/causes';
import { hospital, passed } from '../../src/onmaru/rooms/monitor/ui/wall/clock';
import { type FeedBed, frameReader, type News2, type Numeric, type Piece } from '../../src/onmaru/rooms/monitor/ui/wall/frames';
import { gridOf, placeAt, step } from '../../src/onmaru/rooms/monitor/ui/wall/grid';
import { masked } from '../../src/onmaru/rooms/monitor/ui/wall/names';
import { orderer, type Rank, rankOf } from '../../src/onmaru/rooms/monitor/ui/wall/order';
import { extent, lanes, marks, runs, spanOf, type Point } from '../../src/onmaru/rooms/monitor/ui/bedside/trend';
import { changes, type Rule, sound } from '../../src/onmaru/rooms/monitor/ui/trial';
import { Trace } from '../../src/onmaru/rooms/monitor/ui/wall/trace';

const SECOND = 1_000_000;

function framed(kind: number, ...parts: (string | number[])[]): Uint8Array {
  const bytes = parts.flatMap((part) => (typeof part === 'string' ? [...new TextEncoder().encode(part)] : part));
  const whole = new Uint8Array(5 + bytes.length);
  new DataView(whole.buffer).setUint32(0, bytes.length + 1, true);
  whole[4] = kind;
  whole.set(bytes, 5);
  return whole;
}

const head = JSON.stringify({ at: 9, pieces: [['p1', 'ecg-ii', 'mV', 250, 7, 3, -1, 0.5]] });
const WAVES = framed(2, [head.length, 0, 0, 0], head, [0, 2, 4]);

test('frames are read from bytes that are cut anywhere', () => {
  const whole = Uint8Array.from([...framed(3, '{"at":5,"feeds":[]}'), ...WAVES, ...framed(77, 'later'), ...framed(1, '{"at":6,"whole":true,"beds":[],"feeds":[]}')]);
  for (const size of [1, 3, 50, whole.length]) {
    const read = frameReader();
    const found = [];
    for (let at = 0; at < whole.length; at += size) found.push(...read(whole.slice(at, at + size)));
    expect(found.map((one) => one.kind)).toEqual(['clock', 'waves', 'beds']);
    const [piece] = found[1]?.kind === 'waves' ? found[1].pieces : [];
    expect([piece?.patient, piece?.hz, [...(piece?.samples ?? [])]]).toEqual(['p1', 250, [0, 2, 4]]);
  }
});

test('bytes that are no frames are refused', () => {
  expect(() => frameReader()(new TextEncoder().encode('<html><body>'))).toThrow();
});

const piece = (at: number, samples: number[], hz = 4): Piece => ({ patient: 'p', code: 'ecg', unit: 'mV', hz, at, low: 0, step: 1, samples: Uint8Array.from(samples) });

test('pieces that follow each other are one line, whatever a clock was rounded to', () => {
  const trace = new Trace(4, 'mV');
  trace.take(piece(100 * SECOND, [1, 2, 3, 4]), 100 * SECOND);
  trace.take(piece(101 * SECOND + 200_000, [5, 6, 7, 8]), 101 * SECOND);
  expect([397, 398, 399, 400, 401, 402, 403, 404].map((n) => trace.sample(n))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

test('what is missing of a waveform is a gap, and what comes late is not drawn as if it were now', () => {
  const trace = new Trace(4, 'mV');
  trace.take(piece(100 * SECOND, [1, 2, 3, 4]), 100 * SECOND);
  trace.take(piece(103 * SECOND, [5, 6, 7, 8]), 103 * SECOND);
  expect([400, 401, 408, 409, 412, 413].map((n) => trace.sample(n))).toEqual([4, NaN, NaN, 5, 8, NaN]);
  expect(trace.take(piece(104 * SECOND, [1, 1, 1, 1]), 120 * SECOND)).toBe(false);
  expect(trace.take(piece(102 * SECOND, [1, 1, 1, 1]), 103 * SECOND)).toBe(false);
  trace.take(piece(900 * SECOND, [9]), 900 * SECOND);
  expect([trace.sample(412), trace.sample(3599), trace.sample(3600)]).toEqual([NaN, NaN, 9]);
});

const numeric = (value: Partial<Numeric>): Numeric => ({ measure: 'heart-rate', value: '80', unit: '/min', at: 0, received: 0, interval: SECOND, flag: '', ...value });

test('a number is old after three of its intervals, and none any more after ten', () => {
  expect(valueOf(numeric({}), 3 * SECOND)).toMatchObject({ value: '80', age: 'live' });
  expect(valueOf(numeric({}), 3 * SECOND + 1)).toMatchObject({ value: '80', age: 'old', seconds: 3 });
  expect(valueOf(numeric({}), 10 * SECOND + 1)).toMatchObject({ value: '', age: 'gone', seconds: 10 });
  expect(valueOf(numeric({ interval: 5 * SECOND }), 40 * SECOND)).toMatchObject({ value: '80', age: 'old' });
  expect(valueOf(numeric({ flag: 'motion' }), SECOND).age).toBe('doubtful');
  expect(valueOf(numeric({ interval: 0 }), 11 * 3600 * SECOND).age).toBe('live');
  expect(valueOf(numeric({ interval: 0 }), 13 * 3600 * SECOND).age).toBe('old');
});

test('a device whose clock is ahead cannot keep an old number young', () => {
  expect(valueOf(numeric({ at: 50 * SECOND, received: 0 }), 4 * SECOND).age).toBe('old');
});

const news2 = (value: Partial<News2>): News2 => ({ total: null, least: 3, most: 9, level: null, leastLevel: 'low', scale: '1', parts: [{ name: 'pulse', state: 'scored', points: 1, least: 1, most: 1 }], ...value });

test('a score says between which totals it lies, and nothing known is no low risk', () => {
  expect([scoreOf(news2({})), levelOf(news2({}))]).toEqual(['3–9', 'low']);
  expect(scoreOf(news2({ total: 4, level: 'low' }))).toBe('4');
  const nothing = news2({ parts: [{ name: 'pulse', state: 'stale', points: null, least: 0, most: 3 }] });
  expect([scoreOf(nothing), levelOf(nothing), levelOf(null)]).toEqual(['–', '', '']);
});

const bed = (value: Partial<FeedBed>): FeedBed => ({ id: 'b', name: '71-1', patient: 'p', ward: 'w', wardName: '71', devices: [], numerics: [], news2: null, ...value });

test('a bed is silent within seven seconds of its last number, and one without devices is not', () => {
  const held = bed({ numerics: [numeric({}), numeric({ measure: 'systolic', interval: 0 })] });
  expect([conditionOf(held, 7 * SECOND), conditionOf(held, 7 * SECOND + 1)]).toEqual(['live', 'silent']);
  expect(conditionOf(bed({ numerics: [numeric({ interval: 0 })] }), 900 * SECOND)).toBe('none');
  expect(conditionOf(bed({ devices: [{ id: 'd', state: 'clock', last: 0 }] }), 0)).toBe('clock');
  expect(shownOf(held, '홍길동', { urgency: 'stat', taken: false }, SECOND)).toMatchObject({ bed: '71-1', level: '', urgency: 'stat', condition: 'live' });
});

test('a way in is silent before the server says so, once it has spoken', () => {
  const source = { name: 'MQTT', kind: 'mqtt', state: 'live', last: SECOND };
  expect([sourceState(source, 8 * SECOND), sourceState(source, 8 * SECOND + 1)]).toEqual(['live', 'silent']);
  expect(sourceState({ ...source, last: 0 }, 99 * SECOND)).toBe('live');
  expect(sourceState({ ...source, state: 'down' }, SECOND)).toBe('down');
  expect(sourceState({ ...source, kind: 'replay' }, 99 * SECOND)).toBe('live');
});

test('the clock goes on while the machine sleeps, and never back', () => {
  const began = { monotonic: 1_000, calendar: 50_000 };
  expect(passed(began, { monotonic: 1_500, calendar: 650_000 })).toBe(600_000);
  expect(passed(began, { monotonic: 3_000, calendar: 20_000 })).toBe(2_000);
  expect(hospital({ at: 5_000_000, heard: began }, { monotonic: 2_000, calendar: 51_000 })).toBe(6_000_000);
});

test('worse goes up at once, better comes down after a minute, equals stand by their bed', () => {
  const settle = orderer();
  const at = (patient: string, level: string, alert = ''): Rank => ({ patient, rank: rankOf(level, alert), ward: '71', bed: patient });
  expect(settle([at('10', 'low'), at('9', 'low'), at('8', 'high')], 0)).toEqual(['8', '9', '10']);
  expect(settle([at('10', 'medium'), at('9', 'low'), at('8', 'low')], 1_000)).toEqual(['8', '10', '9']);
  expect(settle([at('10', 'medium'), at('9', 'low'), at('8', 'low')], 60_999)).toEqual(['8', '10', '9']);
  expect(settle([at('10', 'medium'), at('9', 'low'), at('8', 'low')], 61_000)).toEqual(['10', '8', '9']);
  expect(settle([at('10', 'medium'), at('9', 'low', 'asap'), at('8', '')], 61_001)).toEqual(['9', '10', '8']);
});

test('a hundred beds fill a wall, and a click finds the tile that is under it', () => {
  const grid = gridOf(100, 1920, 1040);
  expect(grid).toEqual({ columns: 10, rows: 10, wide: 192, tall: 104 });
  expect([placeAt(grid, 191, 103), placeAt(grid, 192, 105), placeAt(grid, 1919, 1039), placeAt(grid, 1921, 5)]).toEqual([0, 11, 99, -1]);
  expect(gridOf(2, 1920, 1040).wide).toBeLessThan(700);
  expect(gridOf(1, 1200, 300)).toMatchObject({ wide: 1200, tall: 300 });
  expect([step(0, 'ArrowDown', 10, 100), step(95, 'ArrowDown', 10, 100), step(0, 'ArrowLeft', 10, 100), step(5, 'End', 10, 100)]).toEqual([10, 95, 0, 99]);
});

test('a wall that everybody passes shows no whole name', () => {
  expect(['김하늘', '남궁은서', '이솔', 'Aleksandra Wiśniewska-Kowalczyk', ''].map(masked)).toEqual(['김○늘', '남○○서', '이○', 'A. W.', '']);
});

test('what was put to rest is heard again when it ends and comes again', () => {
  const feeds = [{ name: 'MQTT', kind: 'mqtt', state: 'down', last: 0 }];
  const causes = causesOf(false, feeds, ['p1']);
  expect(causes).toEqual(['feed MQTT', 'bed p1']);
  expect(causesOf(true, feeds, ['p1'])).toEqual(['server']);
  const rested = lasting(new Set(causes), ['bed p1', 'bed p2']);
  expect([...rested]).toEqual(['bed p1']);
  expect([...lasting(lasting(rested, []), ['bed p1'])]).toEqual([]);
});

test('an old age goes in steps, so that a wall of old numbers does not flicker', () => {
  expect([9, 13, 59, 125, 7200].map(stepped)).toEqual([{ unit: 's', n: 9 }, { unit: 's', n: 10 }, { unit: 's', n: 55 }, { unit: 'min', n: 2 }, { unit: 'h', n: 2 }]);
});

const MINUTE = 60 * SECOND;
const at = (minute: number, value = 80): Point => [minute * MINUTE, value - 1, value, value + 1, 2];

test('a course is drawn in runs that end where nothing is known', () => {
  const found = runs([at(1), at(2), at(3), at(5), at(6), at(9)], MINUTE);
  expect(found.map((run) => run.map(([start]) => start / MINUTE))).toEqual([[1, 2, 3], [5, 6], [9]]);
});

test('an axis stands at numbers that can be read and holds every value', () => {
  expect(extent([at(1, 72), at(2, 118)])).toEqual({ low: 50, high: 150, step: 50 });
  expect(extent([at(1, 37)])).toEqual({ low: 36, high: 38, step: 1 });
});

test('marks stand at whole hours of the hospital, midnight told as a day', () => {
  const hour = 60 * MINUTE;
  const found = marks({ from: 0, to: 24 * hour }, 9 * hour, 8);
  expect(found.map((one) => [one.at / hour, one.day])).toEqual([[0, false], [3, false], [6, false], [9, false], [12, false], [15, true], [18, false], [21, false]]);
});

test('a window never ends later than now, and is the same within a minute', () => {
  expect(spanOf(10 * MINUTE, 99 * MINUTE, 50 * MINUTE + 5)).toEqual({ from: 41 * MINUTE, to: 51 * MINUTE });
  expect(spanOf(10 * MINUTE, 20 * MINUTE - 7, 50 * MINUTE)).toEqual({ from: 10 * MINUTE, to: 20 * MINUTE });
});

test('what happens at the same time lies on rows of its own, and never on more than there are', () => {
  const items = [{ from: 0, to: 10 }, { from: 5, to: 12 }, { from: 6, to: 9 }, { from: 11, to: 20 }];
  expect(lanes(items, 2).map(([, row]) => row)).toEqual([0, 1, 1, 0]);
});

const rule: Rule = { name: 'news2-high', urgency: 'stat', on: true, least: 7, delay: 0, ease: 1, hold: 300, quiet: 1800, verified: true, source: '' };

test('only what of a rule was changed is tried', () => {
  expect(changes([rule], [{ ...rule }])).toEqual([]);
  expect(changes([rule], [{ ...rule, least: 8, quiet: 60 }])).toEqual([{ name: 'news2-high', on: true, least: 8, quiet: 60 }]);
  expect(changes([rule], [{ ...rule, on: false }])).toEqual([{ name: 'news2-high', on: false }]);
});

test('a limit is what the server takes: whole, 31 days at most, points from one', () => {
  expect([sound('least', '0'), sound('least', '7'), sound('hold', '0'), sound('hold', '2678400'), sound('hold', '2678401'), sound('hold', '-1'), sound('hold', '')]).toEqual([false, true, true, true, false, false, false]);
});
