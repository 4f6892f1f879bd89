/** JSON as text: cut out and laid out without ever reading a number, so `72.50` stays `72.50`. */

/** The text of the member `name` of the outermost object, '' when there is none. */
export function member(text: string, name: string): string {
  const key = `"${name}":`;
  const start = text.indexOf(key);
  if (start < 0) return '';
  const from = start + key.length;
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    const char = text[at];
    if (char === '"') at = past(text, at);
    else if (char === '{' || char === '[') depth += 1;
    else if (char === '}' || char === ']') depth -= 1;
    if (depth === 0 && char !== ':' ) return text.slice(from, at + 1);
  }
  return '';
}

/** The index of the quote that ends the string beginning at `at`. */
function past(text: string, at: number): number {
  for (let end = at + 1; end < text.length; end += 1) {
    if (text[end] === '\\') end += 1;
    else if (text[end] === '"') return end;
  }
  return text.length;
}

/** Compact JSON on lines, two spaces a level; its tokens unchanged. */
export function laidOut(text: string): string {
  let out = '';
  let level = 0;
  const line = (): string => `\n${'  '.repeat(level)}`;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] as string;
    if (char === '"') {
      const end = past(text, at);
      out += text.slice(at, end + 1);
      at = end;
    } else if (char === '{' || char === '[') {
      level += 1;
      out += /[}\]]/.test(text[at + 1] ?? '') ? char : char + line();
    } else if (char === '}' || char === ']') {
      level -= 1;
      out += /[{[]$/.test(out) ? char : line() + char;
    } else if (char === ',') out += char + line();
    else if (char === ':') out += ': ';
    else out += char;
  }
  return out;
}
