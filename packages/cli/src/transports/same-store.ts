import { realpath } from 'node:fs/promises';
import { type DestinationLocation, type ImageLocation, type RegistryLocation, STANDARD_STREAM } from './location.ts';

/** Other names of Docker Hub. */
const DOCKER_HUB_HOSTS: ReadonlySet<string> = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io']);

/** Names of this machine. */
const LOOPBACK_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?=:|$)/;

/**
 * Reports whether two locations are in the same repository, layout or file, also if they are spelled differently: as
 * `docker.io/ubuntu` and `index.docker.io/library/ubuntu`, or through a symbolic link.
 */
export async function isSameStore(source: ImageLocation, destination: DestinationLocation): Promise<boolean> {
  if (source.transport === 'registry' || destination.transport === 'registry') {
    return (
      source.transport === 'registry' &&
      destination.transport === 'registry' &&
      canonicalRepository(source) === canonicalRepository(destination)
    );
  }
  if (source.path === STANDARD_STREAM || destination.path === STANDARD_STREAM) return false;
  const [from, to] = await Promise.all([source.path, destination.path].map((path) => realpath(path).catch(() => {})));
  return from !== undefined && from === to;
}

function canonicalRepository({ host, repository }: RegistryLocation): string {
  const name = host.toLowerCase().replace(/:443$/, '').replace(LOOPBACK_HOST, 'localhost');
  if (!DOCKER_HUB_HOSTS.has(name)) return `${name}/${repository}`;
  return `docker.io/${repository.includes('/') ? repository : `library/${repository}`}`;
}
