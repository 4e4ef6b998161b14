import { isTag, parseReference, quoteText, type Reference } from '@soci/oci';
import { CliError, usageError } from '../errors.ts';

/** Location of an image, parsed from the command line. */
export type ImageLocation = LayoutLocation | RegistryLocation;

/** An image in an OCI image layout, in a directory or a tar file. */
export interface LayoutLocation {
  readonly transport: 'oci' | 'oci-archive';
  /** Path of the directory or tar file. */
  readonly path: string;
  /** Tag in the layout (`org.opencontainers.image.ref.name`), digest, or `@N` for position N in `index.json`. */
  readonly reference: string | undefined;
  /** The location as on the command line. */
  readonly text: string;
}

/** Forms of an image name, for `--help`. */
export const IMAGE_FORMS = '[docker://]HOST/REPO[:TAG], oci:DIR[:TAG] or oci-archive:FILE[:TAG]';

/**
 * A tag in a layout, as containers/image checks it: letters and digits, separated by one of `- . _ : @ + /` or by `--`.
 *
 * @see OCI image-spec v1.1, annotations.md, `org.opencontainers.image.ref.name`
 */
const REFERENCE = /^[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*(?:\/[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*)*$/;
const POSITION = /^@\d{1,6}$/;

/** A transport, for shells that complete image names. */
export interface ImageTransport {
  readonly prefix: string;
  readonly meaning: string;
  /** What the path after the prefix refers to. */
  readonly paths: 'none' | 'file' | 'directory';
  /** Whether images can be written with it. */
  readonly isDestination: boolean;
}

/** All transports. */
export const IMAGE_TRANSPORTS: readonly ImageTransport[] = [
  { prefix: 'docker://', meaning: 'image in a registry', paths: 'none', isDestination: true },
  { prefix: 'oci:', meaning: 'OCI image layout directory', paths: 'directory', isDestination: true },
  { prefix: 'oci-archive:', meaning: 'tar file of an OCI image layout', paths: 'file', isDestination: true },
];

const LAYOUT_TRANSPORTS = ['oci', 'oci-archive'] as const;

/** Transports that skopeo supports and this program does not. */
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
 * Parses a location like skopeo. In `oci:PATH[:TAG]` and `oci-archive:PATH[:TAG]`, the first colon ends the transport and
 * the second one the path. The rest is the tag, which can have colons. The path cannot have colons, except after a drive
 * letter on Windows. `docker://` is optional if the host has a dot or a port, or is `localhost`.
 *
 * @throws CliError `TRANSPORT_UNSUPPORTED` for other transports of skopeo, `USAGE_INVALID` for any other text; OciError
 * `REFERENCE_INVALID` for an invalid registry reference.
 */
export function parseLocation(text: string, platform: NodeJS.Platform = process.platform): ImageLocation {
  const colon = text.indexOf(':');
  const transport = LAYOUT_TRANSPORTS.find((name) => name === text.slice(0, Math.max(0, colon)));
  if (transport !== undefined) return parseLayoutLocation(transport, text, platform);
  const scheme = /^([a-z-]+):/.exec(text)?.[1] ?? '';
  if (OTHER_TRANSPORTS.has(scheme)) {
    throw new CliError('TRANSPORT_UNSUPPORTED', `${text}: unsupported transport ${scheme}:`, {
      remedy: 'Use docker://, oci: or oci-archive:. Use skopeo to copy the image from another transport.',
    });
  }
  if (scheme === 'docker' || looksLikeRegistry(text)) return parseRegistryLocation(text);
  const likely = /\.tar$/i.test(text) ? 'oci-archive' : 'oci';
  throw usageError(
    `${text}: missing transport or registry host`,
    `Did you mean ${likely}:${text}? For an image in a registry, write HOST/REPO[:TAG] or docker://REPO[:TAG].`,
  );
}

function parseLayoutLocation(
  transport: LayoutLocation['transport'],
  text: string,
  platform: NodeJS.Platform,
): LayoutLocation {
  const { path, reference } = splitReference(text.slice(transport.length + 1), platform);
  if (path === '') {
    throw usageError(`${text}: missing path`, `Write ${transport}:PATH[:TAG].`);
  }
  if (reference !== undefined && !REFERENCE.test(reference) && !POSITION.test(reference)) {
    throw usageError(
      `${text}: ${quoteText(reference)} is not a tag or position`,
      'After the second colon, write a tag such as latest, or a position such as @0.',
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
  /** Host of the registry, with its port if given. */
  readonly host: string;
  /** Name of the repository in the registry. */
  readonly repository: string;
  readonly tag: string | undefined;
  /** Takes precedence over the tag. */
  readonly digest: string | undefined;
  /** The location as on the command line. */
  readonly text: string;
}

/** Host and namespace that `docker://` implies for a name without a host. */
const DOCKER_HUB = 'docker.io';
const DOCKER_LIBRARY = 'library';

/** Maximum length of a tag, in characters. @see OCI distribution-spec v1.1, "Pulling manifests" */
const MAX_TAG_LENGTH = 128;

/**
 * Parses `[docker://]HOST/REPO[:TAG][@DIGEST]`. After `docker://`, the default host is Docker Hub, as in skopeo.
 *
 * @throws CliError `USAGE_INVALID` for a tag that is too long; OciError `REFERENCE_INVALID` for an invalid reference.
 */
export function parseRegistryLocation(text: string): RegistryLocation {
  const reference = text.replace(/^docker:(\/\/)?/, '');
  checkTagLength(reference, text);
  const { domain: host, path: repository, tag, digest } = applyDockerDefaults(parseReference(reference));
  return { transport: 'registry', host, repository, tag, digest, text };
}

/**
 * Returns the tag for the image at a destination, or an empty string if the location has none.
 *
 * @throws CliError `USAGE_INVALID` for a digest or a position.
 */
export function destinationTag(location: ImageLocation): string {
  const { text } = location;
  if (location.transport === 'registry') {
    if (location.digest !== undefined) {
      throw usageError(`${text}: DST cannot be a digest`, 'Use a tag, or no tag.');
    }
    return location.tag ?? '';
  }
  if (location.reference?.startsWith('@')) {
    throw usageError(`${text}: DST cannot be a position`, 'Use a tag, or no tag.');
  }
  return location.reference ?? '';
}

/** Reports whether a string starts with a registry host: with a dot or a port, or `localhost`. */
function looksLikeRegistry(text: string): boolean {
  const host = /^(?:[a-z0-9-]+\.[a-z0-9.-]+|localhost|\[[0-9a-f:]+\]|[a-z0-9-]+(?=:\d))(?::\d+)?\/[a-z0-9]/i;
  return host.test(text) && !/\.tar$/i.test(text);
}

/** Adds the host and namespace of Docker Hub to a reference whose first component is not a host, as docker does. */
function applyDockerDefaults({ domain, path, ...version }: Reference): Reference & { readonly domain: string } {
  const isHost =
    domain !== undefined && (/[.:]/.test(domain) || domain === 'localhost' || domain !== domain.toLowerCase());
  const host = isHost ? domain : DOCKER_HUB;
  const fullPath = domain === undefined || isHost ? path : `${domain}/${path}`;
  const repository = host === DOCKER_HUB && !fullPath.includes('/') ? `${DOCKER_LIBRARY}/${fullPath}` : fullPath;
  return { ...version, domain: host, path: repository };
}

/** Rejects a tag that is too long. An added suffix such as `-soci` can cause this, so the message includes the length. */
function checkTagLength(reference: string, text: string): void {
  const [name = ''] = reference.split('@');
  const tag = name.slice(name.lastIndexOf(':') + 1);
  if (tag.length > MAX_TAG_LENGTH && isTag(tag.slice(0, MAX_TAG_LENGTH)) && /^[\w.-]+$/.test(tag)) {
    throw usageError(
      `${text}: the tag has ${tag.length} characters; the limit is ${MAX_TAG_LENGTH}`,
      'Choose a shorter tag.',
    );
  }
}
