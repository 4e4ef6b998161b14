import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import type { CallOptions } from '@soci/oci';
import type { Environment } from '../environment.ts';
import { RegistryError } from '../errors.ts';
import { getHelperCredentials } from './credential-helper.ts';
import type { CredentialProvider, Credentials } from './credentials.ts';
import { canonicalHost, type DockerConfig, findAuth, helperServer, parseDockerConfig } from './docker-config.ts';

/** Options of {@link dockerCredentials}. */
export interface DockerCredentialsOptions {
  /**
   * Path of the only file to read. It must exist.
   *
   * @default `REGISTRY_AUTH_FILE` if set, otherwise docker's config.json, then podman's auth.json
   */
  readonly authFile?: string;
  /** Environment variables, which determine the files and are passed to credential helpers. @default `process.env` */
  readonly env?: Environment;
  /**
   * Called once for each credential helper that is missing or fails. The text quotes the helper's standard error.
   *
   * @default `process.emitWarning`
   */
  readonly onWarning?: (warning: string) => void;
}

/**
 * Returns a provider of the credentials that `docker login`, `podman login` or a credential helper stores. It reads the
 * files on each call, so it finds the credentials of a later login.
 *
 * If a credential helper is missing or fails, the provider warns and tries the next source. Without credentials,
 * requests are anonymous, and fail only if the registry rejects them.
 *
 * The provider throws RegistryError `CREDENTIALS_INVALID` or `LIMIT_EXCEEDED` if a file is invalid, or the signal's
 * reason.
 */
export function dockerCredentials(options: DockerCredentialsOptions = {}): CredentialProvider {
  const { authFile, env = process.env, onWarning = (warning) => process.emitWarning(warning) } = options;
  const warned = new Set<string>();
  const warn = (warning: string) => {
    if (warned.has(warning)) return;
    warned.add(warning);
    onWarning(warning);
  };
  return async (host, { signal, repository } = {}) => {
    const call = signal === undefined ? {} : { signal };
    for (const file of authFile === undefined ? listConfigFiles(env) : [authFile]) {
      const config = await readDockerConfig(file, call);
      if (config === undefined && authFile !== undefined) {
        throw new RegistryError(
          'CREDENTIALS_INVALID',
          `cannot read credentials from ${authFile}: the file does not exist`,
        );
      }
      const found = config && (await findInConfig(config, host, repository, { ...call, env, warn }));
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

/**
 * Finds credentials in docker's order: the helper of the registry, the helper for all registries, the file. Unlike
 * docker, also uses the file if the helper has no credentials, because `podman login` may have written it.
 */
async function findInConfig(
  config: DockerConfig,
  host: string,
  repository: string | undefined,
  { warn, ...options }: CallOptions & { readonly env: Environment; readonly warn: (warning: string) => void },
): Promise<Credentials | undefined> {
  const helper = config.helpers.get(canonicalHost(host)) ?? config.store;
  try {
    const found = helper === undefined ? undefined : await getHelperCredentials(helper, helperServer(host), options);
    if (found !== undefined) return found;
  } catch (error) {
    options.signal?.throwIfAborted();
    if (!(error instanceof RegistryError)) throw error;
    warn(`${error.message}. Trying other credentials, or none`);
  }
  return findAuth(config, host, repository);
}

/** Maximum size of a configuration: 1 MiB. */
const MAX_CONFIG_SIZE = 1 << 20;

/**
 * Returns the paths of the files that may contain credentials, in order of precedence: docker before podman, like crane
 * (go-containerregistry, pkg/authn/keychain.go). Users of both mostly use docker, and pipelines set `DOCKER_CONFIG` on
 * purpose. `REGISTRY_AUTH_FILE` replaces all others, as for podman and skopeo: users who name a file do not want other
 * credentials to be used.
 */
function listConfigFiles(env: Environment): readonly string[] {
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

/** Reads a configuration. Returns undefined if the file does not exist. */
async function readDockerConfig(file: string, call: CallOptions): Promise<DockerConfig | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    // As a stream, because it may be a pipe: `--authfile <(...)`.
    for await (const chunk of createReadStream(file, call)) {
      size += (chunk as Buffer).length;
      if (size > MAX_CONFIG_SIZE) break;
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    call.signal?.throwIfAborted();
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    const problem = `cannot read credentials from ${file} (${code}): check its permissions`;
    throw new RegistryError('CREDENTIALS_INVALID', problem, { cause: error });
  }
  if (size > MAX_CONFIG_SIZE) {
    throw new RegistryError(
      'LIMIT_EXCEEDED',
      `${file} has more than ${MAX_CONFIG_SIZE} bytes: check that it is a docker configuration`,
    );
  }
  return parseDockerConfig(Buffer.concat(chunks).toString('utf8'), file);
}
