import { RegistryError } from '../errors.ts';
import type { CredentialProvider } from './credentials.ts';

/**
 * Gives the same name and password to every registry.
 *
 * @throws RegistryError `OPTION_INVALID` where one is empty, or could not be told from the other
 */
export function staticCredentials(username: string, password: string): CredentialProvider {
  if (username === '' || password === '') {
    throw new RegistryError('OPTION_INVALID', 'a name and a password are needed together, neither of them empty');
  }
  if (username.includes(':')) throw new RegistryError('OPTION_INVALID', 'a name to log in with holds no colon');
  return async () => ({ kind: 'password', username, password });
}
