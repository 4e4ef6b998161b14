import { isTag, parseReference, type Reference } from '@soci/oci';
import { usageError } from '../errors.ts';

/** An image in a registry. */
export interface RegistryLocation {
  readonly transport: 'registry';
  /** Host of the registry, with its port where one is given. */
  readonly host: string;
  /** Name of the repository within the registry. */
  readonly repository: string;
  readonly tag: string | undefined;
  /** Where it stands beside a tag, it counts. */
  readonly digest: string | undefined;
  /** The location as it was written. */
  readonly text: string;
}

/** What an image without a tag means, to everybody who knows Docker. */
const DEFAULT_TAG = 'latest';

/** Docker's registry, which `docker://` means where no host is named, and the part of it that needs no name either. */
const DOCKER_HUB = 'docker.io';
const DOCKER_LIBRARY = 'library';

/** Longest tag, in characters. @see OCI distribution-spec v1.1, "Pulling manifests" */
const MAX_TAG_LENGTH = 128;

/**
 * Reads `[docker://]HOST/REPO[:TAG][@DIGEST]`. Behind `docker://` a missing host is Docker's, as skopeo has it.
 *
 * @throws CliError `USAGE_INVALID` for a tag that is too long; OciError `REFERENCE_INVALID` for what is no reference.
 */
export function parseRegistryLocation(text: string): RegistryLocation {
  const written = text.replace(/^docker:(\/\/)?/, '');
  checkTagLength(written, text);
  const { domain: host, path: repository, tag, digest } = fillIn(parseReference(written));
  return { transport: 'registry', host, repository, tag, digest, text };
}

/** What a location is read by: its digest, else its tag, else the usual tag. */
export function sourceReference({ tag, digest }: RegistryLocation): string {
  return digest ?? tag ?? DEFAULT_TAG;
}

/**
 * The tag that something written gets; empty where the location gives none: then its digest alone names it.
 *
 * @throws CliError `USAGE_INVALID` where a digest is given, which is not for anybody to choose.
 */
export function destinationTag({ tag, digest, text }: RegistryLocation): string {
  if (digest !== undefined) throw usageError(`${text}: a digest cannot be written to`, 'Give it a tag, or none.');
  return tag ?? '';
}

/** `host.name[:port]/repository...` or `localhost...`: what no sane file name looks like. */
export function looksLikeRegistry(text: string): boolean {
  const host = /^(?:[a-z0-9-]+\.[a-z0-9.-]+|localhost|\[[0-9a-f:]+\]|[a-z0-9-]+(?=:\d))(?::\d+)?\/[a-z0-9]/i;
  return host.test(text) && !/\.tar$/i.test(text);
}

/** The first word is a host only where it looks like one: docker's rule. */
function fillIn({ domain, path, ...version }: Reference): Reference & { readonly domain: string } {
  const isHost =
    domain !== undefined && (/[.:]/.test(domain) || domain === 'localhost' || domain !== domain.toLowerCase());
  const host = isHost ? domain : DOCKER_HUB;
  const whole = domain === undefined || isHost ? path : `${domain}/${path}`;
  const repository = host === DOCKER_HUB && !whole.includes('/') ? `${DOCKER_LIBRARY}/${whole}` : whole;
  return { ...version, domain: host, path: repository };
}

/** A suffix on a tag that was long enough is a mistake that is easily made, and worth more than a grammar's words. */
function checkTagLength(written: string, text: string): void {
  const [named = ''] = written.split('@');
  const tag = named.slice(named.lastIndexOf(':') + 1);
  if (tag.length > MAX_TAG_LENGTH && isTag(tag.slice(0, MAX_TAG_LENGTH)) && /^[\w.-]+$/.test(tag)) {
    throw usageError(
      `${text}: the tag has ${tag.length} characters, and a registry takes ${MAX_TAG_LENGTH}`,
      'Choose a shorter one.',
    );
  }
}
