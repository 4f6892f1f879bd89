/** Reed-Solomon error correction of a QR code (ISO/IEC 18004, 7.5 and annex A): code words in blocks, interleaved. */

/** Product in GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1. */
function times(one: number, other: number): number {
  let product = 0;
  for (let n = 7; n >= 0; n--) product = (product << 1) ^ ((product >> 7) * 0x11d) ^ (((other >> n) & 1) * one);
  return product;
}

function divisor(degree: number): number[] {
  const found = new Array<number>(degree).fill(0);
  found[degree - 1] = 1;
  let root = 1;
  for (let n = 0; n < degree; n++) {
    for (let k = 0; k < degree; k++) found[k] = times(found[k] ?? 0, root) ^ (found[k + 1] ?? 0);
    root = times(root, 2);
  }
  return found;
}

function rest(data: readonly number[], by: readonly number[]): number[] {
  const left = by.map(() => 0);
  for (const word of data) {
    const factor = word ^ (left.shift() ?? 0);
    left.push(0);
    by.forEach((one, n) => (left[n] = (left[n] ?? 0) ^ times(one, factor)));
  }
  return left;
}

/** `data` in `blocks` blocks, each followed by `degree` words of correction, interleaved to `whole` words. */
export function corrected(data: readonly number[], whole: number, degree: number, blocks: number): number[] {
  const short = blocks - (whole % blocks);
  const length = Math.floor(whole / blocks) - degree;
  const by = divisor(degree);
  const parts: number[][] = [];
  for (let n = 0, from = 0; n < blocks; n++) {
    const to = from + length + (n < short ? 0 : 1);
    parts.push(data.slice(from, to));
    from = to;
  }
  const checks = parts.map((part) => rest(part, by));
  const turns = (lists: readonly number[][], most: number): number[] =>
    Array.from({ length: most }, (_, n) => lists.flatMap((list) => (n < list.length ? [list[n] ?? 0] : []))).flat();
  return [...turns(parts, length + 1), ...turns(checks, degree)];
}
