/** How the equity board names groups and writes numbers. */
import { describe, expect, it } from 'vitest';
import en from '../../src/onmaru/rooms/equity/ui/en.json';
import { groupName, lineName, range, shares, shown } from '../../src/onmaru/rooms/equity/ui/data';

const words: Readonly<Record<string, string>> = en;
const t = (key: string, given: Record<string, string | number> = {}): string =>
  (words[key] ?? key).replace(/\{(\w+)\}/g, (_, name: string) => String(given[name]));
const line = { names: ['male'], steps: [40, 30, 10], persons: 40, events: 10, estimate: 25, low: 14, high: 40, missing: {} };

describe('the equity board', () => {
  it('names known codes in words, others as they are written, and nobody by a blank', () => {
    expect(groupName(t, 'insurance', 'hira:5')).toBe('Medical Aid');
    expect(groupName(t, 'insurance', 'hira:3')).toBe('3');
    expect(groupName(t, 'language', 'fr')).toBe('fr');
    expect(groupName(t, 'sex', '')).toBe('Not known');
    expect(lineName(t, 'sex', { ...line, names: ['male', ''] })).toBe('Together: Men, Not known');
  });

  it('writes a value that is none as a dash, and a step that is not told as no share', () => {
    expect(shown(null)).toBe('–');
    expect(range(-1.234, 2)).toBe('−1.23 – 2.00');
    expect(shares(line)).toEqual([100, 75, 25]);
    expect(shares({ ...line, steps: [40, null, 10] })).toEqual([100, 0, 25]);
  });
});
