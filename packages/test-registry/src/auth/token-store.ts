import { randomBytes } from 'node:crypto';

/** What a token is found to be. */
type TokenState<T> =
  | { readonly kind: 'expired' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'valid'; readonly value: T };

/** Tokens that were given out, each good for a time. */
export class TokenStore<T> {
  /** Milliseconds that a token is good for. */
  readonly lifetime: number;
  readonly #tokens = new Map<string, { readonly value: T; readonly expiresAt: number }>();
  readonly #expired = new Set<string>();

  /** @param lifetime - Milliseconds. */
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

  /** Whether a token is good, and for what. */
  find(token: string): TokenState<T> {
    if (this.#expired.has(token)) return { kind: 'expired' };
    const entry = this.#tokens.get(token);
    if (entry === undefined) return { kind: 'unknown' };
    return entry.expiresAt > Date.now() ? { kind: 'valid', value: entry.value } : { kind: 'expired' };
  }

  /** Makes every token so far void. */
  expireAll(): void {
    for (const token of this.#tokens.keys()) this.#expired.add(token);
    this.#tokens.clear();
  }
}
