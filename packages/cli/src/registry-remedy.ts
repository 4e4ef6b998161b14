import type { RegistryError, RegistryErrorCode } from '@soci/registry';

/** The options of the command line that help: what else is to be done the errors say themselves. */
const REMEDIES: { readonly [Code in RegistryErrorCode]?: string } = {
  ACCESS_DENIED: 'Other credentials are given with --username NAME --password-stdin, or with --authfile FILE.',
  AUTHENTICATION_FAILED: 'Credentials are given with --username NAME --password-stdin, or with --authfile FILE.',
  CONNECTION_FAILED: 'Behind a proxy set HTTPS_PROXY; for a registry without TLS say --plain-http.',
  RATE_LIMITED: 'Wait a little, or have requests sent again more often with --retry-times N.',
  TLS_FAILED: 'A certificate authority is named with --ca-file FILE; for a registry without TLS say --plain-http.',
};

/** Whether an error is of the client for registries, told without loading it. */
export function isRegistryError(error: unknown): error is RegistryError {
  return error instanceof Error && error.name === 'RegistryError';
}

/** What to do about an error of a registry; undefined where nothing is to be said. */
export function registryRemedy({ code }: Pick<RegistryError, 'code'>): string | undefined {
  return REMEDIES[code];
}
