import type { Incoming } from '../http/incoming.ts';
import type { Reply } from '../http/reply.ts';
import { type AccessPolicy, type BasicCredentials, basicPolicy, ecrPolicy, type TokenStore } from './access-policy.ts';
import { type BearerAuth, bearerPolicy, TOKEN_PATH, TokenService } from './bearer.ts';

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
