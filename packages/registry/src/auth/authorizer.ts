import type { CallOptions } from '@soci/oci';
import { abortable, SharedCalls } from '../concurrency.ts';
import type { CredentialProvider } from '../credentials/credentials.ts';
import { canonicalHost } from '../credentials/docker-config.ts';
import type { RegistryOptions } from '../options.ts';
import type { HttpSender } from '../transport/http-message.ts';
import { detectScheme } from '../transport/scheme.ts';
import { type Authorization, type AuthorizationSource, type AuthScheme, obtainAuthorization } from './authorization.ts';
import { type Challenge, parseChallenges, readTokenRealm } from './challenge.ts';
import { formatScopes, mergeScopes, type RepositoryScope, splitScopes } from './scope.ts';

/** The part of {@link RegistryAuthorizer} that the HTTP client uses. */
export type Authorizer = Pick<RegistryAuthorizer, 'authorize' | 'describeRejection' | 'reauthorize'>;

/** Options of {@link RegistryAuthorizer}. A token service may use plain HTTP only if the registry does. */
export interface AuthorizerOptions extends Pick<RegistryOptions, 'authScheme' | 'credentialsHint' | 'plainHttp'> {
  /** Host of the registry with an optional port, such as `localhost:5000`. */
  readonly host: string;
  readonly credentials: CredentialProvider;
  /** Sends requests to token services. */
  readonly sender: HttpSender;
  /** Returns the current time in milliseconds since 1970. @default `Date.now` */
  readonly now?: () => number;
}

/**
 * Maximum number of authorizations and scopes cached per registry. There is one for each repository and set of actions.
 */
const MAX_CACHED = 256;

interface CachedAuthorization extends Authorization {
  /** Whether it replaced a rejected one. If it is rejected on first use, obtaining a third would not help. */
  readonly isReplacement: boolean;
  /** Number of requests it was used for. */
  uses: number;
}

/**
 * Authorizes requests to one registry. Uses the scheme given by `authScheme` or by an earlier challenge without waiting
 * for a 401. Caches one token per set of scopes until shortly before its expiry; concurrent requests share the call
 * that obtains it.
 *
 * Methods throw what the provider and the token service throw.
 */
export class RegistryAuthorizer {
  readonly #source: AuthorizationSource;
  readonly #plainHttp: boolean | undefined;
  readonly #cache = new Map<string, CachedAuthorization>();
  readonly #calls = new SharedCalls<CachedAuthorization | undefined>();
  /** Additional scopes from challenges, by the key of the authorization. */
  readonly #addedScopes = new Map<string, readonly string[]>();
  #authScheme: AuthScheme | undefined;
  #rejection: string;

  constructor(options: AuthorizerOptions) {
    const { host, plainHttp, credentials, authScheme, credentialsHint, sender, now = Date.now } = options;
    const hint =
      credentialsHint ?? `run "docker login ${canonicalHost(host)}", or use a user name and password that have access`;
    this.#source = { host, hint, findCredentials: credentials, sender, now };
    this.#rejection = `the registry requires authentication; ${hint}`;
    this.#plainHttp = plainHttp;
    if (authScheme !== undefined) this.#authScheme = { scheme: authScheme };
  }

