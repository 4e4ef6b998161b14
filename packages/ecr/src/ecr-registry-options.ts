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

/** Options of {@link defaultCredentials}. */
export interface DefaultCredentialsOptions {
  /** A name to log in with, everywhere; `password` must be there too. @default none */
  readonly username?: string;
  /** The password of `username`. @default none */
  readonly password?: string;
  /** A file as docker's config.json or podman's auth.json, in place of their own. @default theirs, where they keep it */
  readonly authFile?: string;
  /** How AWS is asked for ECR's tokens. @default as the AWS SDK is configured */
  readonly aws?: EcrCredentialsOptions;
  /** Where files and proxies are named, and what credential helpers are given. @default `process.env` */
  readonly env?: Environment;
}

/**
 * Finds credentials as people expect it:
 *
 * 1. A name and password given: nothing else is looked at, for whoever gives them means them.
 * 2. For ECR the AWS SDK, unless `authFile` has something for the host. Before docker's files, for what stands there of ECR
 *    is mostly a token of `docker login` that ended after 12 hours. Where AWS gives none, docker's files still may.
 * 3. `authFile` alone where it is given, else the files and helpers of docker and podman.
 * 4. None: public images need none.
 *
 * Its provider throws RegistryError `CREDENTIALS_INVALID`; for private ECR what `ecrCredentials` throws, where nothing else was found.
 *
 * @throws RegistryError `OPTION_INVALID`
 */
export function defaultCredentials(options: DefaultCredentialsOptions = {}): CredentialProvider {
  const { username, password, authFile, aws = {}, env = process.env } = options;
  if (username !== undefined || password !== undefined) return staticCredentials(username ?? '', password ?? '');
  const docker = dockerCredentials({ env, ...(authFile !== undefined && { authFile }) });
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
    const kept = authFile === undefined ? await docker(host, query) : undefined;
    // Whoever pulls from ECR Public needs no AWS credentials, and is not told of their lack.
    if (kept === undefined && failure !== undefined && !isEcrPublicHost(host)) throw failure;
    return kept;
  };
}
