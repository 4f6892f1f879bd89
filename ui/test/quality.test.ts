/** The quality pages' numbers and words. */
import { expect, test } from 'vitest';
import { chosen, messageText, rate, type Verdict } from '../../src/onmaru/rooms/quality/ui/data';

test('what does not apply is in no rate, and a rate never says all while one failed', () => {
  const of = (passed: number, failed: number) => rate({ passed, failed, 'not-applicable': 5 });
  expect([of(0, 0), of(1, 1), of(999, 1), of(7, 0)]).toEqual([null, 50, 99, 100]);
});

test('a check is found by its name, its words and its owner', () => {
  const one = { check: 'isRequired.person.x', says: 'NULL values', owner: 'kim' } as Verdict;
  expect(['person kim', 'null', 'lee'].map((typed) => chosen([one], typed).length)).toEqual([1, 1, 0]);
});

test('a message is shown in its own character set, a line a segment', () => {
  const data = btoa(String.fromCharCode(0x4d, 0x0d, 0xb1, 0xe8));
  expect(messageText({ content: [{ attachment: { contentType: 'x-application/hl7-v2+er7;charset=euc-kr', data } }] })).toBe('M\n김');
  expect(messageText({ content: [{ attachment: {} }] })).toBeNull();
});