  /**
   * Returns the `Authorization` header of a request. Returns undefined if the registry has not asked for one yet, or if
   * there are no credentials.
   */
  async authorize(scope: readonly RepositoryScope[], options: CallOptions = {}): Promise<string | undefined> {
    if (this.#authScheme === undefined) return undefined;
    const cached = this.#cache.get(keyOf(this.#authScheme, scope));
    const isUsable = cached !== undefined && cached.renewAt > this.#source.now();
    const obtained = isUsable ? cached : await this.#obtain(this.#authScheme, scope, undefined, options);
    if (obtained === undefined) return undefined;
    obtained.uses += 1;
    return obtained.authorization;
  }

  /**
   * Handles a 401: discards the `rejected` authorization and obtains another one. Returns whether retrying makes sense,
   * because {@link RegistryAuthorizer.authorize} now returns another value. If a new authorization was rejected on
   * first use, no third one is obtained.
   *
   * @param challenge - The `WWW-Authenticate` headers, joined by `, `; undefined if the response has none.
   */
  async reauthorize(
    scope: readonly RepositoryScope[],
    challenge: string | undefined,
    rejected: string | undefined,
    options: CallOptions = {},
  ): Promise<boolean> {
    const challenges = parseChallenges(challenge ?? '');
    const authScheme = await this.#readScheme(challenges, options);
    if (authScheme === undefined) {
      this.#rejection =
        challenges.length === 0
          ? 'the registry sent no WWW-Authenticate header'
          : 'the registry requires an authentication scheme other than Basic and Bearer';
      return false;
    }
    this.#authScheme = authScheme;
    const key = keyOf(authScheme, scope);
    this.#addScopes(key, challenges);
    const cached = this.#cache.get(key);
    // Another request has renewed it meanwhile, or this request was sent without one.
    if (cached !== undefined && cached.authorization !== rejected) return true;
    if (cached?.isReplacement === true && cached.uses <= 1) return false;
    const obtained = await this.#obtain(authScheme, scope, cached, options);
    return obtained !== undefined && obtained.authorization !== rejected;
  }

  /**
   * Explains why {@link RegistryAuthorizer.reauthorize} last returned false: what was tried and what to do, as a clause
   * for the message of an `AUTHENTICATION_FAILED` error. Contains no secrets.
   */
  describeRejection(): string {
    return this.#rejection;
  }

  /**
   * Returns the scheme that the challenges ask for; prefers Bearer over Basic. Without challenges, returns the current
   * scheme.
   */
  async #readScheme(challenges: readonly Challenge[], { signal }: CallOptions): Promise<AuthScheme | undefined> {
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer')?.parameters;
    if (bearer !== undefined) {
      const { host } = this.#source;
      const scheme = await abortable(detectScheme(host, this.#plainHttp), signal);
      return {
        scheme: 'bearer',
        realm: readTokenRealm(bearer.get('realm'), { host, scheme }),
        service: bearer.get('service'),
      };
    }
    if (challenges.some(({ scheme }) => scheme === 'basic')) return { scheme: 'basic' };
    return challenges.length === 0 ? this.#authScheme : undefined;
  }

  /**
   * Remembers the scope of a challenge, which may differ from the requested one: a mirror uses another repository name,
   * ECR Public requires `aws`.
   */
  #addScopes(key: string, challenges: readonly Challenge[]): void {
    const scope = challenges.find(({ scheme }) => scheme === 'bearer')?.parameters.get('scope');
    if (scope !== undefined) addToCache(this.#addedScopes, key, splitScopes(scope));
  }

  /** Obtains an authorization and caches it. Returns undefined if there are no credentials. */
  async #obtain(
    authScheme: AuthScheme,
    scope: readonly RepositoryScope[],
    rejected: Authorization | undefined,
    options: CallOptions,
  ): Promise<CachedAuthorization | undefined> {
    const key = keyOf(authScheme, scope);
    const [first] = scope;
    const call = async (signal: AbortSignal) => {
      const obtained = await obtainAuthorization(
        this.#source,
        authScheme,
        mergeScopes([...formatScopes(scope), ...(this.#addedScopes.get(key) ?? [])]),
        {
          signal,
          ...(first && { repository: first.repository }),
          ...(rejected?.credentials && { rejected: rejected.credentials }),
        },
      );
      // Set here, because the caller may not retry.
      const found = obtained?.credentials
        ? 'the registry rejected the credentials'
        : 'no credentials were found for the registry';
      this.#rejection = `${found}; ${this.#source.hint}`;
      return obtained && addToCache(this.#cache, key, { ...obtained, isReplacement: rejected !== undefined, uses: 0 });
    };
    // A renewal must not share the call of a request that was not rejected: that call may return the rejected value.
    return await this.#calls.run(rejected === undefined ? key : `${key} renewal`, call, options);
  }
}

/** Adds a value to a map and evicts the oldest if it is full. */
function addToCache<T>(cache: Map<string, T>, key: string, value: T): T {
  cache.delete(key);
  const [oldest] = cache.keys();
  if (oldest !== undefined && cache.size >= MAX_CACHED) cache.delete(oldest);
  cache.set(key, value);
  return value;
}

/** Returns the cache key. Basic credentials may differ by repository (podman's auth.json), tokens by scope. */
function keyOf({ scheme }: AuthScheme, scope: readonly RepositoryScope[]): string {
  return `${scheme} ${scheme === 'basic' ? (scope[0]?.repository ?? '') : formatScopes(scope).join(' ')}`;
}
