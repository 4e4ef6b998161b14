import type { IncomingRequest } from '../http/incoming-request.ts';
import { type Reply, RequestError, replyJson } from '../http/reply.ts';
import {
  type Access,
  type AccessPolicy,
  type BasicCredentials,
  basicPolicy,
  ecrPolicy,
  readBasic,
  TokenStore,
  unauthorized,
} from './access-policy.ts';

/** Bearer authentication with tokens from the token service of the registry. */
export interface BearerAuth {
  readonly bearer: {
    /** The user with full access. @default none */
    readonly user?: BasicCredentials;
    /** Allow pulling without credentials. @default false */
    readonly anonymousPull?: boolean;
  };
}

/** Authentication of the registry. */
export type AuthOption = BasicCredentials | BearerAuth | 'ecr' | 'none';

/** Authentication and authorization of the registry. */
export interface Authenticator {
  readonly policy: AccessPolicy;
  /** Valid credentials; empty strings if none are required or none are valid. */
  credentials(): BasicCredentials;
  /** Handles a token request; returns undefined for other requests. @throws RequestError */
  handle(incoming: IncomingRequest): Promise<Reply> | undefined;
  expireTokens(): void;
}

const NO_CREDENTIALS: BasicCredentials = { username: '', password: '' };

/**
 * @param ecrTokens - Tokens issued by `GetAuthorizationToken`. Bearer tokens have the same lifetime.
 * @param isEcr - Whether to imitate ECR.
 */
export function createAuthenticator(auth: AuthOption, ecrTokens: TokenStore<true>, isEcr: boolean): Authenticator {
  const common = { handle: () => undefined, expireTokens: () => ecrTokens.expireAll() };
  if (auth === 'none') return { ...common, policy: () => undefined, credentials: () => NO_CREDENTIALS };
  if (auth === 'ecr') {
    const issue = () => ({ username: 'AWS', password: ecrTokens.issue(true).token });
    return { ...common, policy: ecrPolicy(ecrTokens, isEcr), credentials: issue };
  }
  if ('username' in auth) return { ...common, policy: basicPolicy(auth), credentials: () => auth };
  const service = new TokenService(auth.bearer, ecrTokens.lifetime);
  return {
    policy: bearerPolicy(service.tokens),
    credentials: () => auth.bearer.user ?? NO_CREDENTIALS,
    handle: (incoming) => (incoming.path === TOKEN_PATH ? service.handle(incoming) : undefined),
    expireTokens: () => {
      ecrTokens.expireAll();
      service.tokens.expireAll();
    },
  };
}

/** Actions that a token allows, by resource, such as `repository:team/app` or `registry:catalog`. */
type Permissions = ReadonlyMap<string, ReadonlySet<string>>;

/** Name of the registry in challenges and token requests. */
const TOKEN_SERVICE = 'test-registry';

/** Path of the token service, on the port of the OCI API. */
const TOKEN_PATH = '/token';

/**
 * Returns a policy that requires a token for the requested access.
 *
 * @see distribution, docs/spec/auth/token.md; RFC 6750, section 3
 */
function bearerPolicy(tokens: TokenStore<Permissions>): AccessPolicy {
  return (incoming, access) => {
    const token = /^Bearer +(\S+)$/i.exec(incoming.headers.authorization ?? '')?.[1];
    if (token === undefined) return challenge(incoming, access, 'authentication required');
    const found = tokens.find(token);
    if (typeof found === 'string') return challenge(incoming, access, 'the token is invalid', 'invalid_token');
    const isAllowed = access.every(({ type, name, actions }) =>
      actions.every((action) => found.value.get(`${type}:${name}`)?.has(action)),
    );
    return isAllowed ? undefined : challenge(incoming, access, 'the token does not allow this', 'insufficient_scope');
  };
}

function challenge(
  { origin }: IncomingRequest,
  access: readonly Access[],
  message: string,
  error?: string,
): RequestError {
  const scope = access.map(({ type, name, actions }) => `${type}:${name}:${actions.join(',')}`).join(' ');
  const fields = {
    realm: `${origin}${TOKEN_PATH}`,
    service: TOKEN_SERVICE,
    ...(scope !== '' && { scope }),
    ...(error !== undefined && { error }),
  };
  const parameters = Object.entries(fields).map(([name, value]) => `${name}="${value}"`);
  return new RequestError(401, 'UNAUTHORIZED', message, { 'www-authenticate': `Bearer ${parameters.join(',')}` });
}

