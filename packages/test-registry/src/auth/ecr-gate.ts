import { Refusal } from '../http/refusal.ts';
import { readBasic, unauthorized } from './basic-gate.ts';
import type { Gate } from './gate.ts';
import type { TokenBook } from './token-book.ts';

/**
 * Lets in who has a token of `GetAuthorizationToken`, as Basic with the name `AWS`.
 *
 * @param deniesExpired - Answer an expired token with 403 `DENIED`, as ECR does, where other registries say 401.
 */
export function ecrGate(tokens: TokenBook<true>, deniesExpired: boolean): Gate {
  return {
    refuse({ headers, origin }) {
      const given = readBasic(headers.authorization);
      const token = tokens.find(given?.password ?? '');
      if (given?.username === 'AWS' && token.kind === 'valid') return undefined;
      if (token.kind === 'expired' && deniesExpired) {
        // The words that Docker shows as "denied: Your authorization token has expired. ..."
        return new Refusal(403, 'DENIED', 'Your authorization token has expired. Reauthenticate and try again.');
      }
      return unauthorized('Not Authorized', origin, 'ecr.amazonaws.com');
    },
  };
}
