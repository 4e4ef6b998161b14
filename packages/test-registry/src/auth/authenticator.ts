import type { Incoming } from '../http/incoming.ts';
import { Refusal, type Reply, replyJson } from '../http/reply.ts';
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

/** Tokens in place of a password, from a service that the registry names. */
export interface BearerAuth {
  readonly bearer: {
    /** Who may do everything; nobody where it is missing. @default nobody */
    readonly user?: BasicCredentials;
    /** Whether who gives no name may pull. @default false */
    readonly anonymousPull?: boolean;
  };
}

/** Whom the registry lets in. */
export type AuthOption = BasicCredentials | BearerAuth | 'ecr' | 'none';

/** Everything about who may come in. */
export interface Authenticator {
  readonly policy: AccessPolicy;
  /** What gets in; empty texts where all get in, or nobody may. */
  credentials(): BasicCredentials;
  /** Answers a request for a token; undefined of any other. @throws Refusal */
  handle(incoming: Incoming): Promise<Reply> | undefined;
  expireTokens(): void;
}

const NOBODY: BasicCredentials = { username: '', password: '' };

/**
 * @param ecrTokens - Those that `GetAuthorizationToken` gives out; Bearer tokens live as long.
 * @param isEcr - Whether to answer as ECR does, where that differs.
 */
export function createAuthenticator(auth: AuthOption, ecrTokens: TokenStore<true>, isEcr: boolean): Authenticator {
  const common = { handle: () => undefined, expireTokens: () => ecrTokens.expireAll() };
  if (auth === 'none') return { ...common, policy: () => undefined, credentials: () => NOBODY };
  if (auth === 'ecr') {
    const issue = () => ({ username: 'AWS', password: ecrTokens.issue(true).token });
    return { ...common, policy: ecrPolicy(ecrTokens, isEcr), credentials: issue };
  }
  if ('username' in auth) return { ...common, policy: basicPolicy(auth), credentials: () => auth };
  const service = new TokenService(auth.bearer, ecrTokens.lifetime);
  return {
    policy: bearerPolicy(service.tokens),
    credentials: () => auth.bearer.user ?? NOBODY,
    handle: (incoming) => (incoming.path === TOKEN_PATH ? service.handle(incoming) : undefined),
    expireTokens: () => {
      ecrTokens.expireAll();
      service.tokens.expireAll();
    },
  };
}

/** What a token allows: the actions by repository. */
type Permissions = ReadonlyMap<string, ReadonlySet<string>>;

/** Names the registry in challenges and in requests for tokens. */
const TOKEN_SERVICE = 'test-registry';

/** The path of the token service, on the registry's own port. */
const TOKEN_PATH = '/token';

/** Lets in who has a token that allows what is asked. @see distribution, docs/spec/auth/token.md; RFC 6750, section 3 */
function bearerPolicy(tokens: TokenStore<Permissions>): AccessPolicy {
  return (incoming, access) => {
    const token = /^Bearer +(\S+)$/i.exec(incoming.headers.authorization ?? '')?.[1];
    if (token === undefined) return challenge(incoming, access, 'authentication required');
    const found = tokens.find(token);
    if (typeof found === 'string') return challenge(incoming, access, 'the token is invalid', 'invalid_token');
    const isAllowed = access.every(({ repository, actions }) =>
      actions.every((action) => found.value.get(repository)?.has(action)),
    );
    return isAllowed ? undefined : challenge(incoming, access, 'the token does not allow this', 'insufficient_scope');
  };
}

function challenge({ origin }: Incoming, access: readonly Access[], message: string, error?: string): Refusal {
  const scope = access.map(({ repository, actions }) => `repository:${repository}:${actions.join(',')}`).join(' ');
  const fields = {
    realm: `${origin}${TOKEN_PATH}`,
    service: TOKEN_SERVICE,
    ...(scope !== '' && { scope }),
    ...(error !== undefined && { error }),
  };
  const parameters = Object.entries(fields).map(([name, value]) => `${name}="${value}"`);
  return new Refusal(401, 'UNAUTHORIZED', message, { 'www-authenticate': `Bearer ${parameters.join(',')}` });
}

type Identity = 'anonymous' | 'user';

const MAX_FORM_SIZE = 64 * 1024;
const ACTIONS = ['delete', 'pull', 'push'];

/**
 * Trades a name and a password, or a refresh token, for a token of the scopes asked for, as far as they are allowed.
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

  /** @throws Refusal */
  async handle(incoming: Incoming): Promise<Reply> {
    const { authorization } = incoming.headers;
    if (incoming.method === 'GET') {
      const identity = authorization === undefined ? 'anonymous' : this.#identify(readBasic(authorization), incoming);
      return this.#trade(incoming.query, identity, 'token');
    }
    if (incoming.method !== 'POST') {
      throw new Refusal(405, 'UNSUPPORTED', 'the token service takes GET and POST', { allow: 'GET, POST' });
    }
    const form = new URLSearchParams(Buffer.from(await incoming.wholeBody(MAX_FORM_SIZE, 'a form')).toString());
    return this.#trade(form, this.#identifyForm(form, incoming), 'access_token');
  }

  #identifyForm(form: URLSearchParams, incoming: Incoming): Identity {
    switch (form.get('grant_type')) {
      case 'password':
        return this.#identify({ username: form.get('username') ?? '', password: form.get('password') ?? '' }, incoming);
      case 'refresh_token':
        if (typeof this.#refreshTokens.find(form.get('refresh_token') ?? '') === 'object') return 'user';
        throw unauthorized('the refresh token is wrong', incoming.origin);
      default:
        throw new Refusal(400, 'UNSUPPORTED', 'grant_type must be password or refresh_token');
    }
  }

  #identify(given: BasicCredentials | undefined, { origin }: Incoming): Identity {
    const { user } = this.#auth;
    const isUser = user !== undefined && given?.username === user.username && given.password === user.password;
    if (!isUser) throw unauthorized('the credentials are wrong', origin);
    return 'user';
  }

  #trade(asked: URLSearchParams, identity: Identity, field: 'access_token' | 'token'): Reply {
    const service = asked.get('service');
    if (service !== TOKEN_SERVICE) throw new Refusal(400, 'DENIED', `no such service: ${service}`);
    const permissions = new Map<string, Set<string>>();
    const scopes = asked.getAll('scope').flatMap((text) => text.split(' ').filter((scope) => scope !== ''));
    for (const scope of scopes) {
      const [, repository, actions] = /^repository:(.+):([a-z,*]+)$/.exec(scope) ?? [];
      if (repository === undefined || actions === undefined) {
        throw new Refusal(400, 'DENIED', `no scope that is known here: ${scope}`);
      }
      const granted = permissions.get(repository) ?? new Set<string>();
      for (const action of this.#allowed(identity, actions.split(','))) granted.add(action);
      permissions.set(repository, granted);
    }
    const wantsRefresh = asked.get('offline_token') === 'true' || asked.get('access_type') === 'offline';
    return replyJson(200, {
      [field]: this.tokens.issue(permissions).token,
      expires_in: Math.floor(this.tokens.lifetime / 1000),
      issued_at: new Date().toISOString(),
      ...(wantsRefresh && identity === 'user' && { refresh_token: this.#refreshTokens.issue(true).token }),
    });
  }

  #allowed(identity: Identity, asked: readonly string[]): readonly string[] {
    const allowed = identity === 'user' ? ACTIONS : this.#auth.anonymousPull ? ['pull'] : [];
    return asked.includes('*') ? allowed : asked.filter((action) => allowed.includes(action));
  }
}
