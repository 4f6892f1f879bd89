import { afterEach, describe, expect, it, vi } from 'vitest';
import { address, api, standing } from '../src/net/client';
import { problemOf } from '../src/net/outcome';
import { prefixOf } from '../src/net/place';
import { eventReader } from '../src/net/stream';
import { concerns, merged } from '../src/net/useLive';

afterEach(() => vi.unstubAllGlobals());

const answering = (status: number, body: string) => {
  const asked = vi.fn<typeof fetch>(async () => new Response(status === 204 ? null : body, { status }));
  vi.stubGlobal('fetch', asked);
  return asked;
};

describe('problems', () => {
  it.each([
    [0, 'offline'], [400, 'refused'], [401, 'expired'], [403, 'forbidden'], [404, 'absent'], [409, 'conflict'],
    [410, 'absent'], [412, 'conflict'], [413, 'refused'], [422, 'refused'], [429, 'busy'], [500, 'failed'], [503, 'busy'],
  ])('status %s is %s', (status, kind) => expect(problemOf(status, '').kind).toBe(kind));

  it.each([
    ['900', 900],
    [null, 0],
    ['Wed, 21 Oct 2026 07:28:00 GMT', 0],
  ])('Retry-After %s is %s seconds', (header, wait) => expect(problemOf(429, '', header).wait).toBe(wait));

  it('reads the API’s own error', () => {
    expect(problemOf(409, '{"error":{"code":"conflict","text":"taken"}}')).toMatchObject({ code: 'conflict', text: 'taken' });
  });

  it('reads every issue of an OperationOutcome with its path', () => {
    const body = {
      resourceType: 'OperationOutcome',
      issue: [
        { code: 'structure', diagnostics: 'unknown element', expression: ['Patient.nam'] },
        { code: 'value', details: { text: 'no date' }, expression: ['Patient.birthDate'] },
      ],
    };
    expect(problemOf(422, JSON.stringify(body)).issues).toEqual([
      { code: 'structure', text: 'unknown element', path: 'Patient.nam' },
      { code: 'value', text: 'no date', path: 'Patient.birthDate' },
    ]);
  });

  it.each(['', '<html>', 'null', '[]', '{"error":"x"}', '{"resourceType":"OperationOutcome","issue":7}'])(
    'a body it cannot read (%s) gives no words and does not throw',
    (body) => expect(problemOf(502, body)).toMatchObject({ kind: 'failed', text: '' }),
  );
});

describe('client', () => {
  it('gives a value or a problem, never an exception', async () => {
    answering(200, '{"a":1}');
    expect(await api.get('/api/x')).toEqual({ ok: true, value: { a: 1 }, status: 200 });
    answering(204, '');
    expect(await api.post('/api/x')).toEqual({ ok: true, value: null, status: 204 });
    answering(200, 'not json');
    expect(await api.get('/api/x')).toMatchObject({ ok: false, problem: { kind: 'failed', status: 200 } });
    vi.stubGlobal('fetch', async () => Promise.reject(new TypeError('network')));
    expect(await api.get('/api/x')).toMatchObject({ ok: false, problem: { kind: 'offline', status: 0 } });
  });

  it('sends the CSRF token with what changes something, and only then', async () => {
    standing.csrf = 'token';
    const asked = answering(200, '{}');
    await api.get('/api/x');
    await api.post('/api/x', { a: 1 });
    const [read, written] = asked.mock.calls.map(([, init]) => init?.headers as Record<string, string>);
    expect(read).not.toHaveProperty('X-CSRF-Token');
    expect(written).toMatchObject({ 'X-CSRF-Token': 'token', 'Content-Type': 'application/json' });
  });

  it('says that the session ended on 401, but not when a password was wrong', async () => {
    const ended = vi.fn();
    standing.onExpired = ended;
    answering(401, '');
    await api.post('/api/login', {});
    expect(ended).not.toHaveBeenCalled();
    await api.get('/api/doors');
    expect(ended).toHaveBeenCalledOnce();
  });

  it('leaves empty parameters out and repeats those with several values', () => {
    expect(address('/fhir/Patient', { name: '김', _id: '', code: ['a', 'b'], n: 0 })).toBe('/fhir/Patient?name=%EA%B9%80&code=a&code=b&n=0');
  });
});

it.each([['/t/other/patients/1', '/t/other'], ['/t/other', '/t/other'], ['/patients', ''], ['/tea/x', '']])(
  '%s belongs to the prefix "%s"',
  (path, wanted) => expect(prefixOf(path)).toBe(wanted),
);

describe('event stream', () => {
  it('gives the same events wherever the network cuts the text', () => {
    const text = ': hello\r\nid: 7\r\nevent: change\r\ndata: {"t":7}\r\n\r\ndata: a\ndata: b\n\nretry: 5\n\n';
    const wanted = [
      { id: '7', event: 'change', data: '{"t":7}' },
      { id: '7', event: 'message', data: 'a\nb' },
    ];
    for (let cut = 0; cut <= text.length; cut++) {
      const read = eventReader();
      expect([...read(text.slice(0, cut)), ...read(text.slice(cut))], `cut at ${cut}`).toEqual(wanted);
    }
  });
});

describe('changes', () => {
  const change = { t: 5, patients: ['a', 'b'], types: ['Observation'] };
  it.each([
    ['a', undefined, true],
    ['c', undefined, false],
    [null, undefined, true],
    [null, 'Patient Encounter', false],
    ['a', 'Patient Observation', true],
  ])('patient %s, types %s: %s', (patient, types, wanted) => expect(concerns(change, patient, types)).toBe(wanted));

  it('gathers several into one', () => {
    expect(merged(change, { t: 4, patients: ['b', 'c'], types: ['Patient'] })).toEqual({
      t: 5, patients: ['a', 'b', 'c'], types: ['Observation', 'Patient'],
    });
  });
});
