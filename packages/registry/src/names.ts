import { formatReference, isTag, OciError, parseDigest, parseReference, quoteText } from '@soci/oci';
import { RegistryError } from './errors.ts';

/** Maximum length of a tag, in characters. @see OCI distribution-spec v1.1, "Pulling manifests" */
const MAX_TAG_LENGTH = 128;

/** The name of Docker Hub in references, and the host of its registry. */
const DOCKER_HUB = 'docker.io';
const DOCKER_HUB_REGISTRY = 'registry-1.docker.io';

/**
 * Returns the host that serves a registry: `host` itself, except for Docker Hub.
 *
 * @throws RegistryError `OPTION_INVALID` if `host` is not a host name or address with an optional port
 */
export function registryHost(host: string): string {
  const url = URL.canParse(`https://${host}`) ? new URL(`https://${host}`) : undefined;
  // `url.host` omits the default port 443.
  const isHost = url !== undefined && url.href === `https://${url.host}/` && !/[/@?#\\\s]/.test(host);
  if (!isHost) {
    throw new RegistryError(
      'OPTION_INVALID',
      `${quoteText(host)} is not a registry: expected HOST or HOST:PORT, such as registry.example:5000`,
    );
  }
  return host === DOCKER_HUB ? DOCKER_HUB_REGISTRY : host;
}

/**
 * Returns the name of a repository on its registry. Rejects names that would change the URL path, such as `../other`,
 * `a//b` and `a?b`.
 *
 * @throws OciError `REFERENCE_INVALID`
 */
export function repositoryName(host: string, path: string): string {
  const reference = formatReference({ domain: host, path });
  const parsed = parseReference(reference);
  if (parsed.domain !== host || parsed.path !== path) {
    throw new OciError(
      'REFERENCE_INVALID',
      `${quoteText(path)} is not a repository name: pass the tag or digest separately`,
    );
  }
  return host === DOCKER_HUB && !path.includes('/') ? `library/${path}` : path;
}

/** Checks that `tag` is a valid tag. @throws OciError `REFERENCE_INVALID` */
export function checkTag(tag: string): void {
  if (isTag(tag)) return;
  throw new OciError(
    'REFERENCE_INVALID',
    tag.length > MAX_TAG_LENGTH
      ? `the tag ${quoteText(tag, 40)} exceeds the limit of ${MAX_TAG_LENGTH} characters: choose a shorter tag`
      : `${quoteText(tag)} is not a tag: use letters, digits, "_", "." and "-", and start with a letter, a digit or "_"`,
  );
}

/** Checks that `reference` is a valid tag or digest. @throws OciError `REFERENCE_INVALID`, `DIGEST_INVALID` */
export function checkReference(reference: string): void {
  if (reference.includes(':')) parseDigest(reference);
  else checkTag(reference);
}
