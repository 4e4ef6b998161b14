import { formatReference, isTag, OciError, parseDigest, parseReference } from '@soci/oci';
import { RegistryError } from './errors.ts';

/** Longest tag, in characters. @see OCI distribution-spec v1.1, "Pulling manifests" */
const MAX_TAG_LENGTH = 128;

/** Docker Hub under the name that references use, and where its registry really is. */
const DOCKER_HUB = 'docker.io';
const DOCKER_HUB_REGISTRY = 'registry-1.docker.io';

/**
 * The host that answers for a registry: its own name, but for Docker Hub.
 *
 * @throws RegistryError `OPTION_INVALID` where `host` is no host, with or without a port.
 */
export function registryHost(host: string): string {
  const url = URL.canParse(`https://${host}`) ? new URL(`https://${host}`) : undefined;
  // The port 443 of `host:443` is no part of `url.host`.
  const isHost = url !== undefined && url.href === `https://${url.host}/` && !/[/@?#\\\s]/.test(host);
  if (!isHost) {
    throw new RegistryError(
      'OPTION_INVALID',
      `${JSON.stringify(host.slice(0, 80))} is no registry: give a host and, if need be, a port, such as registry.example:5000`,
    );
  }
  return host === DOCKER_HUB ? DOCKER_HUB_REGISTRY : host;
}

/**
 * The name of a repository as its registry knows it. A name that leads elsewhere as a path (`../other`, `a//b`, `a?b`)
 * is none.
 *
 * @throws OciError `REFERENCE_INVALID`, saying what is wrong with it.
 */
export function repositoryName(host: string, path: string): string {
  const reference = formatReference({ domain: host, path });
  const parsed = parseReference(reference);
  if (parsed.domain !== host || parsed.path !== path) {
    throw new OciError('REFERENCE_INVALID', `${JSON.stringify(path)} is no repository name: give tag and digest apart`);
  }
  return host === DOCKER_HUB && !path.includes('/') ? `library/${path}` : path;
}

/** @throws OciError `REFERENCE_INVALID` where `tag` is none that a registry takes. */
export function checkTag(tag: string): void {
  if (isTag(tag)) return;
  const shown = JSON.stringify(tag.length > MAX_TAG_LENGTH ? `${tag.slice(0, 40)}...` : tag);
  throw new OciError(
    'REFERENCE_INVALID',
    tag.length > MAX_TAG_LENGTH
      ? `the tag ${shown} has ${tag.length} characters: the limit is ${MAX_TAG_LENGTH}; choose a shorter one`
      : `${shown} is no tag: letters, digits, _ . and - are allowed, the last two not first`,
  );
}

/** Checks what becomes part of a path. @throws OciError `REFERENCE_INVALID`, `DIGEST_INVALID` where it is neither tag nor digest */
export function checkReference(reference: string): void {
  if (reference.includes(':')) parseDigest(reference);
  else checkTag(reference);
}
