import type { CallOptions } from '@soci/oci';
import { RegistryError } from '../errors.ts';
import { askCredentialHelper } from './credential-helper.ts';
import type { CredentialProvider, Credentials } from './credentials.ts';
import { canonicalHost, type DockerConfig, findAuth, helperServer } from './docker-config.ts';
import { type Environment, listDockerConfigFiles, readDockerConfig } from './docker-config-files.ts';

/** Options of {@link dockerCredentials}. */
export interface DockerCredentialsOptions {
  /** The one file to look in. It must be there. @default docker's and podman's own, see {@link listDockerConfigFiles} */
  readonly authFile?: string;
  /** Where the files are named, and what helper programs are given. @default `process.env` */
  readonly env?: Environment;
}

/**
 * Finds the credentials that `docker login`, `podman login` or a credential helper keeps. The files are read each time:
 * whoever logs in again while we run is found.
 *
 * Its provider throws RegistryError `CREDENTIALS_INVALID`, `LIMIT_EXCEEDED` or `STALLED`, or the signal's reason.
 */
export function dockerCredentials(options: DockerCredentialsOptions = {}): CredentialProvider {
  const { authFile, env = process.env } = options;
  return async (host, { signal, repository } = {}) => {
    const call = signal === undefined ? {} : { signal };
    for (const file of authFile === undefined ? listDockerConfigFiles(env) : [authFile]) {
      const config = await readDockerConfig(file, call);
      if (config === undefined && authFile !== undefined) {
        throw new RegistryError('CREDENTIALS_INVALID', `there is no file ${authFile} to read credentials from`);
      }
      const found = config && (await findInConfig(config, host, repository, { ...call, env }));
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

/**
 * In docker's order: the registry's own helper, the helper for all, the file. Other than docker's, a file's entry counts
 * where the helper has none: `podman login` may have written it.
 */
async function findInConfig(
  config: DockerConfig,
  host: string,
  repository: string | undefined,
  options: CallOptions & { readonly env: Environment },
): Promise<Credentials | undefined> {
  const helper = config.helpers.get(canonicalHost(host)) ?? config.store;
  const kept = helper === undefined ? undefined : await askCredentialHelper(helper, helperServer(host), options);
  return kept ?? findAuth(config, host, repository);
}
