import type { Incoming } from '../http/incoming.ts';
import { Refusal } from '../http/refusal.ts';
import type { Access, Gate } from './gate.ts';
import type { TokenBook } from './token-book.ts';

/** What a token allows: the actions by repository. */
export type Grants = ReadonlyMap<string, ReadonlySet<string>>;

/** Names the registry in challenges and in requests for tokens. */
export const TOKEN_SERVICE = 'test-registry';

/** The path of the token service, on the registry's own port. */
export const TOKEN_PATH = '/token';

/**
 * Lets in who has a token of the token service that allows what is asked.
 *
 * @see distribution, docs/spec/auth/token.md; RFC 6750, section 3
 */
export function bearerGate(tokens: TokenBook<Grants>): Gate {
  return {
    refuse(incoming, access) {
      const token = /^Bearer +(\S+)$/i.exec(incoming.headers.authorization ?? '')?.[1];
      if (token === undefined) return challenge(incoming, access, 'authentication required');
      const found = tokens.find(token);
      if (found.kind !== 'valid') return challenge(incoming, access, 'the token is invalid', 'invalid_token');
      const isAllowed = access.every(({ repository, actions }) =>
        actions.every((action) => found.value.get(repository)?.has(action)),
      );
      return isAllowed ? undefined : challenge(incoming, access, 'the token does not allow this', 'insufficient_scope');
    },
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
