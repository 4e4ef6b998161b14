import { isTag, parseReference, quoteText, type Reference } from '@soci/oci';
import { usageError } from '../errors.ts';
import { foreignDestinationError, foreignSourceError, isForeignTransport } from './foreign-transports.ts';

/** Location of an image, parsed from the command line. */
export type ImageLocation = LayoutLocation | RegistryLocation;

/** An image in a directory or a tar file. */
export interface LayoutLocation {
  readonly transport: 'oci' | 'oci-archive' | 'docker-archive' | 'dir';
  /** Path of the directory or tar file. `-` is standard input or output; only for tar files. */
  readonly path: string;
  /**
   * Tag in the layout (`org.opencontainers.image.ref.name`), name in the archive of `docker save`, digest, or `@N` for
   * position N in `index.json` or `manifest.json`.
   */
  readonly reference: string | undefined;
  /** The location as on the command line. */
  readonly text: string;
}

/** A location that can be written. */
export type DestinationLocation = (LayoutLocation & { readonly transport: 'oci' | 'oci-archive' }) | RegistryLocation;

/** Path that means standard input or output. */
export const STANDARD_STREAM = '-';

/** Reports whether an image to read is an archive on standard input. */
export function isStandardInput(location: ImageLocation): boolean {
  const isArchive = location.transport === 'oci-archive' || location.transport === 'docker-archive';
  return isArchive && (location.path === STANDARD_STREAM || location.path === '/dev/stdin');
}

/** Forms of the name of an image to write, for `--help`. */
export const DESTINATION_FORMS = 'HOST/REPO[:TAG], oci:DIR[:TAG] or oci-archive:FILE[:TAG]';

/** Forms of the name of an image to read, for `--help`. */
export const IMAGE_FORMS = 'HOST/REPO[:TAG], {oci,oci-archive,docker-archive}:PATH[:TAG] or dir:PATH';

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
  { prefix: 'docker-archive:', meaning: 'file of "docker save"', paths: 'file', isDestination: false },
  { prefix: 'dir:', meaning: 'directory of "skopeo copy"', paths: 'directory', isDestination: false },
];

const LAYOUT_TRANSPORTS = ['oci', 'oci-archive', 'docker-archive', 'dir'] as const;

const ARCHIVE_FILE = /\.(?:tar|tgz|tar\.[a-z0-9]+)$/i;
const COMPRESSED_FILE = /\.(?:tgz|gz|zst|xz|bz2)$/i;

/** Options of {@link parseLocation}. */
export interface ParseLocationOptions {
  /** System whose paths are parsed. @default that of the process */
  readonly platform?: NodeJS.Platform;
  /** Whether the command writes to the image itself. @default false */
  readonly isChanged?: boolean;
}

/**
 * Parses a location like skopeo. In `oci:PATH[:TAG]`, `oci-archive:PATH[:TAG]` and `docker-archive:PATH[:NAME]`, the first
 * colon ends the transport and the second one the path. The rest is the tag or name, which can have colons. The path cannot
 * have colons, except after a drive letter on Windows, and in `dir:PATH`. `docker://` is optional if the host has a dot or
 * a port, or is `localhost`.
 *
 * @throws CliError `TRANSPORT_UNSUPPORTED` for other transports of skopeo, `USAGE_INVALID` for any other text; OciError
 * `REFERENCE_INVALID` for an invalid registry reference.
 */
export function parseLocation(text: string, options: ParseLocationOptions = {}): ImageLocation {
  const { platform = process.platform, isChanged = false } = options;
  const colon = text.indexOf(':');
  const transport = LAYOUT_TRANSPORTS.find((name) => name === text.slice(0, Math.max(0, colon)));
  if (transport !== undefined) return parseLayoutLocation(transport, text, platform);
  const scheme = /^([a-z-]+):/.exec(text)?.[1] ?? '';
  if (isForeignTransport(scheme)) throw foreignSourceError(scheme, text, isChanged);
  if (scheme === 'docker' || looksLikeRegistry(text)) return parseRegistryLocation(text);
  const likely = ARCHIVE_FILE.test(text)
    ? `oci-archive:${text}, or docker-archive:${text} for a file of "docker save"`
    : `oci:${text}`;
  throw usageError(
    `${text}: missing transport or registry host`,
    `Did you mean ${likely}? For an image in a registry, write HOST/REPO[:TAG] or docker://REPO[:TAG].`,
  );
}

/**
 * Parses the location of an image to write, see {@link parseLocation}.
 *
 * @throws CliError `TRANSPORT_UNSUPPORTED` for transports that cannot be written; errors of {@link parseLocation}.
 */
export function parseDestination(text: string): DestinationLocation {
  const scheme = /^([a-z-]+):/.exec(text)?.[1] ?? '';
  if (isForeignTransport(scheme) || scheme === 'docker-archive' || scheme === 'dir') {
    throw foreignDestinationError(scheme, text);
  }
  const location = parseLocation(text) as DestinationLocation;
  if (location.transport !== 'oci-archive') return location;
  if (location.path === '/dev/stdout') return { ...location, path: STANDARD_STREAM };
  if (COMPRESSED_FILE.test(location.path)) {
    const stream = `oci-archive:${STANDARD_STREAM}${location.reference === undefined ? '' : `:${location.reference}`}`;
    throw usageError(
      `${text}: archives are written without compression`,
      `Choose a name that ends with .tar, or compress standard output: soci-index ... ${stream} | gzip > FILE`,
    );
  }
  return location;
}

