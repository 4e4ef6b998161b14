import { readFileSync } from 'node:fs';
import { type CredentialProvider, openRegistry, type Registry, type RegistryOptions } from '@soci/registry';
import { inject, onTestFinished } from 'vitest';
import { LOGIN } from './launch/credentials.ts';
import { REGISTRIES, type RegistryTraits } from './registry-traits.ts';

/** A registry that runs, or that could not be started. */
export interface RealRegistry extends RegistryTraits {
  /** Whether it runs. If not, its tests are skipped, and the script prints what is missing. */
  readonly isRunning: boolean;
  /** Host and port. */
  readonly host: string;
  /** Scheme, host and port. */
  readonly origin: string;
}

/** All registries, running or not, so that skipped tests are visible. */
export function realRegistries(): RealRegistry[] {
  const hosts = inject('hosts');
  return REGISTRIES.map((traits) => {
    const host = hosts[traits.name] ?? 'absent';
    const origin = `${traits.hasTls ? 'https' : 'http'}://${host}`;
    return { ...traits, isRunning: hosts[traits.name] !== undefined, host, origin };
  });
}

/** The certificate to trust, as PEM. Undefined without openssl. */
export function trustedCertificate(): string | undefined {
  const file = inject('certificate');
  return file === undefined ? undefined : readFileSync(file, 'utf8');
}

/** Environment with the login and the certificate for the oracles, which are Go programs. */
export function oracleEnvironment(): Record<string, string> {
  const dockerConfig = inject('dockerConfig');
  const certificate = inject('certificate');
  return {
    DOCKER_CONFIG: dockerConfig.replace(/\/[^/]+$/, ''),
    REGISTRY_AUTH_FILE: dockerConfig,
    ...(certificate === undefined ? {} : { SSL_CERT_FILE: certificate }),
  };
}

/** Sends the login to every registry, also to those that do not ask for one. */
const credentials: CredentialProvider = async () => ({ kind: 'password', ...LOGIN });

/** Opens a registry with our client for the current test. */
export function openClient({ host, hasTls }: RealRegistry, options: RegistryOptions = {}): Registry {
  const ca = trustedCertificate();
  const trust = hasTls && ca !== undefined ? { ca } : {};
  const registry = openRegistry(host, { credentials, ...trust, ...options });
  onTestFinished(() => registry.close());
  return registry;
}
