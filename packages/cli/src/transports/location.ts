import { CliError, usageError } from '../errors.ts';

/** The kinds of place that images are read from and written to. */
export const TRANSPORT_NAMES = ['oci', 'oci-archive'] as const;

/** A kind of place, by the name that stands before the first colon. */
export type TransportName = (typeof TRANSPORT_NAMES)[number];

/** Where an image is, as the command line names it. */
export interface ImageLocation {
  readonly transport: TransportName;
  /** Folder or file. */
  readonly path: string;
  /** Name of the image in that place: `org.opencontainers.image.ref.name`; or `@N`, the image at position N of its list. */
  readonly reference: string | undefined;
  /** The location as it was written. */
  readonly text: string;
}

/**
 * A reference, as containers/image checks it: words of letters and digits, set apart by one of `- . _ : @ + /` or by `--`.
 *
 * @see OCI image-spec v1.1, annotations.md, `org.opencontainers.image.ref.name`
 */
const REFERENCE = /^[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*(?:\/[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*)*$/;
const POSITION = /^@\d{1,6}$/;

/** Transports of skopeo that this program does not have, so that it can say so instead of taking them for a file name. */
const OTHER_TRANSPORTS: ReadonlySet<string> = new Set([
  'containers-storage',
  'dir',
  'docker',
  'docker-archive',
  'docker-daemon',
  'ostree',
  'sif',
  'tarball',
]);

/**
 * Reads `TRANSPORT:PATH[:REFERENCE]` as skopeo does: the first colon ends the transport, the next one the path, and what
 * follows is the reference, colons and all. (On Windows a drive's colon belongs to the path.) A path with a colon in it
 * cannot be written; change into its folder and name it from there.
 *
 * @throws CliError `TRANSPORT_UNSUPPORTED` for a registry and for what else skopeo knows, `USAGE_INVALID` for what has no
 * meaning at all.
 */
export function parseLocation(text: string, platform: NodeJS.Platform = process.platform): ImageLocation {
  const colon = text.indexOf(':');
  const transport = TRANSPORT_NAMES.find((name) => name === text.slice(0, Math.max(0, colon)));
  if (transport === undefined) throw unknownTransport(text);
  const { path, reference } = splitReference(text.slice(colon + 1), platform);
  if (path === '')
    throw usageError(
      `${text}: no ${transport === 'oci' ? 'folder' : 'file'} is named`,
      `Write ${transport}:PATH[:TAG].`,
    );
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

function unknownTransport(text: string): CliError {
  const scheme = /^([a-z-]+):/.exec(text)?.[1] ?? '';
  if (scheme === 'docker' || (!OTHER_TRANSPORTS.has(scheme) && looksLikeRegistry(text))) {
    const reference = text.replace(/^docker:(\/\/)?/, '');
    return new CliError(
      'TRANSPORT_UNSUPPORTED',
      `${text} is in a registry, and this version does not reach registries yet`,
      {
        remedy: `Copy it first, all platforms: skopeo copy --all docker://${reference} oci:DIR:TAG`,
      },
    );
  }
  if (OTHER_TRANSPORTS.has(scheme)) {
    return new CliError('TRANSPORT_UNSUPPORTED', `${text}: images are not read from or written to ${scheme}:`, {
      remedy: `Supported: ${TRANSPORT_NAMES.map((name) => `${name}:`).join(', ')}. skopeo copies between them all.`,
    });
  }
  const likely = /\.tar$/i.test(text) ? 'oci-archive' : 'oci';
  return usageError(`${text} does not say what it is`, `Did you mean ${likely}:${text}?`);
}

/** `host.name[:port]/repository...` or `localhost...`: what no sane file name looks like. */
function looksLikeRegistry(text: string): boolean {
  return (
    /^(?:[a-z0-9-]+\.[a-z0-9.-]+|localhost|[a-z0-9-]+(?=:\d))(?::\d+)?\/[a-z0-9]/.test(text) && !/\.tar$/i.test(text)
  );
}
