/** Where a typed text stands in a name: by letters, by first consonants (초성) or both mixed. Only for marking what the server found. */

const FIRST = 'ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ';
const GA = 0xac00;
const HIH = 0xd7a3;
const PER_FIRST = 588; // syllables that share one first consonant

/** The first consonant of a Hangul syllable; any other character itself. */
export function initial(letter: string): string {
  const code = letter.charCodeAt(0);
  return code >= GA && code <= HIH ? (FIRST[Math.floor((code - GA) / PER_FIRST)] ?? letter) : letter;
}

const same = (letter: string, typed: string): boolean =>
  letter.toLocaleLowerCase() === typed.toLocaleLowerCase() || (FIRST.includes(typed) && initial(letter) === typed);

/** `[start, end)` of the first match in `name` by UTF-16 units, or null. White space in `typed` is ignored. */
export function matchIn(name: string, typed: string): [number, number] | null {
  const words = [...typed.replace(/\s/g, '')];
  if (words.length === 0) return null;
  const letters = [...name.matchAll(/\S/gu)];
  for (let from = 0; from + words.length <= letters.length; from++) {
    if (!words.every((word, n) => same(letters[from + n]?.[0] ?? '', word))) continue;
    const last = letters[from + words.length - 1];
    return [letters[from]?.index ?? 0, (last?.index ?? 0) + (last?.[0].length ?? 0)];
  }
  return null;
}
