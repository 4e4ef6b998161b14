import { isDigest, parseReference, quoteText } from '@soci/oci';
import { RegistryJobsError } from '../errors.ts';

/** Images that must not be deleted. */
export interface ImagesInUse {
  /**
   * Digests of manifests, or of configurations. They apply to all repositories. The values are the repositories that the
   * digest was named with; empty if it was named alone.
   */
  readonly digests: ReadonlyMap<string, ReadonlySet<string>>;
  /** Tags in the form `repository:tag`. They apply to what the tag leads to now. */
  readonly tags: ReadonlySet<string>;
}

/** No image is in use. Pass it only if the user says so. */
export const NOTHING_IN_USE: ImagesInUse = { digests: new Map(), tags: new Set() };

/** Maximum length of a list of images in use, in characters. */
const MAX_LENGTH = 64 << 20;

/** Prefixes that Kubernetes adds to the image ID of a container. */
const RUNTIME_PREFIX = /^(?:docker-pullable|docker|containerd|cri-o):\/\//;

/**
 * Parses a list of images in use: references or digests, separated by white space. A `#` starts a comment. Accepts the
 * image IDs of Kubernetes, such as `docker-pullable://host/repository@sha256:...`, and `docker://sha256:...`.
 *
 * A digest protects the image in all repositories. A reference without a digest protects what its tag (default `latest`)
 * leads to in the repository of this name. The host is ignored, because an image can be pulled through a mirror.
 *
 * @param name - Name of the list, for error messages.
 * @throws RegistryJobsError `IN_USE_INVALID` with the line of an invalid entry, or if the list is empty: a command that
 * fails writes an empty file.
 */
export function parseImagesInUse(text: string, name: string): ImagesInUse {
  if (text.length > MAX_LENGTH) {
    throw new RegistryJobsError('IN_USE_INVALID', `${name} has more than ${MAX_LENGTH} characters`);
  }
  const digests = new Map<string, Set<string>>();
  const tags = new Set<string>();
  for (const [index, line] of text.split('\n').entries()) {
    for (const word of line.replace(/(?:^|\s)#.*/, '').split(/\s+/)) {
      if (word === '') continue;
      const { path, tag, digest } = parseEntry(word, `${name}, line ${index + 1}`);
      if (digest === undefined) tags.add(`${path}:${tag}`);
      else digests.set(digest, new Set([...(digests.get(digest) ?? []), ...(path === undefined ? [] : [path])]));
    }
  }
  if (digests.size + tags.size > 0) return { digests, tags };
  throw new RegistryJobsError(
    'IN_USE_INVALID',
    `${name} lists no image. Check the command that wrote it. If no image is in use, say so with "none".`,
  );
}

function parseEntry(word: string, position: string): { path?: string; tag?: string; digest?: string } {
  const image = word.replace(RUNTIME_PREFIX, '');
  if (isDigest(image)) return { digest: image };
  try {
    return { tag: 'latest', ...parseReference(image) };
  } catch (cause) {
    const message = `${position}: ${quoteText(word)} is not an image reference or a digest. Fix the line, or start it with #.`;
    throw new RegistryJobsError('IN_USE_INVALID', message, { cause });
  }
}
