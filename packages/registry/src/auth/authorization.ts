import {
  basicAuthorization,
  type CredentialProvider,
  type CredentialQuery,
  type Credentials,
  type RegistryToken,
  sameCredentials,
} from '../credentials/credentials.ts';
import { RegistryError, withMessage } from '../errors.ts';
import type { HttpSender } from '../transport/http-message.ts';
import { requestBearerToken, type TokenService } from './bearer-token.ts';

/** Milliseconds before its expiry at which a Bearer token is renewed, so that it does not expire on the way. */
const TOKEN_MARGIN = 10_000;

/** Authentication scheme of a registry: Basic, or Bearer with tokens from a token service. */
export type AuthScheme = { readonly scheme: 'basic' } | BearerScheme;

interface BearerScheme extends Pick<TokenService, 'realm' | 'service'> {
  readonly scheme: 'bearer';
}

/** An `Authorization` header and the credentials behind it. */
export interface Authorization {
  readonly authorization: string;
  /** The credentials it was obtained with. Undefined for an anonymous token. */
  readonly credentials: Credentials | undefined;
  /** When to obtain a new one, in milliseconds since 1970. */
  readonly renewAt: number;
}

/** What is needed to obtain authorizations for a registry. */
export interface AuthorizationSource {
  readonly host: string;
  /** Remedy for rejected credentials, as a clause. */
  readonly hint: string;
  readonly findCredentials: CredentialProvider;
  /** Sends requests to token services. */
  readonly sender: HttpSender;
  /** Returns the current time in milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * Obtains an authorization with the credentials of the registry. Returns undefined if there are no credentials and the
 * scheme is Basic.
 *
 * @param scopes - Scopes of a Bearer token.
 * @param query - `rejected`: the credentials that the registry rejected, directly or through a token obtained with
 * them.
 * @throws Errors of the provider and the token service; RegistryError `AUTHENTICATION_FAILED`
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
  if (credentials.kind === 'registry-token') return authorizeWithToken(host, hint, credentials);
  if (credentials.kind === 'identity-token') {
    const problem = `${host} requires a user name and password, but the credentials are an identity token`;
    throw new RegistryError('AUTHENTICATION_FAILED', `${problem}; ${hint}`, { host });
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
  // Usually the registry rejected an expired token, not the credentials, so the provider need not find others.
  let credentials = await findCredentials(host, rejected?.kind === 'registry-token' ? { ...query, rejected } : query);
  for (let attempt = 1; ; attempt += 1) {
    if (credentials?.kind === 'registry-token') return authorizeWithToken(host, hint, credentials);
    try {
      const { token, lifetime } = await requestBearerToken({ realm, service, scopes }, credentials, sender, query);
      const renewAt = now() + lifetime - TOKEN_MARGIN;
      return { authorization: `Bearer ${token}`, credentials, renewAt };
    } catch (error) {
      if (!(error instanceof RegistryError) || error.code !== 'AUTHENTICATION_FAILED') throw error;
      if (attempt === 2 || credentials === undefined) throw withMessage(error, `${error.message}; ${hint}`, host);
      const newer = await findCredentials(host, { ...query, rejected: credentials });
      if (newer === undefined || sameCredentials(newer, credentials))
        throw withMessage(error, `${error.message}; ${hint}`, host);
      credentials = newer;
    }
  }
}

function authorizeWithToken(host: string, hint: string, credentials: RegistryToken): Authorization {
  if (!/^[\x21-\x7e]+$/.test(credentials.token)) {
    const message = `the registry token for ${host} contains characters that are not allowed in a header`;
    throw new RegistryError('CREDENTIALS_INVALID', `${message}; ${hint}`);
  }
  const renewAt = Number.POSITIVE_INFINITY;
  return { authorization: `Bearer ${credentials.token}`, credentials, renewAt };
}
