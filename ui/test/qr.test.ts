import { describe, expect, it } from 'vitest';
import { qr } from '../src/pages/account/qr';
import { corrected } from '../src/pages/account/qrWords';

/** Twelve letters k under mask 2, as two other encoders draw them. */
const TWELVE = [
  '111111100111001111111', '100000100011101000001', '101110101111001011101', '101110101110101011101',
  '101110101011101011101', '100000101110101000001', '111111101010101111111', '000000001101100000000',
  '101111100010101111100', '001001001110101110001', '010001100001011001010', '111011011000010011111',
  '100001101001001110001', '000000001100101110001', '111111100000111001010', '100000101011010011100',
  '101110101010001110011', '101110101000001110000', '101110101101111001000', '100000100001010011100',
  '111111101110001110010',
];

describe('qr', () => {
  it('draws what other encoders draw', () => {
    expect(qr('k'.repeat(12), 2).map((row) => row.map(Number).join(''))).toEqual(TWELVE);
  });

  it.each([[1, 21], [110, 45], [412, 77]])('takes %s letters in %s modules', (length, side) => {
    expect(qr('k'.repeat(length))).toHaveLength(side);
  });

  it('refuses what is too long', () => {
    expect(() => qr('k'.repeat(413))).toThrow(RangeError);
  });

  it('corrects as in ISO/IEC 18004, annex I', () => {
    const data = [0x10, 0x20, 0x0c, 0x56, 0x61, 0x80, 0xec, 0x11, 0xec, 0x11, 0xec, 0x11, 0xec, 0x11, 0xec, 0x11];
    const wanted = [0xa5, 0x24, 0xd4, 0xc1, 0xed, 0x36, 0xc7, 0x87, 0x2c, 0x55];
    expect(corrected(data, 26, 10, 1)).toEqual([...data, ...wanted]);
  });
});
