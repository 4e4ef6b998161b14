import { randomBytes } from 'node:crypto';
import type { Incoming } from '../http/incoming.ts';
import { Refusal } from '../http/reply.ts';

/** What a request is about to do in a repository. */
export interface Access {
  readonly repository: string;
  readonly actions: readonly ('delete' | 'pull' | 'push')[];
}

/** Why a request is not let in: 401 with a challenge, or 403; undefined where it is. */
export type AccessPolicy = (incoming: Incoming, access: readonly Access[]) => Refusal | undefined;

/** A name and a password. */
export interface BasicCredentials {
  readonly username: string;
  readonly password: string;
}

/** Lets in who knows a name and a password. */
export function basicPolicy({ username, password }: BasicCredentials): AccessPolicy {
  return ({ headers, origin }) => {
    const given = readBasic(headers.authorization);
    if (given?.username === username && given.password === password) return undefined;
    return unauthorized(given === undefined ? 'authentication required' : 'the credentials are wrong', origin);
  };
}

/** The 401 that asks for Basic credentials. */
export function unauthorized(message: string, origin: string, service = 'test-registry'): Refusal {
  return new Refusal(401, 'UNAUTHORIZED', message, {
    'www-authenticate': `Basic realm="${origin}/",service="${service}"`,
  });
}

/** The name and password of an `Authorization`; undefined where it is no Basic one. @see RFC 7617 */
export function readBasic(authorization: string | undefined): BasicCredentials | undefined {
  const match = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization ?? '');
  if (match === null) return undefined;
  const text = Buffer.from(match[1] as string, 'base64').toString();
  const colon = text.indexOf(':');
  if (colon === -1) return undefined;
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** Lets in who has a token of `GetAuthorizationToken`. `deniesExpired`: 403 for an expired one, as ECR, not 401. */
export function ecrPolicy(tokens: TokenStore<true>, deniesExpired: boolean): AccessPolicy {
  return ({ headers, origin }) => {
    const given = readBasic(headers.authorization);
    const token = tokens.find(given?.password ?? '');
    if (given?.username === 'AWS' && typeof token === 'object') return undefined;
    if (token === 'expired' && deniesExpired) {
      // The words that Docker shows as "denied: Your authorization token has expired. ..."
      return new Refusal(403, 'DENIED', 'Your authorization token has expired. Reauthenticate and try again.');
    }
    return unauthorized('Not Authorized', origin, 'ecr.amazonaws.com');
  };
}

/** Tokens that were given out, each good for a time. */
export class TokenStore<T> {
  /** Milliseconds that a token is good for. */
  readonly lifetime: number;
  readonly #tokens = new Map<string, { readonly value: T; expiresAt: number }>();

  constructor(lifetime: number) {
    this.lifetime = lifetime;
  }

  /** Gives out a new token for `value`. */
  issue(value: T): { readonly token: string; readonly expiresAt: Date } {
    const token = randomBytes(96).toString('base64url');
    const expiresAt = Date.now() + this.lifetime;
    this.#tokens.set(token, { value, expiresAt });
    return { token, expiresAt: new Date(expiresAt) };
  }

  /** What a token is good for, or why it is not. */
  find(token: string): { readonly value: T } | 'expired' | 'unknown' {
    const entry = this.#tokens.get(token);
    if (entry === undefined) return 'unknown';
    return entry.expiresAt > Date.now() ? entry : 'expired';
  }

  /** Makes every token so far void. */
  expireAll(): void {
    for (const entry of this.#tokens.values()) entry.expiresAt = 0;
  }
}
