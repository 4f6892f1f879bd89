/** The journey's arithmetic: windows, axis, verbatim JSON and values cut to fit. */
import { describe, expect, test } from 'vitest';
import { offsetOf, startOf, ticks } from '../../src/onmaru/rooms/journey/ui/axis';
import { hit, type Mark } from '../../src/onmaru/rooms/journey/ui/draw';
import { short } from '../../src/onmaru/rooms/journey/ui/look';
import { laidOut, member } from '../../src/onmaru/rooms/journey/ui/verbatim';
import { around, beyond, length, pan, type View, within, zoom } from '../../src/onmaru/rooms/journey/ui/view';

const YEAR = 365 * 86_400_000;
const ALL: View = { from: 0, to: 20 * YEAR };
const seoul = offsetOf('Asia/Seoul');

describe('the window', () => {
  test('zooming keeps the time under the pointer where it is', () => {
    const view = zoom({ from: 5 * YEAR, to: 9 * YEAR }, 0.5, 0.25, ALL);
    expect(view).toEqual({ from: 5.5 * YEAR, to: 7.5 * YEAR });
  });

  test('no move leaves the chart or grows thinner than a second', () => {
    for (const view of [pan(ALL, 3, ALL), pan({ from: 0, to: YEAR }, -1, ALL), zoom(ALL, 9, 0.5, ALL), around(-YEAR, -YEAR, ALL)]) {
      expect(view.from).toBeGreaterThanOrEqual(0);
      expect(view.to).toBeLessThanOrEqual(20 * YEAR);
    }
    let view = ALL;
    for (let n = 0; n < 60; n += 1) view = zoom(view, 0.5, 0.5, ALL);
    expect(length(view)).toBe(1000);
    expect(length(within({ from: 0, to: 0 }, ALL))).toBe(1000);
  });

  test('what is asked for reaches half a window to either side', () => {
    expect(beyond({ from: 100, to: 200 })).toEqual({ from: 50, to: 250 });
  });
});

describe('the axis', () => {
  test('a day begins at midnight in Seoul', () => {
    expect(startOf('2024-05-02', seoul)).toEqual({ at: Date.parse('2024-05-01T15:00:00Z'), unit: 'day' });
    expect(startOf('2024', seoul)?.unit).toBe('year');
    expect(startOf('May', seoul)).toBeNull();
  });

  test('marks lie in the window, far enough apart, from seconds to a century', () => {
    for (const wide of [1_000, 60_000, 3_600_000, 86_400_000, 30 * 86_400_000, YEAR, 100 * YEAR]) {
      const view = { from: 1_700_000_000_000, to: 1_700_000_000_000 + wide };
      const found = ticks(view, 1200, 'ko', seoul);
      expect(found.every((tick) => tick.at >= view.from && tick.at <= view.to)).toBe(true);
      expect(found.length).toBeLessThanOrEqual(17);
    }
    const years = ticks({ from: Date.parse('2001-01-01'), to: Date.parse('2026-01-01') }, 1200, 'en', seoul);
    expect(years.filter((tick) => tick.strong).map((tick) => tick.text)).toContain('2010');
  });
});

describe('a source', () => {
  const text = '{"resource":{"a":"}\\"{","v":72.50,"b":[1,{}],"c":[]},"version":1}';
  test('is cut out whole and its tokens stay', () => {
    expect(member(text, 'resource')).toBe('{"a":"}\\"{","v":72.50,"b":[1,{}],"c":[]}');
    expect(laidOut(member(text, 'resource'))).toContain('"v": 72.50');
    expect(JSON.parse(laidOut(text))).toEqual(JSON.parse(text));
    expect(member(text, 'absent')).toBe('');
  });
});

test('a long number is cut to five digits and a short one never', () => {
  expect(short('168.67451676981455')).toBe('168.67');
  expect(short('72.50')).toBe('72.50');
  expect(short('120/80')).toBe('120/80');
});

test('the nearest mark of the lane is hit, an item before what reaches in', () => {
  const mark = (left: number, right: number, lane: number, span = false): Mark =>
    ({ left, right, lane, cluster: null, span: span ? ({} as never) : null });
  const item = mark(50, 60, 0);
  expect(hit([mark(0, 200, 0, true), item], 55, 30)).toBe(item);
  expect(hit([item], 90, 30)).toBeNull();
  expect(hit([item], 55, 60)).toBeNull();
});