/** A repository or layout directory that can have a profile. */
export type ProfileLocation = (LayoutLocation & { readonly transport: 'oci' }) | RegistryLocation;

/** Forms of the name of a repository or layout directory, for `--help`. */
export const PROFILE_FORMS = 'HOST/REPO or oci:DIR';

/**
 * Parses the location of a repository or layout directory. It has no tag.
 *
 * @throws CliError `USAGE_INVALID` for a tag, a digest, a position, or an archive; errors of {@link parseDestination}.
 */
export function parseProfileLocation(text: string): ProfileLocation {
  const location = parseDestination(text);
  const { transport } = location;
  if (transport === 'oci-archive') {
    throw usageError(`${text}: an archive cannot have a profile`, `Use ${PROFILE_FORMS}.`);
  }
  const isImage =
    transport === 'registry'
      ? location.tag !== undefined || location.digest !== undefined
      : location.reference !== undefined;
  if (isImage) {
    const whole = transport === 'registry' ? `${location.host}/${location.repository}` : `oci:${location.path}`;
    throw usageError(`${text}: a profile belongs to a repository, not to one image`, `Write ${whole}.`);
  }
  return location as ProfileLocation;
}

function parseLayoutLocation(
  transport: LayoutLocation['transport'],
  text: string,
  platform: NodeJS.Platform,
): LayoutLocation {
  const rest = text.slice(transport.length + 1);
  const { path, reference } =
    transport === 'dir' ? { path: rest, reference: undefined } : splitReference(rest, platform);
  if (path === '') {
    const form = { dir: 'PATH', 'docker-archive': 'PATH[:NAME]' }[transport as string] ?? 'PATH[:TAG]';
    throw usageError(`${text}: missing path`, `Write ${transport}:${form}.`);
  }
  if (path === STANDARD_STREAM && (transport === 'oci' || transport === 'dir')) {
    throw usageError(
      `${text}: a directory cannot be streamed`,
      `Use oci-archive:- for an archive on standard input or output. For a directory named -, write ${transport}:./-.`,
    );
  }
  if (reference !== undefined && !POSITION.test(reference)) checkReference(transport, reference, text);
  return { transport, path, reference, text };
}

function checkReference(transport: LayoutLocation['transport'], reference: string, text: string): void {
  if (transport === 'docker-archive') {
    if (isImageName(reference)) return;
    throw usageError(
      `${text}: ${quoteText(reference)} is not an image name or position`,
      'After the second colon, write a name such as ubuntu:24.04, or a position such as @0.',
    );
  }
  if (REFERENCE.test(reference)) return;
  throw usageError(
    `${text}: ${quoteText(reference)} is not a tag or position`,
    'After the second colon, write a tag such as latest, or a position such as @0.',
  );
}

/** Reports whether `name` is an image name without a digest. An archive of `docker save` has only such names. */
function isImageName(name: string): boolean {
  try {
    return parseReference(name).digest === undefined;
  } catch {
    return false;
  }
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
export function destinationTag(location: DestinationLocation): string {
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

/**
 * Returns the tags for the image at a destination, each once: that of the location, then others. Empty if it has no tag.
 *
 * @param others - Tags of the option `--tag`.
 * @throws CliError `USAGE_INVALID` for an invalid tag; errors of {@link destinationTag}.
 */
export function destinationTags(location: DestinationLocation, others: readonly string[]): readonly string[] {
  for (const tag of others) {
    if (location.transport !== 'registry') checkReference(location.transport, tag, `--tag ${tag}`);
    else if (!isTag(tag)) {
      checkTagLength(`:${tag}`, `--tag ${tag}`);
      const rule = 'A tag has letters, digits, periods, underscores and hyphens.';
      throw usageError(`--tag: ${quoteText(tag)} is not a tag of a registry`, rule);
    }
  }
  const own = destinationTag(location);
  return [...new Set(own === '' ? others : [own, ...others])];
}

/** Returns the name of an image at a destination, with the given tag. */
export function nameWithTag(location: DestinationLocation, tag: string): string {
  if (tag === destinationTag(location)) return location.text;
  const store =
    location.transport === 'registry'
      ? `${location.host}/${location.repository}`
      : `${location.transport}:${location.path}`;
  return `${store}:${tag}`;
}

/** Reports whether a string starts with a registry host: with a dot or a port, or `localhost`. */
function looksLikeRegistry(text: string): boolean {
  const host = /^(?:[a-z0-9-]+\.[a-z0-9.-]+|localhost|\[[0-9a-f:]+\]|[a-z0-9-]+(?=:\d))(?::\d+)?\/[a-z0-9]/i;
  return host.test(text) && !ARCHIVE_FILE.test(text);
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
