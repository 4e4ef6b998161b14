import {
  basicAuthorization,
  type CredentialProvider,
  type CredentialQuery,
  type Credentials,
  type RegistryToken,
  sameCredentials,
} from '../credentials/credentials.ts';
import { RegistryError, reworded } from '../errors.ts';
import type { HttpSender } from '../transport/http-message.ts';
import { requestBearerToken, type TokenService } from './bearer-token.ts';

/** Milliseconds before its end from which on a Bearer token is not given out any more: a request takes its time. */
const TOKEN_MARGIN = 10_000;

/** How a registry wants requests to be authorized: by a name and a password, or by a token of a token service. */
export type AuthScheme = { readonly scheme: 'basic' } | BearerScheme;

interface BearerScheme extends Pick<TokenService, 'realm' | 'service'> {
  readonly scheme: 'bearer';
}

/** What is sent as `Authorization`. */
export interface Authorization {
  readonly authorization: string;
  /** What it was made of; undefined for the token that anybody is given. */
  readonly credentials: Credentials | undefined;
  /** When another is to be made, in milliseconds since 1970. */
  readonly renewAt: number;
}

/** What authorizations for one registry are made from. */
export interface AuthorizationSource {
  readonly host: string;
  /** What to do if the registry refuses credentials, as a clause. */
  readonly hint: string;
  readonly findCredentials: CredentialProvider;
  /** Sends requests to token services. */
  readonly sender: HttpSender;
  /** The clock: milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * Makes what a registry wants of the credentials that are found for it; undefined where it wants some and there are none.
 *
 * @param scopes - What a token is asked for.
 * @param query - `rejected`: what the registry refused, itself or what was made of it.
 * @throws what the provider and the token service throw; RegistryError `AUTHENTICATION_FAILED`
 */
export async function obtainAuthorization(
  source: AuthorizationSource,
  authScheme: AuthScheme,
  scopes: readonly string[],
  query: CredentialQuery,
): Promise<Authorization | undefined> {
  return authScheme.scheme === 'basic'
    ? await findBasic(source, query)
    : await requestBearer(source, authScheme, scopes, query);
}

async function findBasic(
  { host, hint, findCredentials }: AuthorizationSource,
  query: CredentialQuery,
): Promise<Authorization | undefined> {
  const credentials = await findCredentials(host, query);
  if (credentials === undefined) return undefined;
  if (credentials.kind === 'registry-token') return presentToken(host, hint, credentials);
  if (credentials.kind === 'identity-token') {
    const problem = `${host} asks for a name and password, and only an identity token is kept for it`;
    throw new RegistryError('AUTHENTICATION_FAILED', `${problem}; ${hint}`);
  }
  return {
    authorization: basicAuthorization(credentials),
    credentials,
    renewAt: credentials.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY,
  };
}

async function requestBearer(
  { host, hint, findCredentials, sender, now }: AuthorizationSource,
  { realm, service }: BearerScheme,
  scopes: readonly string[],
  { rejected, ...query }: CredentialQuery,
): Promise<Authorization> {
  // What was refused is mostly a token that was made of the credentials, not they themselves.
  let credentials = await findCredentials(host, rejected?.kind === 'registry-token' ? { ...query, rejected } : query);
  for (let attempt = 1; ; attempt += 1) {
    if (credentials?.kind === 'registry-token') return presentToken(host, hint, credentials);
    try {
      const { token, lifetime } = await requestBearerToken({ realm, service, scopes }, credentials, sender, query);
      const renewAt = now() + lifetime - TOKEN_MARGIN;
      return { authorization: `Bearer ${token}`, credentials, renewAt };
    } catch (error) {
      if (!(error instanceof RegistryError) || error.code !== 'AUTHENTICATION_FAILED') throw error;
      if (attempt === 2 || credentials === undefined) throw reworded(error, `${error.message}; ${hint}`);
      const newer = await findCredentials(host, { ...query, rejected: credentials });
      if (newer === undefined || sameCredentials(newer, credentials))
        throw reworded(error, `${error.message}; ${hint}`);
      credentials = newer;
    }
  }
}

function presentToken(host: string, hint: string, credentials: RegistryToken): Authorization {
  if (!/^[\x21-\x7e]+$/.test(credentials.token)) {
    const message = `the token that is kept for ${host} holds what no header may`;
    throw new RegistryError('CREDENTIALS_INVALID', `${message}; ${hint}`);
  }
  const renewAt = Number.POSITIVE_INFINITY;
  return { authorization: `Bearer ${credentials.token}`, credentials, renewAt };
}
