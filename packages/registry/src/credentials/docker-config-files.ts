import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import type { CallOptions } from '@soci/oci';
import { RegistryError } from '../errors.ts';
import { type DockerConfig, parseDockerConfig } from './docker-config.ts';

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Bytes of a configuration of credentials. 1 MiB. */
const MAX_CONFIG_SIZE = 1 << 20;

/**
 * The files in which credentials may lie, in the order in which they are asked, each for what those before it do not
 * have: docker's before podman's, as crane has it (go-containerregistry, pkg/authn/keychain.go), because who has both
 * mostly uses docker, and because a pipeline sets `DOCKER_CONFIG` on purpose. `REGISTRY_AUTH_FILE` stands alone where it
 * is set, as it does for podman and skopeo: who names a file does not want another's credentials used.
 */
export function listDockerConfigFiles(env: Environment): readonly string[] {
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

/**
 * Reads a configuration; undefined where the file is not there.
 *
 * @throws RegistryError `CREDENTIALS_INVALID`, `LIMIT_EXCEEDED`; the signal's reason
 */
export async function readDockerConfig(file: string, options: CallOptions = {}): Promise<DockerConfig | undefined> {
  const { signal } = options;
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    // As a stream, for it may be a pipe: `--authfile <(...)`.
    for await (const chunk of createReadStream(file, signal === undefined ? {} : { signal })) {
      size += (chunk as Buffer).length;
      if (size > MAX_CONFIG_SIZE) break;
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    signal?.throwIfAborted();
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new RegistryError('CREDENTIALS_INVALID', `${file} cannot be read (${code}): it may hold credentials`, {
      cause: error,
    });
  }
  if (size > MAX_CONFIG_SIZE) {
    throw new RegistryError('LIMIT_EXCEEDED', `${file} has more than ${MAX_CONFIG_SIZE} bytes: it is no configuration`);
  }
  return parseDockerConfig(Buffer.concat(chunks).toString('utf8'), file);
}
