import type { RegistryError, RegistryErrorCode } from '@soci/ecr';

/** What a person at the command line can do, where the error's own words do not say it. */
const REMEDIES: { readonly [Code in RegistryErrorCode]?: string } = {
  ACCESS_DENIED: 'Ask with other credentials (--username and --password-stdin, or --authfile), or for the permission.',
  AUTHENTICATION_FAILED:
    "Give credentials: --username and --password-stdin, --authfile, docker login, or for Amazon ECR those of AWS's SDK.",
  CONNECTION_FAILED: 'See that the host and its port are right, and whether a proxy is needed (HTTPS_PROXY).',
  RATE_LIMITED: 'Wait a little, or have requests sent again more often: --retry-times.',
  TAG_IMMUTABLE: 'Choose another tag for DST, or let this one be moved in the settings of the repository.',
  TLS_FAILED:
    'Where it is a certificate of your own, name the authority with --ca-file; where the registry speaks no TLS, say --plain-http.',
};

/** Whether an error is of the client for registries, told without loading it. */
export function isRegistryError(error: unknown): error is RegistryError {
  return error instanceof Error && error.name === 'RegistryError';
}

/** What to do about an error of a registry; undefined where nothing is to be said. */
export function registryRemedy({ code }: Pick<RegistryError, 'code'>): string | undefined {
  return REMEDIES[code];
}
