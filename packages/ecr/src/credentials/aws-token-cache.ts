import { RegistryError } from '../errors.ts';
import { type CredentialQuery, type PasswordCredentials, sameCredentials } from './credentials.ts';
import { SharedCalls } from './shared-calls.ts';

/** Milliseconds before its end from which on a token of ECR's is not given out any more. 5 minutes of its 12 hours. */
const TOKEN_MARGIN = 5 * 60_000;

/**
 * Milliseconds for which a token is kept at least, whatever its `expiresAt` says: emulators (moto) answer one of 2015,
 * and a clock may be wrong. A token that really has expired is found out by the registry's 401.
 */
const MIN_TOKEN_LIFE = 60_000;

/** What `GetAuthorizationToken` answers, of ECR and of ECR Public. */
export interface AuthorizationData {
  /** Base64 of `NAME:PASSWORD`. */
  readonly authorizationToken?: string | undefined;
  readonly expiresAt?: Date | undefined;
}

interface KeptToken {
  readonly credentials: PasswordCredentials;
  /** When it really ends, by the clock of AWS. */
  readonly end: number;
  readonly renewAt: number;
}

/** Keeps the tokens of `GetAuthorizationToken` until shortly before they end; callers at the same time share one call. */
export class AwsTokenCache {
  readonly #now: () => number;
  readonly #kept = new Map<string, KeptToken>();
  readonly #calls = new SharedCalls<KeptToken>();

  /** @param now - The clock, in milliseconds since 1970. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Gives the token that is kept for `key`, or gets one.
   *
   * @throws what `request` throws, unless the token that is kept still holds; RegistryError `RESPONSE_INVALID`
   */
  async find(
    key: string,
    request: (signal: AbortSignal) => Promise<AuthorizationData | undefined>,
    { rejected, signal }: CredentialQuery = {},
  ): Promise<PasswordCredentials> {
    const kept = this.#kept.get(key);
    const usable = kept !== undefined && !sameCredentials(kept.credentials, rejected) ? kept : undefined;
    if (usable !== undefined && usable.renewAt > this.#now()) return usable.credentials;
    const call = signal === undefined ? {} : { signal };
    try {
      return (await this.#calls.run(key, (shared) => this.#renew(key, request, shared), call)).credentials;
    } catch (error) {
      signal?.throwIfAborted();
      // Where AWS cannot be asked just now, the last minutes of the old token are good enough; but ask less often.
      if (usable === undefined || usable.end <= this.#now()) throw error;
      return this.#keep(key, usable.credentials, usable.end).credentials;
    }
  }

  async #renew(
    key: string,
    request: (signal: AbortSignal) => Promise<AuthorizationData | undefined>,
    signal: AbortSignal,
  ): Promise<KeptToken> {
    const { authorizationToken, expiresAt } = (await request(signal)) ?? {};
    const text = Buffer.from(authorizationToken ?? '', 'base64').toString('utf8');
    const colon = text.indexOf(':');
    if (colon < 1) {
      throw new RegistryError('RESPONSE_INVALID', `GetAuthorizationToken answered without a token for ${key}`);
    }
    const credentials = { kind: 'password', username: text.slice(0, colon), password: text.slice(colon + 1) } as const;
    return this.#keep(key, credentials, expiresAt?.getTime() ?? 0);
  }

  #keep(key: string, { username, password }: PasswordCredentials, end: number): KeptToken {
    const renewAt = Math.max(end - TOKEN_MARGIN, this.#now() + MIN_TOKEN_LIFE);
    const credentials = { kind: 'password', username, password, expiresAt: new Date(renewAt) } as const;
    const kept = { credentials, end, renewAt };
    this.#kept.set(key, kept);
    return kept;
  }
}
