import { describe, expect, it } from 'vitest';
import { bodyOf, CHOICES, kindOf } from '../src/pages/apps/app';
import { readScopes } from '../src/words/scopes';

describe('scopes in words', () => {
  it('puts types that may be used alike into one line', () => {
    expect(readScopes('patient/Observation.rs patient/Condition.rs user/*.cruds openid').granted).toEqual([
      { context: 'patient', types: ['Observation', 'Condition'], verbs: 'rs', search: '' },
      { context: 'user', types: ['*'], verbs: 'cruds', search: '' },
    ]);
  });

  it.each([['patient/Observation.read', 'rs'], ['user/Patient.write', 'cud'], ['system/*.*', 'cruds']])('reads version 1: %s', (text, verbs) => {
    expect(readScopes(text).granted[0]?.verbs).toBe(verbs);
  });

  it('keeps what narrows a scope, and says what is none', () => {
    const read = readScopes('user/Observation.rs?category=laboratory user/patient.rs patient/*.sr patient/*.');
    expect(read.granted).toEqual([{ context: 'user', types: ['Observation'], verbs: 'rs', search: 'category=laboratory' }]);
    expect(read.unread).toEqual(['user/patient.rs', 'patient/*.sr', 'patient/*.']);
  });
});

const draft = { name: ' Chart ', kind: 'public', redirects: 'https://a.example/\nhttps://b.example/', launch: '', keys: '', user: '', scope: CHOICES.patient } as const;

describe('an app to be registered', () => {
  it('asks people and goes back to its addresses', () => {
    expect(bodyOf(draft)).toMatchObject({ client_name: 'Chart', token_endpoint_auth_method: 'none', redirect_uris: ['https://a.example/', 'https://b.example/'] });
  });

  it('acts by itself only with keys', () => {
    const body = bodyOf({ ...draft, kind: 'backend', user: 'robot', keys: '{"keys": []}' });
    expect(body).toMatchObject({ grant_types: ['client_credentials'], user: 'robot', jwks: { keys: [] } });
    expect(bodyOf({ ...draft, kind: 'backend', keys: 'nothing' })).toBeNull();
  });

  it('is told by what it was registered with', () => {
    const app = { client_id: 'x', client_name: 'x', client_id_issued_at: 0, scope: '', token_endpoint_auth_method: 'private_key_jwt', grant_types: ['authorization_code'] } as const;
    expect(kindOf(app)).toBe('keys');
    expect(kindOf({ ...app, grant_types: ['client_credentials'] })).toBe('backend');
  });
});
