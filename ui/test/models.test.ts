import { expect, test } from 'vitest';
import { cells, parted, percent, shown } from '../../src/onmaru/rooms/monitor/ui/models';

test('a feature is told as its column and what of it is meant', () => {
  expect(parted('HR mean6')).toEqual({ column: 'HR', kind: 'mean6' });
  expect(parted('shock index last')).toEqual({ column: 'shock index', kind: 'last' });
  expect(parted('Age')).toEqual({ column: 'Age', kind: '' });
  expect(parted('a b')).toEqual({ column: 'a b', kind: '' });
});

test('a figure that is not there is a dash, an interval its two ends', () => {
  expect(shown(null)).toBe('–');
  expect(shown(undefined)).toBe('–');
  expect(shown([0.7, null])).toBe('0.7––');
  expect(shown(0)).toBe('0');
  expect(percent(0.1234)).toBe('12.3 %');
});

test('the table of a card is its rows without the rule under its head', () => {
  expect(cells(['| a | b |', '|---|:--:|', '| 1 | – |'])).toEqual([['a', 'b'], ['1', '–']]);
});
