/** What pages of care at home make of what the server says. */
import { expect, test } from 'vitest';
import { answersOf, type Cell, type Question, span, went } from '../../src/onmaru/rooms/remote/ui/data';

const cell = (came: number, open = false): Cell => ({ start: 0, end: 1, due: 2, came, open });

test('a period that has not ended has missed nothing, and more than was due is all of it', () => {
  expect([cell(0), cell(1), cell(2), cell(3), cell(0, true), cell(1, true), cell(2, true)].map(went)).toEqual(['none', 'part', 'full', 'full', 'open', 'open', 'full']);
});

test('a span is told in hours up to two days', () => {
  expect([0, 47.9, 48, 168].map((hours) => span(hours * 3_600_000_000))).toEqual([
    { unit: 'hours', n: 0 }, { unit: 'hours', n: 47 }, { unit: 'days', n: 2 }, { unit: 'days', n: 7 },
  ]);
});

test('answers are typed as the form asks, and what was left empty is not among them', () => {
  const ask = (linkId: string, type: string, items: Question[] = []): Question => ({ linkId, type, text: '', required: false, options: [], items });
  const items = [ask('a', 'boolean'), ask('b', 'integer'), ask('g', 'group', [ask('c', 'text'), ask('d', 'choice')])];
  expect(answersOf(items, { a: 'no', b: ' 3 ', c: ' ', d: 'x' })).toEqual({ a: false, b: 3, d: 'x' });
});
