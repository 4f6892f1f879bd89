/** A name as a wall that everybody passes may show it: the first and last syllable of a Korean one, initials of others. */
export function masked(name: string): string {
  const trimmed = name.trim();
  if (/^[\uac00-\ud7a3]{2,}$/.test(trimmed)) {
    const letters = [...trimmed];
    return letters.length === 2 ? `${letters[0]}○` : `${letters[0]}${'○'.repeat(letters.length - 2)}${letters[letters.length - 1]}`;
  }
  return trimmed
    .split(/\s+/)
    .filter(Boolean)
    .map((word) => `${[...word][0]}.`)
    .join(' ');
}
