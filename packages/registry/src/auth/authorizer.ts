import type { CallOptions } from '@soci/oci';
import { abortable, SharedCalls } from '../concurrency.ts';
import type { CredentialProvider } from '../credentials/credentials.ts';
import { canonicalHost } from '../credentials/docker-config.ts';
import type { RegistryOptions } from '../options.ts';
import type { HttpSender } from '../transport/http-message.ts';
import { decideScheme } from '../transport/scheme.ts';
import { type Authorization, type AuthorizationSource, type AuthScheme, obtainAuthorization } from './authorization.ts';
import { type Challenge, parseChallenges, readTokenRealm } from './challenge.ts';
import { formatScopes, mergeScopes, type RepositoryScope, splitScopes } from './scope.ts';

/** What sends requests needs of a {@link RegistryAuthorizer}. */
export type Authorizer = Pick<RegistryAuthorizer, 'authorize' | 'describeRefusal' | 'reauthorize'>;

/** What {@link RegistryAuthorizer} is made from. A token service may be asked over plain http only if the registry is. */
export interface AuthorizerOptions extends Pick<RegistryOptions, 'authScheme' | 'credentialsHint' | 'plainHttp'> {
  /** The registry's host, and port if need be, such as `localhost:5000`. */
  readonly host: string;
  readonly credentials: CredentialProvider;
  /** Sends requests to token services. */
  readonly sender: HttpSender;
  /** The clock: milliseconds since 1970. @default `Date.now` */
  readonly now?: () => number;
}

/** Values of `Authorization`, and of scopes, that are kept for one registry; there is one for each repository and what is done in it. */
const MAX_KEPT = 256;

interface KeptAuthorization extends Authorization {
  /** Whether it was made because another was refused: where it is refused at once, a third will be too. */
  readonly isReplacement: boolean;
  /** Times that it was given out. */
  uses: number;
}

/**
 * Gives requests to one registry their `Authorization`: Basic at once if `authScheme` says so or the registry asked for it
 * before, so that no request is spent on a 401; else what the registry's challenge asks for. Tokens are kept until shortly
 * before their end, one for each set of scopes; requests at the same time share the call for one.
 *
 * Its methods throw what the provider and the token service throw.
 */
export class RegistryAuthorizer {
  readonly #source: AuthorizationSource;
  readonly #plainHttp: boolean | undefined;
  readonly #kept = new Map<string, KeptAuthorization>();
  readonly #calls = new SharedCalls<KeptAuthorization | undefined>();
  /** Scopes that the registry asked for beside ours, by the key of ours. */
  readonly #addedScopes = new Map<string, readonly string[]>();
  #authScheme: AuthScheme | undefined;
  #refusal = 'it has not said which credentials it wants';

  constructor(options: AuthorizerOptions) {
    const { host, plainHttp, credentials, authScheme, credentialsHint, sender, now = Date.now } = options;
    const hint =
      credentialsHint ??
      `log in with docker login ${canonicalHost(host)}, or give the name and password of somebody who may`;
    this.#source = { host, hint, findCredentials: credentials, sender, now };
    this.#plainHttp = plainHttp;
    if (authScheme !== undefined) this.#authScheme = { scheme: authScheme };
  }

  /** Returns the `Authorization` of a request; undefined if the registry is not known to want one. */
  async authorize(scope: readonly RepositoryScope[], options: CallOptions = {}): Promise<string | undefined> {
    if (this.#authScheme === undefined) return undefined;
    const kept = this.#kept.get(keyOf(this.#authScheme, scope));
    const isUsable = kept !== undefined && kept.renewAt > this.#source.now();
    const obtained = isUsable ? kept : await this.#obtain(this.#authScheme, scope, undefined, options);
    if (obtained === undefined) return undefined;
    obtained.uses += 1;
    return obtained.authorization;
  }

  /**
   * Is told that the registry answered 401 to a request that carried `rejected`: forgets that, and returns whether another
   * request makes sense, for which {@link RegistryAuthorizer.authorize} then returns something else. What was obtained only
   * just now and rejected is not obtained a third time.
   *
   * @param challenge - The answer's `WWW-Authenticate`, all of them joined by `, `; undefined if it has none.
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
      this.#refusal = 'it asks for credentials in no way that is known here, which are Basic and Bearer';
      return false;
    }
    this.#authScheme = authScheme;
    const key = keyOf(authScheme, scope);
    this.#addScopes(key, challenges);
    const kept = this.#kept.get(key);
    // Another request was faster; or this one was sent before anything was asked for.
    if (kept !== undefined && kept.authorization !== rejected) return true;
    if (kept?.isReplacement === true && kept.uses <= 1) return false;
    const obtained = await this.#obtain(authScheme, scope, kept, options);
    return obtained !== undefined && obtained.authorization !== rejected;
  }

  /**
   * Says why {@link RegistryAuthorizer.reauthorize} last returned false: what was tried and what to do, as a clause for the
   * message of an `AUTHENTICATION_FAILED`. Holds no secret.
   */
  describeRefusal(): string {
    return this.#refusal;
  }

  /** What the challenges ask for, Bearer before Basic as the narrower of the two; without any, what was asked for before. */
  async #readScheme(challenges: readonly Challenge[], { signal }: CallOptions): Promise<AuthScheme | undefined> {
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer')?.parameters;
    if (bearer !== undefined) {
      const { host } = this.#source;
      const scheme = await abortable(decideScheme(host, this.#plainHttp), signal);
      return {
        scheme: 'bearer',
        realm: readTokenRealm(bearer.get('realm'), { host, scheme }),
        service: bearer.get('service'),
      };
    }
    if (challenges.some(({ scheme }) => scheme === 'basic')) return { scheme: 'basic' };
    return challenges.length === 0 ? this.#authScheme : undefined;
  }

  /** A registry may want other scopes than ours: a mirror knows the repository by another name, ECR Public wants `aws`. */
  #addScopes(key: string, challenges: readonly Challenge[]): void {
    const scope = challenges.find(({ scheme }) => scheme === 'bearer')?.parameters.get('scope');
    if (scope !== undefined) keepLatest(this.#addedScopes, key, splitScopes(scope));
  }

  /** Gets what the registry asks for and keeps it; undefined where there is nothing to give. */
  async #obtain(
    authScheme: AuthScheme,
    scope: readonly RepositoryScope[],
    rejected: Authorization | undefined,
    options: CallOptions,
  ): Promise<KeptAuthorization | undefined> {
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
      // Said here, for whoever sent the request may ask no further.
      const found = obtained?.credentials
        ? 'the credentials found for it were refused'
        : 'no credentials were found for it';
      this.#refusal = `${found}; ${this.#source.hint}`;
      return obtained && keepLatest(this.#kept, key, { ...obtained, isReplacement: rejected !== undefined, uses: 0 });
    };
    // Who was refused must not be given what another waits for who was not.
    return await this.#calls.run(rejected === undefined ? key : `${key} again`, call, options);
  }
}

/** Puts a value into a map, in which the oldest give way. */
function keepLatest<T>(kept: Map<string, T>, key: string, value: T): T {
  kept.delete(key);
  const [oldest] = kept.keys();
  if (oldest !== undefined && kept.size >= MAX_KEPT) kept.delete(oldest);
  kept.set(key, value);
  return value;
}

/** Basic may differ by repository, as podman's files have it; a token is of the scopes that it was asked for. */
function keyOf({ scheme }: AuthScheme, scope: readonly RepositoryScope[]): string {
  return `${scheme} ${scheme === 'basic' ? (scope[0]?.repository ?? '') : formatScopes(scope).join(' ')}`;
}
