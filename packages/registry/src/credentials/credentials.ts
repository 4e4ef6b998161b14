import type { CallOptions } from '@soci/oci';
import { RegistryError } from '../errors.ts';

/** What is presented to a registry, or to its token service. Secrets: never written to a log or an error. */
export type Credentials = PasswordCredentials | IdentityToken | RegistryToken;

/** A name and a password: sent as Basic to the registry, or traded for a token at the service that it names. */
export interface PasswordCredentials {
  readonly kind: 'password';
  /** Without a colon, which would end it in Basic. */
  readonly username: string;
  readonly password: string;
  /** When its provider is to be asked again. @default it is asked again only after the registry refused them */
  readonly expiresAt?: Date;
}

/** An OAuth 2 refresh token, traded for an access token. docker's `identitytoken`. */
export interface IdentityToken {
  readonly kind: 'identity-token';
  readonly token: string;
}

/** A Bearer token that the registry takes as it is. docker's `registrytoken`. */
export interface RegistryToken {
  readonly kind: 'registry-token';
  readonly token: string;
}

/** What a {@link CredentialProvider} is asked for. */
export interface CredentialQuery extends CallOptions {
  /**
   * The repository that is to be used, such as `team/app`: podman's files may hold credentials for a namespace.
   * @default the registry as a whole
   */
  readonly repository?: string;
  /**
   * What the registry refused just now: a provider that keeps what it found finds something newer, if it can. Where it
   * already holds something newer, because another caller was refused first, that is given.
   * @default nothing was refused
   */
  readonly rejected?: Credentials;
}

/** Finds the credentials for a registry by its host, such as `registry.example:5000`; undefined where there are none. */
export type CredentialProvider = (host: string, query?: CredentialQuery) => Promise<Credentials | undefined>;

/** Whether two credentials are the same secret; when they expire does not count. */
export function sameCredentials(a: Credentials | undefined, b: Credentials | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.kind === 'password') return b.kind === 'password' && a.username === b.username && a.password === b.password;
  return a.kind === b.kind && a.token === b.token;
}

/**
 * Gives the same name and password to every registry.
 *
 * @throws RegistryError `OPTION_INVALID` where one is empty, or could not be told from the other
 */
export function staticCredentials(username: string, password: string): CredentialProvider {
  if (username === '' || password === '') {
    throw new RegistryError('OPTION_INVALID', 'a name and a password are needed together, neither of them empty');
  }
  if (username.includes(':')) throw new RegistryError('OPTION_INVALID', 'a name to log in with holds no colon');
  return async () => ({ kind: 'password', username, password });
}

/** The `Authorization` of a name and a password, in UTF-8. RFC 7617 */
export function basicAuthorization({ username, password }: PasswordCredentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
}
