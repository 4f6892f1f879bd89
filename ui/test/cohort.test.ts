/** Drafts of a cohort's definition, and the rings of a sunburst. */
import { describe, expect, it } from 'vitest';
import { blank, isOurs, opened, put, ranged, renamed, typed } from '../../src/onmaru/rooms/cohort/ui/data';
import { rings, shownP } from '../../src/onmaru/rooms/cohort/ui/study';

describe('a definition', () => {
  it('is opened with all that a draft needs, and a Circe expression as it came', () => {
    const said = opened('{"format":"onmaru cohort 1","name":"x","concepts":{},"entry":{"events":[]},"rules":[{"name":"r"}]}');
    expect(said && isOurs(said) && [said.leaving.by, said.entry.which, said.rules[0]?.match]).toEqual(['observation', 'first', 'all']);
    expect(opened('{"PrimaryCriteria":{}}')).toEqual({ PrimaryCriteria: {} });
    expect([opened('[]'), opened('null'), opened('{')]).toEqual([null, null, null]);
  });

  it('keeps its events on a concept set that is renamed', () => {
    const said = { ...blank(), concepts: { a: [], b: [] }, entry: { ...blank().entry, events: [{ domain: 'drug' as const, concepts: 'a' }] } };
    const after = renamed(said, 'a', 'c');
    expect([Object.keys(after.concepts), after.entry.events[0]?.concepts]).toEqual([['c', 'b'], 'c']);
  });

  it('has numbers only where they were typed', () => {
    expect([typed(''), typed('0'), typed('-3'), typed('x')]).toEqual([undefined, 0, -3, undefined]);
    expect([ranged(undefined, undefined), ranged(1, undefined), ranged(undefined, 0)]).toEqual([undefined, { least: 1 }, { most: 0 }]);
    expect([put([1, 2], 0, 9), put([1, 2], 1, null)]).toEqual([[9, 2], [1]]);
  });
});

describe('findings', () => {
  it('put ways with one beginning under one ring', () => {
    const found = rings([{ steps: [['a'], ['b']], persons: 3 }, { steps: [['a']], persons: 2 }, { steps: [['b', 'c']], persons: 1 }]);
    expect(found.map((one) => [one.name, one.value, one.children.length])).toEqual([['a', 5, 1], ['b + c', 1, 0]]);
  });

  it('print p as papers do', () => expect([shownP(0.00001), shownP(0.0449)]).toEqual(['< 0.001', '0.045']));
});
