import { describe, expect, it } from 'vitest';
import { ageAt, formatDate, formatDateTime, formatDay, formatQuantity, formatSex, formatUnit } from '../src/words/format';

describe('dates', () => {
  it.each([
    ['1980', '1980'],
    ['1980-05', '1980-05'],
    ['1980-05-02', '1980-05-02'],
    ['2026-03-01T15:30:00Z', '2026-03-02'], // past midnight in Seoul
    ['2026-03-01T23:30:00-05:00', '2026-03-02'],
    ['not a date', 'not a date'],
    ['', ''],
    [null, ''],
  ])('%s is the day %s in Seoul', (value, wanted) => expect(formatDate(value)).toBe(wanted));

  it.each([
    ['2026-03-01T15:30:09.250Z', false, '2026-03-02 00:30'],
    ['2026-03-01T15:30:09.250Z', true, '2026-03-02 00:30:09'],
    ['2026-03-01', true, '2026-03-01'],
  ])('%s (seconds %s) reads %s', (value, seconds, wanted) => expect(formatDateTime(value, undefined, seconds)).toBe(wanted));

  it('shows another zone when asked', () => expect(formatDateTime('2026-03-01T15:30:00Z', 'UTC')).toBe('2026-03-01 15:30'));

  it('says a day in words', () => {
    expect(formatDay('2026-03-02', 'ko')).toBe('3월 2일 (월)');
    expect(formatDay('2026-03-01T15:30:00Z', 'en')).toContain('2 Mar');
  });
});

describe('age in full years (만 나이), months below two years, days below one month', () => {
  const on = new Date('2026-11-22T00:30:00+09:00'); // still the 21st in UTC
  it.each([
    ['1980-11-22', '46세', '46 y'],
    ['1980-11-23', '45세', '45 y'],
    ['2024-11-22', '2세', '2 y'],
    ['2024-11-23', '23개월', '23 mo'],
    ['2026-10-23', '30일', '30 d'],
    ['2026-11-22', '0일', '0 d'],
    ['1980-11', '46세', '46 y'],
    ['2026-11-23', '', ''], // not born yet: a wrong birth date has no age
    ['1980', '', ''],
    [undefined, '', ''],
  ])('born %s', (birth, ko, en) => {
    expect(ageAt(birth, on, 'ko')).toBe(ko);
    expect(ageAt(birth, on, 'en')).toBe(en);
  });
});

describe('quantities', () => {
  it.each([
    ['72.50', 'mm[Hg]', '72.50 mmHg'], // the token is kept: 72.50 says how exact it is
    ['36.5', 'Cel', '36.5 °C'],
    ['97', '%', '97%'],
    ['3', '{score}', '3'],
    ['5', 'unheard/of', '5 unheard/of'],
    ['5', 'constructor', '5 constructor'],
    [0, 'mg', '0 mg'],
    [null, 'mg', ''],
  ])('%s %s', (value, unit, wanted) => expect(formatQuantity(value, unit)).toBe(wanted));

  it('has no unit for what has none', () => expect(formatUnit(null)).toBe(''));
});

it('an absent sex reads as unknown, never as one of the others', () => {
  expect(formatSex(undefined, 'ko')).toBe('미상');
  expect(formatSex('toString', 'en', true)).toBe('Sex unknown');
});
