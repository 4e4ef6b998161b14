import { Refusal } from '../http/refusal.ts';
import type { Gate } from './gate.ts';

/** A name and a password. */
export interface BasicCredentials {
  readonly username: string;
  readonly password: string;
}

/** Lets in who knows a name and a password. */
export function basicGate({ username, password }: BasicCredentials): Gate {
  return {
    refuse({ headers, origin }) {
      const given = readBasic(headers.authorization);
      if (given?.username === username && given.password === password) return undefined;
      return unauthorized(given === undefined ? 'authentication required' : 'the credentials are wrong', origin);
    },
  };
}

/** The 401 that asks for Basic credentials. */
export function unauthorized(message: string, origin: string, service = 'test-registry'): Refusal {
  return new Refusal(401, 'UNAUTHORIZED', message, {
    'www-authenticate': `Basic realm="${origin}/",service="${service}"`,
  });
}

/** The name and password of an `Authorization`; undefined where it is no Basic one. @see RFC 7617 */
export function readBasic(authorization: string | undefined): BasicCredentials | undefined {
  const match = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization ?? '');
  if (match === null) return undefined;
  const text = Buffer.from(match[1] as string, 'base64').toString();
  const colon = text.indexOf(':');
  if (colon === -1) return undefined;
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
