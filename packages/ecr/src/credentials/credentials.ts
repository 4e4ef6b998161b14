import type { CallOptions } from '@soci/oci';

/** What is presented to a registry, or to its token service. Secrets: never written to a log or an error. */
export type Credentials =
  /** A name and a password: sent as Basic to the registry, or traded for a token at the service that it names. */
  | { readonly kind: 'password'; readonly username: string; readonly password: string; readonly expiresAt?: Date }
  /** An OAuth 2 refresh token, traded for an access token. docker's `identitytoken`. */
  | { readonly kind: 'identity-token'; readonly token: string }
  /** A Bearer token that the registry takes as it is. docker's `registrytoken`. */
  | { readonly kind: 'registry-token'; readonly token: string };

/** Finds the credentials for a registry by its host, such as `registry.example:5000`; undefined where there are none. */
export type CredentialProvider = (host: string, options?: CallOptions) => Promise<Credentials | undefined>;
