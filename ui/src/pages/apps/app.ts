/** An app as `/api/clients` tells it (RFC 7591), and what is said of one that is being registered. */

export interface App {
  client_id: string;
  client_name: string;
  /** Seconds since 1970. */
  client_id_issued_at: number;
  redirect_uris?: readonly string[];
  token_endpoint_auth_method: 'none' | 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt';
  grant_types: readonly string[];
  scope: string;
  jwks_uri?: string;
  initiate_login_uri?: string;
  user?: string;
}

export const KINDS = ['public', 'secret', 'keys', 'backend'] as const;
export type Kind = (typeof KINDS)[number];

export function kindOf(app: App): Kind {
  if (app.grant_types.includes('client_credentials')) return 'backend';
  if (app.token_endpoint_auth_method === 'private_key_jwt') return 'keys';
  return app.token_endpoint_auth_method === 'none' ? 'public' : 'secret';
}

/** What an app may ask for at most: the usual choices; `own` is written by hand. */
export const CHOICES = {
  patient: 'openid fhirUser launch launch/patient offline_access patient/*.rs',
  user: 'openid fhirUser launch online_access user/*.rs',
  system: 'system/*.rs',
} as const;

export interface Draft {
  name: string;
  kind: Kind;
  redirects: string;
  launch: string;
  keys: string;
  user: string;
  scope: string;
}

export const lines = (text: string): string[] => text.split(/\s+/).filter(Boolean);

/** Keys as the API takes them: an address where the text is one, else a JWKS; null where it is neither. */
export function keysOf(text: string): { jwks_uri: string } | { jwks: unknown } | null {
  const said = text.trim();
  if (said.startsWith('https://')) return { jwks_uri: said };
  try {
    const jwks: unknown = JSON.parse(said);
    return { jwks };
  } catch {
    return null;
  }
}

/** The body of `POST /api/clients`; null where the keys cannot be read. */
export function bodyOf(draft: Draft): Record<string, unknown> | null {
  const backend = draft.kind === 'backend';
  const keyed = backend || draft.kind === 'keys';
  const keys = keyed ? keysOf(draft.keys) : {};
  if (keys === null) return null;
  return {
    client_name: draft.name.trim(),
    token_endpoint_auth_method: keyed ? 'private_key_jwt' : draft.kind === 'secret' ? 'client_secret_basic' : 'none',
    grant_types: backend ? ['client_credentials'] : ['authorization_code', 'refresh_token'],
    scope: lines(draft.scope).join(' '),
    ...(backend ? { user: draft.user.trim() } : { redirect_uris: lines(draft.redirects), initiate_login_uri: draft.launch.trim() }),
    ...keys,
  };
}
