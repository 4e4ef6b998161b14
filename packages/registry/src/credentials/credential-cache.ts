import { SharedCalls } from '../concurrency.ts';
import { type CredentialQuery, type PasswordCredentials, sameCredentials } from './credentials.ts';

/** Milliseconds before its end from which on a password is not given out any more: 5 minutes. ECR's last 12 hours. */
const EXPIRY_MARGIN = 5 * 60_000;

/**
 * Milliseconds for which a password is kept at least, whatever its `expiresAt` says: emulators (moto) answer one of 2015,
 * and a clock may be wrong. A password that has expired is found out by the registry's 401.
 */
const MIN_LIFETIME = 60_000;

/** Gets a password from the API that makes them. */
export type PasswordRequest = (signal: AbortSignal) => Promise<PasswordCredentials>;

interface KeptPassword {
  readonly credentials: PasswordCredentials;
  /** When it really ends, in milliseconds since 1970. */
  readonly end: number;
  readonly renewAt: number;
}

/**
 * Keeps the passwords that an API makes for a limited time, until shortly before they end. Callers at the same time share
 * one request. For a {@link CredentialProvider} that asks such an API, as those of `@soci/ecr` do.
 */
export class CredentialCache {
  readonly #now: () => number;
  readonly #kept = new Map<string, KeptPassword>();
  readonly #calls = new SharedCalls<KeptPassword>();

  /** @param now - The clock, in milliseconds since 1970. @default `Date.now` */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /**
   * Returns the password that is kept for `key`, or requests one.
   *
   * @param request - Its `expiresAt` says when the password ends. @default a minute from now
   * @param query - As the provider was asked: `rejected` is not given again.
   * @throws what `request` throws, unless the password that is kept still holds; the signal's reason
   */
  async find(
    key: string,
    request: PasswordRequest,
    { rejected, signal }: CredentialQuery = {},
  ): Promise<PasswordCredentials> {
    const kept = this.#kept.get(key);
    const usable = kept !== undefined && !sameCredentials(kept.credentials, rejected) ? kept : undefined;
    if (usable !== undefined && usable.renewAt > this.#now()) return usable.credentials;
    const call = signal === undefined ? {} : { signal };
    try {
      const renewed = await this.#calls.run(key, async (shared) => this.#keep(key, await request(shared)), call);
      return renewed.credentials;
    } catch (error) {
      signal?.throwIfAborted();
      // If the API cannot be asked just now, the last minutes of the old password are good enough; but ask less often.
      if (usable === undefined || usable.end <= this.#now()) throw error;
      return this.#keep(key, { ...usable.credentials, expiresAt: new Date(usable.end) }).credentials;
    }
  }

  #keep(key: string, { username, password, expiresAt }: PasswordCredentials): KeptPassword {
    const end = expiresAt?.getTime() ?? 0;
    const renewAt = Math.max(end - EXPIRY_MARGIN, this.#now() + MIN_LIFETIME);
    const credentials = { kind: 'password', username, password, expiresAt: new Date(renewAt) } as const;
    const kept = { credentials, end, renewAt };
    this.#kept.set(key, kept);
    return kept;
  }
}
