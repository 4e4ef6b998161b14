import type { Incoming } from '../http/incoming.ts';
import type { Reply } from '../http/reply.ts';
import { type BasicCredentials, basicGate } from './basic-gate.ts';
import { bearerGate, TOKEN_PATH } from './bearer-gate.ts';
import { ecrGate } from './ecr-gate.ts';
import { type Gate, openGate } from './gate.ts';
import type { TokenBook } from './token-book.ts';
import { type BearerAuth, TokenService } from './token-service.ts';

/** Whom the registry lets in. */
export type AuthOption = BasicCredentials | BearerAuth | 'ecr' | 'none';

/** Everything about who may come in. */
export interface Door {
  readonly gate: Gate;
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
export function makeDoor(auth: AuthOption, ecrTokens: TokenBook<true>, isEcr: boolean): Door {
  const common = { handle: () => undefined, expireTokens: () => ecrTokens.expireAll() };
  if (auth === 'none') return { ...common, gate: openGate, credentials: () => NOBODY };
  if (auth === 'ecr') {
    const issue = () => ({ username: 'AWS', password: ecrTokens.issue(true).token });
    return { ...common, gate: ecrGate(ecrTokens, isEcr), credentials: issue };
  }
  if ('username' in auth) return { ...common, gate: basicGate(auth), credentials: () => auth };
  const service = new TokenService(auth.bearer, ecrTokens.lifetime);
  return {
    gate: bearerGate(service.tokens),
    credentials: () => auth.bearer.user ?? NOBODY,
    handle: (incoming) => (incoming.path === TOKEN_PATH ? service.handle(incoming) : undefined),
    expireTokens: () => {
      ecrTokens.expireAll();
      service.tokens.expireAll();
    },
  };
}
