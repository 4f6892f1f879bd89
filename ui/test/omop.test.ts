/** The coverage page's numbers. */
import { expect, test } from 'vitest';
import { share } from '../../src/onmaru/rooms/omop/ui/data';

test('a share is rounded but never says all while something is missing, nor nothing while something is there', () => {
  expect([share(0, 0), share(0, 9), share(1, 1000), share(500, 1000), share(9999, 10_000), share(7, 7)]).toEqual([0, 0, 1, 50, 99, 100]);
});
