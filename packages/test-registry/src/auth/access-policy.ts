import { randomBytes } from 'node:crypto';
import type { IncomingRequest } from '../http/incoming-request.ts';
import { RequestError } from '../http/reply.ts';

/** The access that a request needs to a repository. */
export interface RepositoryAccess {
  readonly type: 'repository';
  /** Name of the repository. */
  readonly name: string;
  readonly actions: readonly ('delete' | 'pull' | 'push')[];
}

/** The access that a request needs, to a repository or to the list of repositories. */
export type Access =
  | RepositoryAccess
  | { readonly type: 'registry'; readonly name: 'catalog'; readonly actions: readonly ['*'] };

/** Returns why a request is denied (401 with a challenge, or 403), or undefined if it is allowed. */
export type AccessPolicy = (incoming: IncomingRequest, access: readonly Access[]) => RequestError | undefined;

/** A user name and a password. */
export interface BasicCredentials {
  readonly username: string;
  readonly password: string;
}

/** Returns a policy that requires a user name and password. */
export function basicPolicy({ username, password }: BasicCredentials): AccessPolicy {
  return ({ headers, origin }) => {
    const credentials = readBasic(headers.authorization);
    if (credentials?.username === username && credentials.password === password) return undefined;
    return unauthorized(
      credentials === undefined ? 'authentication required' : 'invalid user name or password',
      origin,
    );
  };
}

/** Returns a 401 that requests Basic credentials. */
export function unauthorized(message: string, origin: string, service = 'test-registry'): RequestError {
  return new RequestError(401, 'UNAUTHORIZED', message, {
    'www-authenticate': `Basic realm="${origin}/",service="${service}"`,
  });
}

/** Parses a Basic `Authorization` header. Returns undefined if it is missing or of another kind. @see RFC 7617 */
export function readBasic(authorization: string | undefined): BasicCredentials | undefined {
  const match = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization ?? '');
  if (match === null) return undefined;
  const text = Buffer.from(match[1] as string, 'base64').toString();
  const colon = text.indexOf(':');
  if (colon === -1) return undefined;
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

/**
 * Returns a policy that requires a token of `GetAuthorizationToken`.
 *
 * @param deniesExpired - Respond to an expired token with 403, as ECR does, instead of 401.
 */
export function ecrPolicy(tokens: TokenStore<true>, deniesExpired: boolean): AccessPolicy {
  return ({ headers, origin }) => {
    const credentials = readBasic(headers.authorization);
    const token = tokens.find(credentials?.password ?? '');
    if (credentials?.username === 'AWS' && typeof token === 'object') return undefined;
    if (token === 'expired' && deniesExpired) {
      // The message that Docker prints as "denied: Your authorization token has expired. ..."
      return new RequestError(403, 'DENIED', 'Your authorization token has expired. Reauthenticate and try again.');
    }
    return unauthorized('Not Authorized', origin, 'ecr.amazonaws.com');
  };
}

/** Issued tokens with a limited lifetime. */
export class TokenStore<T> {
  /** Lifetime of a token, in milliseconds. */
  readonly lifetime: number;
  readonly #tokens = new Map<string, { readonly value: T; expiresAt: number }>();

  constructor(lifetime: number) {
    this.lifetime = lifetime;
  }

  /** Issues a token for `value`. */
  issue(value: T): { readonly token: string; readonly expiresAt: Date } {
    const token = randomBytes(96).toString('base64url');
    const expiresAt = Date.now() + this.lifetime;
    this.#tokens.set(token, { value, expiresAt });
    return { token, expiresAt: new Date(expiresAt) };
  }

  /** Returns the value of a token, or why it is invalid. */
  find(token: string): { readonly value: T } | 'expired' | 'unknown' {
    const entry = this.#tokens.get(token);
    if (entry === undefined) return 'unknown';
    return entry.expiresAt > Date.now() ? entry : 'expired';
  }

  /** Expires all tokens issued so far. */
  expireAll(): void {
    for (const entry of this.#tokens.values()) entry.expiresAt = 0;
  }
}
