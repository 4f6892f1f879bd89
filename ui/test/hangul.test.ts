import { describe, expect, it } from 'vitest';
import { initial, matchIn } from '../src/words/hangul';

describe('first consonants', () => {
  it.each([['가', 'ㄱ'], ['힣', 'ㅎ'], ['쌍', 'ㅆ'], ['a', 'a'], ['ㄱ', 'ㄱ']])('%s → %s', (letter, wanted) =>
    expect(initial(letter)).toBe(wanted),
  );
});

describe('the marked part of a name', () => {
  it.each([
    ['홍길동', 'ㅎㄱㄷ', '홍길동'],
    ['홍길동', 'ㄱㄷ', '길동'],
    ['홍길동', '홍ㄱ', '홍길'],
    ['홍 길동', '홍길', '홍 길'],
    ['꽃님', 'ㄱ', null], // ㄲ is another consonant
    ['Anna Kim', 'KI', 'Ki'],
    ['00012345', '123', '123'],
    ['홍길동', '', null],
    ['김', '김김', null],
    ['𠮷野', '野', '野'],
  ])('%s typed %s', (name, typed, wanted) => {
    const found = matchIn(name, typed);
    expect(found && name.slice(...found)).toBe(wanted);
  });
});
