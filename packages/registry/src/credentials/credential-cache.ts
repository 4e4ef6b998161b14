import { SharedCalls } from '../concurrency.ts';
import { type CredentialQuery, type PasswordCredentials, sameCredentials } from './credentials.ts';

/** Milliseconds before its expiry at which a password is renewed: 5 minutes. Those of ECR are valid for 12 hours. */
const EXPIRY_MARGIN = 5 * 60_000;

/**
 * Minimum time that a password is cached, in milliseconds, regardless of `expiresAt`: emulators (moto) return a date in
 * 2015, and a clock may be wrong. The registry rejects an expired password with 401.
 */
const MIN_LIFETIME = 60_000;

/** Requests a password from the API that issues them. */
export type PasswordRequest = (signal: AbortSignal) => Promise<PasswordCredentials>;

interface CachedPassword {
  readonly credentials: PasswordCredentials;
  /** When it expires, in milliseconds since 1970. */
  readonly end: number;
  readonly renewAt: number;
}

/**
 * Caches short-lived passwords that an API issues, until shortly before they expire. Concurrent callers share one
 * request. For a {@link CredentialProvider} that uses such an API, as those of `@soci/ecr` do.
 */
export class CredentialCache {
  readonly #now: () => number;
  readonly #cached = new Map<string, CachedPassword>();
  readonly #calls = new SharedCalls<CachedPassword>();

  /** @param now - Returns the current time in milliseconds since 1970. @default `Date.now` */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /**
   * Returns the cached password of `key`, or requests one.
   *
   * @param request - Its `expiresAt` is when the password expires. @default one minute from now
   * @param query - The query of the provider. A password equal to `rejected` is not returned again.
   * @throws The error of `request`, unless the cached password is still valid; the signal's reason
   */
  async find(
    key: string,
    request: PasswordRequest,
    { rejected, signal }: CredentialQuery = {},
  ): Promise<PasswordCredentials> {
    const cached = this.#cached.get(key);
    const usable = cached !== undefined && !sameCredentials(cached.credentials, rejected) ? cached : undefined;
    if (usable !== undefined && usable.renewAt > this.#now()) return usable.credentials;
    const call = signal === undefined ? {} : { signal };
    try {
      const renewed = await this.#calls.run(key, async (shared) => this.#add(key, await request(shared)), call);
      return renewed.credentials;
    } catch (error) {
      signal?.throwIfAborted();
      // If the API fails, use the cached password until it expires, and request a new one less often.
      if (usable === undefined || usable.end <= this.#now()) throw error;
      return this.#add(key, { ...usable.credentials, expiresAt: new Date(usable.end) }).credentials;
    }
  }

  #add(key: string, { username, password, expiresAt }: PasswordCredentials): CachedPassword {
    const end = expiresAt?.getTime() ?? 0;
    const renewAt = Math.max(end - EXPIRY_MARGIN, this.#now() + MIN_LIFETIME);
    const credentials = { kind: 'password', username, password, expiresAt: new Date(renewAt) } as const;
    const cached = { credentials, end, renewAt };
    this.#cached.set(key, cached);
    return cached;
  }
}
