import { isTag, parseReference, type Reference } from '@soci/oci';
import { CliError, usageError } from '../errors.ts';

/** Where an image is, as the command line names it. */
export type ImageLocation = LayoutLocation | RegistryLocation;

/** An image in an OCI image layout: a folder, or the same in a tar file. */
export interface LayoutLocation {
  readonly transport: 'oci' | 'oci-archive';
  /** Folder or file. */
  readonly path: string;
  /** Name of the image in that place: `org.opencontainers.image.ref.name`; or `@N`, the image at position N of its list. */
  readonly reference: string | undefined;
  /** The location as it was written. */
  readonly text: string;
}

/** How an image is named, for `--help`. */
export const IMAGE_FORMS = '[docker://]HOST/REPO[:TAG], oci:DIR[:TAG] or oci-archive:FILE[:TAG]';

/**
 * A reference, as containers/image checks it: words of letters and digits, set apart by one of `- . _ : @ + /` or by `--`.
 *
 * @see OCI image-spec v1.1, annotations.md, `org.opencontainers.image.ref.name`
 */
const REFERENCE = /^[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*(?:\/[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*)*$/;
const POSITION = /^@\d{1,6}$/;

const LAYOUT_TRANSPORTS = ['oci', 'oci-archive'] as const;

/** Transports of skopeo that this program does not have, so that it can say so instead of taking them for a file name. */
const OTHER_TRANSPORTS: ReadonlySet<string> = new Set([
  'containers-storage',
  'dir',
  'docker-archive',
  'docker-daemon',
  'ostree',
  'sif',
  'tarball',
]);

/**
 * Reads a location as skopeo does. `oci:PATH[:REFERENCE]` and `oci-archive:`: the first colon ends the transport, the
 * next one the path, and what follows is the reference, colons and all. (On Windows a drive's colon belongs to the path.)
 * A path with a colon in it cannot be written; change into its folder and name it from there. An image in a registry
 * needs no `docker://` where its host is one without doubt: with a dot or a port, or `localhost`.
 *
 * @throws CliError `TRANSPORT_UNSUPPORTED` for what else skopeo knows, `USAGE_INVALID` for what has no meaning at all;
 * OciError `REFERENCE_INVALID`.
 */
export function parseLocation(text: string, platform: NodeJS.Platform = process.platform): ImageLocation {
  const colon = text.indexOf(':');
  const transport = LAYOUT_TRANSPORTS.find((name) => name === text.slice(0, Math.max(0, colon)));
  if (transport !== undefined) return parseLayoutLocation(transport, text, platform);
  const scheme = /^([a-z-]+):/.exec(text)?.[1] ?? '';
  if (OTHER_TRANSPORTS.has(scheme)) {
    throw new CliError('TRANSPORT_UNSUPPORTED', `${text}: images are not read from or written to ${scheme}:`, {
      remedy: 'Supported: docker://, oci:, oci-archive:. skopeo copies between them all.',
    });
  }
  if (scheme === 'docker' || looksLikeRegistry(text)) return parseRegistryLocation(text);
  const likely = /\.tar$/i.test(text) ? 'oci-archive' : 'oci';
  throw usageError(
    `${text} does not say where it is`,
    `Did you mean ${likely}:${text}? An image in a registry is written HOST/REPO[:TAG], or docker://REPO[:TAG].`,
  );
}

function parseLayoutLocation(
  transport: LayoutLocation['transport'],
  text: string,
  platform: NodeJS.Platform,
): LayoutLocation {
  const { path, reference } = splitReference(text.slice(transport.length + 1), platform);
  if (path === '') {
    throw usageError(
      `${text}: no ${transport === 'oci' ? 'folder' : 'file'} is named`,
      `Write ${transport}:PATH[:TAG].`,
    );
  }
  if (reference !== undefined && !REFERENCE.test(reference) && !POSITION.test(reference)) {
    throw usageError(
      `${text}: ${JSON.stringify(reference)} is no reference`,
      `After the second colon stands the image's name in the layout, such as latest, or its position, such as @0.`,
    );
  }
  return { transport, path, reference, text };
}

function splitReference(rest: string, platform: NodeJS.Platform): { path: string; reference: string | undefined } {
  const drive = platform === 'win32' && /^[A-Za-z]:[\\/]/.test(rest) ? 2 : 0;
  const colon = rest.indexOf(':', drive);
  if (colon === -1) return { path: rest, reference: undefined };
  return { path: rest.slice(0, colon), reference: rest.slice(colon + 1) || undefined };
}

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

/**
 * Returns the tag, or the name in a layout, that a written image gets; empty if the location has none.
 *
 * @throws CliError `USAGE_INVALID` for a digest or a position, which cannot be chosen.
 */
export function destinationName(location: ImageLocation): string {
  const { text } = location;
  if (location.transport === 'registry') {
    if (location.digest !== undefined) {
      throw usageError(`${text}: a digest cannot be written to`, 'Give it a tag, or none.');
    }
    return location.tag ?? '';
  }
  if (location.reference?.startsWith('@')) {
    throw usageError(`${text}: a position cannot be written to`, 'Give it a tag, or none.');
  }
  return location.reference ?? '';
}

/** `host.name[:port]/repository...` or `localhost...`: what no sane file name looks like. */
function looksLikeRegistry(text: string): boolean {
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
