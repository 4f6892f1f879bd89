/** A QR code (ISO/IEC 18004) of a text, made in the page: byte mode, error correction M, versions 1 to 15. */
import { corrected } from './qrWords';

export type Matrix = readonly (readonly boolean[])[];

// Code words of error correction a block, and blocks, at level M by version (ISO/IEC 18004, table 9)
const CORRECTION = [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24];
const BLOCKS = [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10];
const LEVEL_M = 0;

const MASKS: readonly ((x: number, y: number) => number)[] = [
  (x, y) => (x + y) % 2, (_, y) => y % 2, (x) => x % 3, (x, y) => (x + y) % 3, (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2,
  (x, y) => ((x * y) % 2) + ((x * y) % 3), (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2, (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2,
];

/** Rows of modules, true is dark, without the quiet zone of four. `mask` absent: the one that reads best. Throws when it is too long. */
export function qr(text: string, mask?: number): Matrix {
  const bytes = new TextEncoder().encode(text);
  const version = CORRECTION.findIndex((_, n) => needed(bytes.length, n + 1) <= room(n + 1) * 8) + 1;
  if (version === 0) throw new RangeError('too long for a QR code of version 15');
  const words = corrected(filled(bytes, version), Math.floor(modules(version) / 8), CORRECTION[version - 1] ?? 0, BLOCKS[version - 1] ?? 1);
  const drawn = MASKS.map((_, n) => n).filter((n) => mask === undefined || n === mask).map((n) => draw(version, words, n));
  return drawn.reduce((best, one) => (penalty(one) < penalty(best) ? one : best));
}

/** Modules for data and correction. */
function modules(version: number): number {
  const lines = version === 1 ? 0 : Math.floor(version / 7) + 2;
  const alignment = lines ? (25 * lines - 10) * lines - 55 : 0;
  return (16 * version + 128) * version + 64 - alignment - (version >= 7 ? 36 : 0);
}

const room = (version: number): number => Math.floor(modules(version) / 8) - (CORRECTION[version - 1] ?? 0) * (BLOCKS[version - 1] ?? 1);
const counted = (version: number): number => (version < 10 ? 8 : 16);
const needed = (length: number, version: number): number => 4 + counted(version) + length * 8;

/** Mode, length, bytes, end and padding as code words. */
function filled(bytes: Uint8Array, version: number): number[] {
  const bits: number[] = [];
  const push = (value: number, length: number): void => {
    for (let n = length - 1; n >= 0; n--) bits.push((value >> n) & 1);
  };
  push(4, 4);
  push(bytes.length, counted(version));
  bytes.forEach((byte) => push(byte, 8));
  push(0, Math.min(4, room(version) * 8 - bits.length));
  push(0, (8 - (bits.length % 8)) % 8);
  for (let pad = 0xec; bits.length < room(version) * 8; pad ^= 0xec ^ 0x11) push(pad, 8);
  return Array.from({ length: bits.length / 8 }, (_, n) => parseInt(bits.slice(n * 8, n * 8 + 8).join(''), 2));
}

/** The whole symbol under one mask. */
function draw(version: number, words: readonly number[], mask: number): boolean[][] {
  const size = 17 + 4 * version;
  const dark = Array.from({ length: size }, () => new Array<boolean>(size).fill(false));
  const fixed = Array.from({ length: size }, () => new Array<boolean>(size).fill(false));
  const set = (x: number, y: number, on: boolean): void => {
    const row = dark[y];
    const held = fixed[y];
    if (!row || !held || x < 0 || x >= size) return;
    row[x] = on;
    held[x] = true;
  };
  patterns(version, size, set);
  formats(version, size, mask, set);
  let at = 0;
  for (const [x, y] of path(size)) {
    if (fixed[y]?.[x]) continue;
    const bit = ((words[at >> 3] ?? 0) >> (7 - (at & 7))) & 1;
    at += 1;
    const row = dark[y];
    if (row) row[x] = Boolean(bit) !== (MASKS[mask]?.(x, y) === 0);
  }
  return dark;
}

type Set = (x: number, y: number, on: boolean) => void;

/** Finder, timing and alignment patterns. */
function patterns(version: number, size: number, set: Set): void {
  for (let n = 0; n < size; n++) {
    set(6, n, n % 2 === 0);
    set(n, 6, n % 2 === 0);
  }
  const square = (x: number, y: number, reach: number, light: readonly number[]): void => {
    for (let dy = -reach; dy <= reach; dy++) {
      for (let dx = -reach; dx <= reach; dx++) set(x + dx, y + dy, !light.includes(Math.max(Math.abs(dx), Math.abs(dy))));
    }
  };
  for (const [x, y] of [[3, 3], [size - 4, 3], [3, size - 4]] as const) square(x, y, 4, [2, 4]);
  const lines = version === 1 ? 0 : Math.floor(version / 7) + 2;
  const step = Math.ceil((version * 4 + 4) / (lines * 2 - 2)) * 2;
  const places = Array.from({ length: lines }, (_, n) => (n === 0 ? 6 : size - 7 - (lines - 1 - n) * step));
  const corner = (x: number, y: number): boolean => (x === 6 && (y === 6 || y === size - 7)) || (y === 6 && x === size - 7);
  for (const y of places) for (const x of places) if (!corner(x, y)) square(x, y, 2, [1]);
}

/** Level, mask and version, each with its own correction (annexes C and D). */
function formats(version: number, size: number, mask: number, set: Set): void {
  const format = coded((LEVEL_M << 3) | mask, 10, 0x537) ^ 0x5412;
  for (let n = 0; n < 15; n++) {
    const on = ((format >> n) & 1) === 1;
    if (n < 8) set(8, n < 6 ? n : n + 1, on);
    else set(n === 8 ? 7 : 14 - n, 8, on);
    if (n < 8) set(size - 1 - n, 8, on);
    else set(8, size - 15 + n, on);
  }
  set(8, size - 8, true);
  if (version < 7) return;
  const told = coded(version, 12, 0x1f25);
  for (let n = 0; n < 18; n++) {
    const on = ((told >> n) & 1) === 1;
    set(size - 11 + (n % 3), Math.floor(n / 3), on);
    set(Math.floor(n / 3), size - 11 + (n % 3), on);
  }
}

/** The value with the rest of its division (BCH code) behind it. */
function coded(value: number, length: number, divisor: number): number {
  let rest = value;
  for (let n = 0; n < length; n++) rest = (rest << 1) ^ ((rest >> (length - 1)) * divisor);
  return (value << length) | rest;
}

/** Two columns at a time from the right, up and down in turn, past the timing column. */
function* path(size: number): Generator<readonly [number, number]> {
  for (let right = size - 1; right >= 1; right -= 2) {
    if (right === 6) right = 5;
    for (let n = 0; n < size; n++) {
      const y = ((right + 1) & 2) === 0 ? size - 1 - n : n;
      yield [right, y];
      yield [right - 1, y];
    }
  }
}

/** How badly it reads (7.8.3): runs of five or more, squares of one colour, what looks like a finder, and uneven shares. */
function penalty(dark: readonly (readonly boolean[])[]): number {
  const rows = dark.map((row) => row.map((on) => (on ? '1' : '0')).join(''));
  const columns = rows.map((_, x) => rows.map((row) => row[x]).join(''));
  let sum = 0;
  for (const line of [...rows, ...columns]) {
    for (const [run] of line.matchAll(/0{5,}|1{5,}/g)) sum += run.length - 2;
    sum += [...line.matchAll(/(?=00001011101|10111010000)/g)].length * 40;
  }
  rows.slice(1).forEach((row, y) => {
    for (let x = 1; x < row.length; x++) {
      const square = `${rows[y]?.slice(x - 1, x + 1)}${row.slice(x - 1, x + 1)}`;
      if (square === '0000' || square === '1111') sum += 3;
    }
  });
  const share = rows.join('').replaceAll('0', '').length / (rows.length * rows.length);
  return sum + Math.floor(Math.abs(share * 20 - 10)) * 10;
}
