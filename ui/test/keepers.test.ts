import { describe, expect, it } from 'vitest';
import { asked, local } from '../src/pages/bulk/job';
import { matters, type Standing } from '../src/pages/operating/standing';

const now = Date.parse('2026-11-23T08:00:00Z');
const well: Standing = {
  version: '0.1.0', python: '3.11', since: '2026-11-20T00:00:00Z', engine: 'home', parts: { log: 'ok', disk: 'ok' }, head: 10, waiting: 0,
  followers: [], letters: 0, jobs: {}, subscriptions: { active: 2 }, alarm: false, witness: 12, folders: [],
  backup: { set: true, last: { at: '2026-11-23T07:00:00Z', position: 9 }, proved: { at: '2026-11-23T07:00:00Z', position: 9 }, wrong: '' },
  packets: { set: true, minutes: 15, at: '2026-11-23T07:50:00Z', wards: 3 },
};
const keys = (part: Partial<Standing>): string[] => matters({ ...well, ...part }, now).map((one) => one.key.replace('run.matter.', ''));

describe('what needs somebody in the morning', () => {
  it('is nothing where all is well', () => {
    expect(keys({})).toEqual([]);
  });

  it.each<[string, Partial<Standing>, string[]]>([
    ['a part that stands still', { parts: { log: 'ok', lake: 'stands still' } }, ['part']],
    ['no backup set up', { backup: { set: false, last: null, proved: null, wrong: '' } }, ['backup.unset']],
    ['never a backup', { backup: { ...well.backup, last: null } }, ['backup.none']],
    ['a backup of the day before yesterday', { backup: { ...well.backup, last: { at: '2026-11-21T07:00:00Z', position: 1 } } }, ['backup.old']],
    ['a backup that nobody proved', { backup: { ...well.backup, proved: null } }, ['backup.unproved']],
    ['a backup that does not hold', { backup: { ...well.backup, wrong: 'a part is missing' } }, ['backup.wrong']],
    ['a record in PostgreSQL that another worker backs up', { engine: 'postgresql', backup: { set: false, last: null, proved: null, wrong: '' } }, ['backup.elsewhere']],
    ['late packets', { packets: { set: true, minutes: 15, at: '2026-11-23T07:20:00Z', wards: 3 } }, ['packets.late']],
    ['a tenant without packets', { packets: null }, []],
  ])('%s', (_name, part, wanted) => {
    expect(keys(part)).toEqual(wanted);
  });

  it('names the gravest first', () => {
    expect(keys({ letters: 4, subscriptions: { error: 1 }, parts: { disk: 'read-only' } })).toEqual(['part', 'subscriptions', 'letters']);
  });
});

describe('the files of a job', () => {
  it('are fetched from this origin, whatever address the manifest says', () => {
    expect(local('https://emr.example.org/t/clinic/fhir/$job/1/Patient.0.ndjson?expires=1&signature=a')).toBe('/t/clinic/fhir/$job/1/Patient.0.ndjson?expires=1&signature=a');
  });

  it('are told by what was asked for', () => {
    expect(asked('https://emr.example.org/t/clinic/fhir/Patient/$export?_type=Patient%2CObservation')).toBe('Patient/$export?_type=Patient,Observation');
  });
});
