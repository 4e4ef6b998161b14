import {
  type CredentialProvider,
  dockerCredentials,
  type Environment,
  type RegistryOptions,
  staticCredentials,
} from '@soci/registry';
import { type EcrCredentialsOptions, ecrCredentials, ecrPublicCredentials } from './ecr-credentials.ts';
import { isEcrPublicHost, parseEcrHost } from './ecr-host.ts';

/**
 * Returns the options of `openRegistry` for a host that may be Amazon ECR: default credentials, and the known
 * properties of ECR hosts, which save requests.
 *
 * ```ts
 * const registry = openRegistry(host, { ...ecrRegistryOptions(host), stallTimeout: 10_000 });
 * ```
 *
 * @param host - Host of any registry. For hosts other than ECR, only the credentials are set.
 * @param credentials - Options of {@link defaultCredentials}.
 * @throws RegistryError `OPTION_INVALID` as {@link defaultCredentials}
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
      // Amazon ECR opens uploads with a separate call (InitiateLayerUpload).
      singlePost: false,
      credentialsHint: `use AWS credentials of account ${registry.account}, or of an account that the repository policy allows`,
    };
  }
  if (!isEcrPublicHost(host)) return {};
  return {
    credentialsHint:
      'pulling needs no credentials; pushing needs AWS credentials that allow ecr-public:GetAuthorizationToken and sts:GetServiceBearerToken',
  };
}

/** Options of {@link defaultCredentials}. */
export interface DefaultCredentialsOptions {
  /** User name for all hosts. Requires `password`. @default none */
  readonly username?: string;
  /** Password of `username`. @default none */
  readonly password?: string;
  /**
   * Path of a credentials file in the format of docker or podman, used instead of their own.
   *
   * @default their own files
   */
  readonly authFile?: string;
  /** Options of the calls to AWS. @default the configuration of the AWS SDK */
  readonly aws?: EcrCredentialsOptions;
  /** Environment variables, for credentials files, proxies and credential helpers. @default `process.env` */
  readonly env?: Environment;
  /** Called if a credential helper is missing or fails. @default `process.emitWarning` */
  readonly onWarning?: (warning: string) => void;
}

/**
 * Returns a provider that looks for credentials in this order:
 *
 * 1. `username` and `password`, if given. Nothing else is used then.
 * 2. For ECR hosts, the AWS SDK, unless `authFile` has credentials for the host. The SDK precedes the files of docker,
 * which usually contain an expired token of `docker login`. If AWS returns none, the files of docker are used.
 * 3. `authFile`, if given, otherwise the files and helpers of docker and podman.
 * 4. None, which suffices for public images.
 *
 * The provider throws RegistryError `CREDENTIALS_INVALID`, and for private ECR registries the errors of
 * {@link ecrCredentials} if no other credentials were found.
 *
 * @throws RegistryError `OPTION_INVALID`
 */
export function defaultCredentials(options: DefaultCredentialsOptions = {}): CredentialProvider {
  const { username, password, authFile, aws = {}, env = process.env, onWarning } = options;
  if (username !== undefined || password !== undefined) return staticCredentials(username ?? '', password ?? '');
  const docker = dockerCredentials({
    env,
    ...(authFile !== undefined && { authFile }),
    ...(onWarning !== undefined && { onWarning }),
  });
  const ecr = ecrCredentials({ env, ...aws });
  const ecrPublic = ecrPublicCredentials({ env, ...aws });
  return async (host, query = {}) => {
    const explicit = authFile === undefined ? undefined : await docker(host, query);
    if (explicit !== undefined) return explicit;
    let failure: unknown;
    try {
      const found = await (isEcrPublicHost(host) ? ecrPublic : ecr)(host, query);
      if (found !== undefined) return found;
    } catch (error) {
      query.signal?.throwIfAborted();
      failure = error;
    }
    const fromDocker = authFile === undefined ? await docker(host, query) : undefined;
    // Pulling from ECR Public needs no AWS credentials, so their lack is not reported.
    if (fromDocker === undefined && failure !== undefined && !isEcrPublicHost(host)) throw failure;
    return fromDocker;
  };
}
