import { type CredentialProvider, openRegistry, type Registry, type RegistryOptions } from '@soci/registry';
import { onTestFinished } from 'vitest';
import { LOGIN } from './launch/login.ts';
import { type RealRegistry, trustedCertificate } from './real-registry.ts';

/** Gives every registry the login that it knows, and those that ask for none, too. */
const credentials: CredentialProvider = async () => ({ kind: 'password', ...LOGIN });

/** Opens a registry with our client, for the test that runs. */
export function openClient({ host, hasTls }: RealRegistry, options: RegistryOptions = {}): Registry {
  const ca = trustedCertificate();
  const trust = hasTls && ca !== undefined ? { ca } : {};
  const registry = openRegistry(host, { credentials, ...trust, ...options });
  onTestFinished(() => registry.close());
  return registry;
}
