import { randomBytes } from 'node:crypto';

/** Tokens that were given out, each good for a time. */
export class TokenBook<T> {
  readonly #lifetime: number;
  readonly #tokens = new Map<string, { readonly value: T; readonly expiresAt: number }>();

  /** @param lifetime - Milliseconds. */
  constructor(lifetime: number) {
    this.#lifetime = lifetime;
  }

  issue(value: T): { readonly token: string; readonly expiresAt: Date } {
    const token = randomBytes(96).toString('base64url');
    const expiresAt = Date.now() + this.#lifetime;
    this.#tokens.set(token, { value, expiresAt });
    return { token, expiresAt: new Date(expiresAt) };
  }

  /** What `token` was given out for; undefined where it was not, or no longer counts. */
  find(token: string): T | undefined {
    const entry = this.#tokens.get(token);
    return entry !== undefined && entry.expiresAt > Date.now() ? entry.value : undefined;
  }

  expireAll(): void {
    this.#tokens.clear();
  }
}
