import { expect, test } from 'vitest';
import { age, old, range, said, type Bed } from '../../src/onmaru/rooms/monitor/ui/data';

const MINUTE = 60_000_000;

test('a value is old once three of its intervals have passed', () => {
  const value = { measure: 'heart-rate', value: '80', unit: '/min', at: 0, every: MINUTE };
  expect(old(value, 3 * MINUTE)).toBe(false);
  expect(old(value, 3 * MINUTE + 1)).toBe(true);
});

test('an age is told in minutes up to two hours, then in hours, and never below nothing', () => {
  expect(age(0, 119 * MINUTE)).toEqual({ unit: 'minutes', n: 119 });
  expect(age(0, 150 * MINUTE)).toEqual({ unit: 'hours', n: 2 });
  expect(age(MINUTE, 0)).toEqual({ unit: 'minutes', n: 0 });
});

test('a score with a part missing is a range', () => {
  const bed = { total: null, least: 3, most: 9 } as Bed;
  expect(range(bed)).toBe('3–9');
  expect(range({ ...bed, total: 4 })).toBe('4');
});

test('a step tells its code and its words apart', () => {
  const step = (code: string, text: string) => said({ code, at: 0, by: 'n', text });
  expect(step('acknowledge', 'acknowledge')).toEqual({ code: '', note: '' });
  expect(step('outcome', 'acted went well')).toEqual({ code: 'acted', note: 'went well' });
  expect(step('act', 'turned to the side')).toEqual({ code: '', note: 'turned to the side' });
  expect(step('act', 'treated')).toEqual({ code: 'treated', note: '' });
});
