import type { PasswordCredentials } from './credentials.ts';

/** The `Authorization` of a name and a password, in UTF-8. RFC 7617 */
export function basicAuthorization({ username, password }: PasswordCredentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
}
