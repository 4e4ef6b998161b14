import type { RegistryOptions } from '@soci/registry';
import { type DefaultCredentialsOptions, defaultCredentials } from './default-credentials.ts';
import { isEcrPublicHost, parseEcrHost } from './ecr-host.ts';

/**
 * Returns the options with which `openRegistry` of `@soci/registry` opens a host that may be Amazon ECR: the credentials
 * that people expect, and for ECR what is known about it, so that no request is spent to learn that.
 *
 * ```ts
 * const registry = openRegistry(host, { ...ecrRegistryOptions(host), stallTimeout: 10_000 });
 * ```
 *
 * @param host - Any registry's host. For others than ECR only the credentials are set.
 * @param credentials - Options of {@link defaultCredentials}.
 * @throws RegistryError `OPTION_INVALID` as {@link defaultCredentials}.
 */
export function ecrRegistryOptions(
  host: string,
  credentials: DefaultCredentialsOptions = {},
): Pick<RegistryOptions, 'authScheme' | 'credentials' | 'credentialsHint' | 'singlePost'> {
  return { credentials: defaultCredentials(credentials), ...describeEcr(host) };
}

function describeEcr(host: string): Omit<RegistryOptions, 'credentials'> {
  const registry = parseEcrHost(host);
  if (registry !== undefined) {
    return {
      authScheme: 'basic',
      // Opening an upload is a call of its own (InitiateLayerUpload).
      singlePost: false,
      credentialsHint: `check that the AWS credentials are those of account ${registry.account}, or of one that its repository policy lets in`,
    };
  }
  if (!isEcrPublicHost(host)) return {};
  return {
    credentialsHint:
      'pulling needs none; pushing needs AWS credentials with ecr-public:GetAuthorizationToken and sts:GetServiceBearerToken',
  };
}
