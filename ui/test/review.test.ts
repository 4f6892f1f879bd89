/** What a replay shows at a moment: all that had happened, and nothing else. */
import { expect, test } from 'vitest';
import { beside, type Event, known, knownAfter, thinned } from '../../src/onmaru/rooms/monitor/ui/replay';

const reading = (at: number, source: string, value: string, measured = at): Event => ({
  at, kind: 'reading', what: 'new', source, readings: [{ measure: 'heart-rate', value, unit: '/min', at: measured }],
});
const EVENTS: Event[] = [
  reading(10, 'a', '80'),
  { at: 10, kind: 'score', total: 1, least: 1, most: 1 },
  { at: 20, kind: 'alert', what: 'raised', id: 'x', raised: 20 },
  { at: 25, kind: 'step', id: 'x', code: 'acknowledge' },
  reading(30, 'a', '90', 10),
  { at: 30, kind: 'score', total: 3, least: 3, most: 3 },
  { at: 40, kind: 'reading', what: 'gone', source: 'a', readings: [] },
  { at: 50, kind: 'step', id: 'x', code: 'outcome' },
];

test('a value that was corrected later is what it was until then, and one that was withdrawn is gone from then on', () => {
  const at = (moment: number): string => knownAfter(EVENTS, known(EVENTS, moment)).readings.get('heart-rate')?.map((one) => one.value).join() ?? '';
  expect([9, 10, 29, 30, 39, 40].map(at)).toEqual(['', '80', '80', '90', '90', '']);
});

test('an alert is open until its outcome was said', () => {
  const closed = (moment: number): (number | null)[] => knownAfter(EVENTS, known(EVENTS, moment)).alerts.map((one) => one.closed);
  expect([closed(19), closed(20), closed(49), closed(50)]).toEqual([[], [null], [null], [50]]);
});

test('one steps from event to event, past readings and scores', () => {
  expect([beside(EVENTS, 0, 1), beside(EVENTS, 20, 1), beside(EVENTS, 50, 1), beside(EVENTS, 25, -1), beside(EVENTS, 5, -1)]).toEqual([20, 25, 50, 20, 5]);
});

test('thinning keeps every peak', () => {
  const points = Array.from({ length: 5000 }, (_, n) => [n, n === 2345 ? 250 : n % 7] as const);
  const found = thinned(points, 400);
  expect(found.length).toBeLessThanOrEqual(400);
  expect(found).toContainEqual([2345, 250]);
});
