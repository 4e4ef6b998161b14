import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import type { CallOptions } from '@soci/oci';
import type { Environment } from '../environment.ts';
import { RegistryError } from '../errors.ts';
import { askCredentialHelper } from './credential-helper.ts';
import type { CredentialProvider, Credentials } from './credentials.ts';
import { canonicalHost, type DockerConfig, findAuth, helperServer, parseDockerConfig } from './docker-config.ts';

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

/** Bytes of a configuration of credentials. 1 MiB. */
const MAX_CONFIG_SIZE = 1 << 20;

/**
 * The files in which credentials may lie, in the order in which they are asked, each for what those before it do not
 * have: docker's before podman's, as crane has it (go-containerregistry, pkg/authn/keychain.go), because who has both
 * mostly uses docker, and because a pipeline sets `DOCKER_CONFIG` on purpose. `REGISTRY_AUTH_FILE` stands alone where it
 * is set, as it does for podman and skopeo: who names a file does not want another's credentials used.
 */
function listDockerConfigFiles(env: Environment): readonly string[] {
  const { REGISTRY_AUTH_FILE, DOCKER_CONFIG, XDG_RUNTIME_DIR, XDG_CONFIG_HOME, HOME, USERPROFILE } = env;
  if (REGISTRY_AUTH_FILE) return [REGISTRY_AUTH_FILE];
  const home = HOME || USERPROFILE;
  const docker = DOCKER_CONFIG || (home && join(home, '.docker'));
  const settings = XDG_CONFIG_HOME || (home && join(home, '.config'));
  return [
    docker && join(docker, 'config.json'),
    XDG_RUNTIME_DIR && join(XDG_RUNTIME_DIR, 'containers', 'auth.json'),
    settings && join(settings, 'containers', 'auth.json'),
  ].filter((file) => file !== undefined && file !== '') as readonly string[];
}

/** Reads a configuration; undefined where the file is not there. */
async function readDockerConfig(file: string, call: CallOptions): Promise<DockerConfig | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    // As a stream, for it may be a pipe: `--authfile <(...)`.
    for await (const chunk of createReadStream(file, call)) {
      size += (chunk as Buffer).length;
      if (size > MAX_CONFIG_SIZE) break;
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    call.signal?.throwIfAborted();
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    const problem = `${file} cannot be read (${code}): it may hold credentials`;
    throw new RegistryError('CREDENTIALS_INVALID', problem, { cause: error });
  }
  if (size > MAX_CONFIG_SIZE) {
    throw new RegistryError('LIMIT_EXCEEDED', `${file} has more than ${MAX_CONFIG_SIZE} bytes: it is no configuration`);
  }
  return parseDockerConfig(Buffer.concat(chunks).toString('utf8'), file);
}