/** The list of repositories, in scopes. @see distribution, docs/spec/auth/scope.md */
const CATALOG_RESOURCE = 'registry:catalog';

type Identity = 'anonymous' | 'user';

const MAX_FORM_SIZE = 64 * 1024;
const ACTIONS = ['delete', 'pull', 'push'];

/**
 * Exchanges a user name and password, or a refresh token, for a token of those requested scopes that the
 * user is allowed.
 *
 * @see distribution, docs/spec/auth/token.md (`GET`) and docs/spec/auth/oauth.md (`POST`)
 */
class TokenService {
  readonly tokens: TokenStore<Permissions>;
  readonly #auth: BearerAuth['bearer'];
  readonly #refreshTokens = new TokenStore<true>(Number.MAX_SAFE_INTEGER / 2);

  constructor(auth: BearerAuth['bearer'], lifetime: number) {
    this.#auth = auth;
    this.tokens = new TokenStore(lifetime);
  }

  /** @throws RequestError */
  async handle(incoming: IncomingRequest): Promise<Reply> {
    const { authorization } = incoming.headers;
    if (incoming.method === 'GET') {
      const identity = authorization === undefined ? 'anonymous' : this.#identify(readBasic(authorization), incoming);
      return this.#issueToken(incoming.query, identity, 'token');
    }
    if (incoming.method !== 'POST') {
      throw new RequestError(405, 'UNSUPPORTED', 'the token service supports GET and POST', { allow: 'GET, POST' });
    }
    const form = new URLSearchParams(Buffer.from(await incoming.wholeBody(MAX_FORM_SIZE, 'a form')).toString());
    return this.#issueToken(form, this.#identifyForm(form, incoming), 'access_token');
  }

  #identifyForm(form: URLSearchParams, incoming: IncomingRequest): Identity {
    switch (form.get('grant_type')) {
      case 'password':
        return this.#identify({ username: form.get('username') ?? '', password: form.get('password') ?? '' }, incoming);
      case 'refresh_token':
        if (typeof this.#refreshTokens.find(form.get('refresh_token') ?? '') === 'object') return 'user';
        throw unauthorized('invalid refresh token', incoming.origin);
      default:
        throw new RequestError(400, 'UNSUPPORTED', 'grant_type must be password or refresh_token');
    }
  }

  #identify(credentials: BasicCredentials | undefined, { origin }: IncomingRequest): Identity {
    const { user } = this.#auth;
    const isUser =
      user !== undefined && credentials?.username === user.username && credentials.password === user.password;
    if (!isUser) throw unauthorized('invalid user name or password', origin);
    return 'user';
  }

  #issueToken(parameters: URLSearchParams, identity: Identity, field: 'access_token' | 'token'): Reply {
    const service = parameters.get('service');
    if (service !== TOKEN_SERVICE) throw new RequestError(400, 'DENIED', `unknown service: ${service}`);
    const permissions = new Map<string, Set<string>>();
    const scopes = parameters.getAll('scope').flatMap((text) => text.split(' ').filter((scope) => scope !== ''));
    for (const scope of scopes) {
      const [, resource, actions] = /^(repository:.+|registry:catalog):([a-z,*]+)$/.exec(scope) ?? [];
      if (resource === undefined || actions === undefined) {
        throw new RequestError(400, 'DENIED', `unsupported scope: ${scope}`);
      }
      const granted = permissions.get(resource) ?? new Set<string>();
      for (const action of this.#allowed(identity, resource, actions.split(','))) granted.add(action);
      permissions.set(resource, granted);
    }
    const wantsRefresh = parameters.get('offline_token') === 'true' || parameters.get('access_type') === 'offline';
    return replyJson(200, {
      [field]: this.tokens.issue(permissions).token,
      expires_in: Math.floor(this.tokens.lifetime / 1000),
      issued_at: new Date().toISOString(),
      ...(wantsRefresh && identity === 'user' && { refresh_token: this.#refreshTokens.issue(true).token }),
    });
  }

  #allowed(identity: Identity, resource: string, requested: readonly string[]): readonly string[] {
    if (resource === CATALOG_RESOURCE) return identity === 'user' ? ['*'] : [];
    const allowed = identity === 'user' ? ACTIONS : this.#auth.anonymousPull ? ['pull'] : [];
    return requested.includes('*') ? allowed : requested.filter((action) => allowed.includes(action));
  }
}
