import { realpath } from 'node:fs/promises';
import { OciError } from '@soci/oci';
import { ANNOTATION_REF_NAME } from '@soci/oci/layout';
import { CliError, usageError } from '../errors.ts';
import type { ImageSource } from '../transports/layout-stores.ts';
import {
  type DestinationLocation,
  type ImageLocation,
  parseLocation,
  type RegistryLocation,
  STANDARD_STREAM,
} from '../transports/location.ts';

/** A tag that a suffix was added to twice, such as `v1-soci-soci`. */
const REPEATED_SUFFIX = /(?:[-_.]soci){2,}$/i;

/**
 * Rejects tags such as `v1-soci-soci`: a script has added the suffix to the tag of an image that is indexed already.
 *
 * @throws CliError `USAGE_INVALID`
 */
export function checkSuffix(tags: readonly string[]): void {
  const repeated = tags.find((tag) => REPEATED_SUFFIX.test(tag));
  if (repeated === undefined) return;
  const original = repeated.replace(REPEATED_SUFFIX, '');
  throw usageError(
    `the tag ${repeated} has the suffix of an indexed image more than once`,
    `Index the image ${original}, or name the result ${original}-soci, or otherwise.`,
  );
}

/** A name with the suffix of an indexed image. */
const SUFFIXED = /^[-_.]soci$/i;

/**
 * Rejects a name that a script made by adding a suffix, such as `$IMAGE-soci`, to a name that does not end with a tag.
 *
 * @param source - SRC as on the command line.
 * @param destination - DST as on the command line.
 * @throws CliError `USAGE_INVALID`
 */
export function checkSuffixedName(source: string, destination: string): void {
  if (!destination.startsWith(source) || !SUFFIXED.test(destination.slice(source.length))) return;
  const suffix = destination.slice(source.length);
  if (source.trim() === '') {
    throw usageError('SRC is empty', 'Set the variable of your script to the image, such as registry.example/app:v1.');
  }
  if (source.includes('@')) {
    throw usageError(
      `${destination}: a digest cannot have the suffix ${suffix}`,
      `Name the new image by a tag: ${source.replace(/(:[^:/@]*)?@.*/, '')}:TAG${suffix}`,
    );
  }
  if (/:[^/]*$/.test(source) || parseLocation(source).transport !== 'registry') return;
  throw usageError(
    `${destination} is another repository, because ${source} has no tag`,
    `Write ${source}:latest ${source}:latest${suffix}. For that repository, add a tag: ${destination}:latest`,
  );
}

/** What {@link checkSourceKept} needs to know. */
export interface OverwriteCheck {
  readonly version: 1 | 2;
  readonly source: ImageLocation;
  readonly destination: DestinationLocation;
  /** Tags of the result. */
  readonly tags: readonly string[];
  /** Aborts requests to the registry. */
  readonly signal: AbortSignal;
}

/**
 * Checks that the result does not replace the image that it is made of. The caller knows that both locations are in the
 * same repository, layout or file.
 *
 * @throws CliError `TAG_TAKEN` if a tag of the result is that of the source, or if the result replaces the file of the source.
 */
export async function checkSourceKept(
  { store, reference }: ImageSource,
  { version, source, destination, tags, signal }: OverwriteCheck,
): Promise<void> {
  const remedy = 'Choose another name for DST, or overwrite the image with --overwrite-source.';
  if (destination.transport === 'oci-archive') {
    throw new CliError('TAG_TAKEN', `${destination.text} would replace the file of ${source.text}`, { remedy });
  }
  // An image that does not change can keep its tag.
  if (version === 1) return;
  for (const tag of tags) {
    let isTaken: boolean;
    if (typeof reference !== 'string') isTaken = reference.annotations?.[ANNOTATION_REF_NAME] === tag;
    else if (source.transport === 'registry' && source.digest === undefined) isTaken = reference === tag;
    else {
      // An image that is named by its digest loses the tag that names it, and the registry may delete it.
      const named = await store.resolve(tag, { signal }).catch((error: unknown) => {
        if (!(error instanceof OciError && error.code === 'NOT_FOUND')) throw error;
        return undefined;
      });
      isTaken = named?.digest === reference;
    }
    if (isTaken) throw new CliError('TAG_TAKEN', `the tag ${tag} names the source image ${source.text}`, { remedy });
  }
}

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
