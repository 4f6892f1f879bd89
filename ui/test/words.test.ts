import { describe, expect, it } from 'vitest';
import { rooms } from '../src/rooms';
import en from '../src/words/en.json';
import ko from '../src/words/ko.json';
import { fill } from '../src/words/words';

const holes = (text: string): string[] => [...new Set([...text.matchAll(/\{(\w+)/g)].map((hit) => hit[1] as string))].sort();

type Table = Record<string, string>;
const later = import.meta.glob<Table>(['../src/pages/*/*.json', '../src/parts/*.json'], { eager: true, import: 'default' });
/** Tables that come with the page that uses them: `en.json` beside `ko.json`, `x.en.json` beside `x.ko.json`. */
const lazily = Object.entries(later)
  .filter(([file]) => /[./]ko\.json$/.test(file))
  .map(([file, strings]) => ({ name: file, strings: { ko: strings, en: later[file.replace(/ko\.json$/, 'en.json')] ?? {} } }));

describe('string tables', () => {
  it.each([{ name: 'shell', strings: { ko, en } as Record<'ko' | 'en', Table> }, ...lazily, ...rooms])(
    '$name says the same things in Korean and English',
    ({ strings }) => {
      expect(Object.keys(strings.ko).sort()).toEqual(Object.keys(strings.en).sort());
      for (const [key, text] of Object.entries(strings.ko)) {
        expect(text.trim(), key).not.toBe('');
        expect(holes(text), key).toEqual(holes(strings.en[key] ?? ''));
      }
    },
  );

  it.each(rooms.map((room) => ({ room })))('keys of room $room.name start with its name', ({ room }) => {
    for (const key of Object.keys(room.strings.ko)) expect(key.startsWith(`${room.name}.`), key).toBe(true);
  });

  const sources = import.meta.glob<string>(['../src/**/*.{ts,tsx}', '../../src/onmaru/rooms/*/ui/**/*.{ts,tsx}'], {
    eager: true, query: '?raw', import: 'default',
  });
  it.each(Object.entries(sources))('%s uses no key that is not in the tables', (_file, source) => {
    const known = new Set([...Object.keys(ko), ...lazily.flatMap((one) => Object.keys(one.strings.ko)), ...rooms.flatMap((room) => Object.keys(room.strings.ko))]);
    for (const hit of source.matchAll(/\bt\('([^']+)'|labelKey: '([^']+)'/g)) {
      expect(known, hit[0]).toContain(hit[1] ?? hit[2]);
    }
  });
});

describe('fill', () => {
  it.each([
    ['{name} 님', { name: '김' }, '김 님'],
    ['{n} {n|patient|patients}', { n: 1 }, '1 patient'],
    ['{n} {n|patient|patients}', { n: 3 }, '3 patients'],
    ['{absent} stays', {}, '{absent} stays'],
  ])('%s', (text, values, wanted) => {
    expect(fill(text, values)).toBe(wanted);
  });
});
