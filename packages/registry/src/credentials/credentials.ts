import type { CallOptions } from '@soci/oci';
import { RegistryError } from '../errors.ts';

/** Credentials for a registry or its token service. Secret: never included in logs or errors. */
export type Credentials = PasswordCredentials | IdentityToken | RegistryToken;

/**
 * A user name and a password. Sent to the registry as Basic authentication, or exchanged for a token at its token
 * service.
 */
export interface PasswordCredentials {
  readonly kind: 'password';
  /** Must not contain a colon, which is the separator in Basic authentication. */
  readonly username: string;
  readonly password: string;
  /** When to call the provider again. @default only after the registry rejected the credentials */
  readonly expiresAt?: Date;
}

/** An OAuth 2 refresh token, exchanged for an access token. `identitytoken` in docker's configuration. */
export interface IdentityToken {
  readonly kind: 'identity-token';
  readonly token: string;
}

/** A Bearer token for the registry. `registrytoken` in docker's configuration. */
export interface RegistryToken {
  readonly kind: 'registry-token';
  readonly token: string;
}

/** Query of a {@link CredentialProvider}. */
export interface CredentialQuery extends CallOptions {
  /**
   * Name of the repository, such as `team/app`. Files of podman may contain credentials for a namespace.
   *
   * @default the whole registry
   */
  readonly repository?: string;
  /**
   * Credentials that the registry just rejected. A provider with a cache returns newer ones: cached ones if they
   * differ, because another caller has renewed them meanwhile, otherwise new ones, if available.
   *
   * @default none
   */
  readonly rejected?: Credentials;
}

/** Returns the credentials for a registry by its host, such as `registry.example:5000`; undefined if it has none. */
export type CredentialProvider = (host: string, query?: CredentialQuery) => Promise<Credentials | undefined>;

/** Reports whether two credentials are the same secret, regardless of their expiry. */
export function sameCredentials(a: Credentials | undefined, b: Credentials | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.kind === 'password') return b.kind === 'password' && a.username === b.username && a.password === b.password;
  return a.kind === b.kind && a.token === b.token;
}

/**
 * Returns a provider with the same user name and password for every registry.
 *
 * @throws RegistryError `OPTION_INVALID` if one is empty, or the user name contains a colon
 */
export function staticCredentials(username: string, password: string): CredentialProvider {
  if (username === '' || password === '') {
    throw new RegistryError('OPTION_INVALID', 'a user name and a password are required, and must not be empty');
  }
  if (username.includes(':')) throw new RegistryError('OPTION_INVALID', 'a user name must not contain a colon');
  return async () => ({ kind: 'password', username, password });
}

/** Returns the `Authorization` header for a user name and password, in UTF-8. RFC 7617 */
export function basicAuthorization({ username, password }: PasswordCredentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
}
