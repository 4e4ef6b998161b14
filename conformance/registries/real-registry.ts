import { readFileSync } from 'node:fs';
import { type CredentialProvider, openRegistry, type Registry, type RegistryOptions } from '@soci/registry';
import { inject, onTestFinished } from 'vitest';
import { LOGIN } from './launch/credentials.ts';
import { REGISTRIES, type RegistryTraits } from './registry-traits.ts';

/** A registry that runs, or that could not be started. */
export interface RealRegistry extends RegistryTraits {
  /** Whether it runs: tests of one that does not are skipped, and the script says what is absent. */
  readonly isRunning: boolean;
  /** Host and port. */
  readonly host: string;
  /** Scheme, host and port. */
  readonly origin: string;
}

/** Every registry, whether it runs or not, so that what is skipped can be seen. */
export function realRegistries(): RealRegistry[] {
  const hosts = inject('hosts');
  return REGISTRIES.map((traits) => {
    const host = hosts[traits.name] ?? 'absent';
    const origin = `${traits.hasTls ? 'https' : 'http'}://${host}`;
    return { ...traits, isRunning: hosts[traits.name] !== undefined, host, origin };
  });
}

/** The certificate to trust, PEM; undefined where none was made. */
export function trustedCertificate(): string | undefined {
  const file = inject('certificate');
  return file === undefined ? undefined : readFileSync(file, 'utf8');
}

/** The environment by which the oracles, Go programs all, know login and certificate. */
export function oracleEnvironment(): Record<string, string> {
  const dockerConfig = inject('dockerConfig');
  const certificate = inject('certificate');
  return {
    DOCKER_CONFIG: dockerConfig.replace(/\/[^/]+$/, ''),
    REGISTRY_AUTH_FILE: dockerConfig,
    ...(certificate === undefined ? {} : { SSL_CERT_FILE: certificate }),
  };
}

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
