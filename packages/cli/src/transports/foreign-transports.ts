import { CliError } from '../errors.ts';
import { quoteWord } from '../terminal/text.ts';

/** Transports that skopeo supports and this program does not, and where they store images. */
const FOREIGN_TRANSPORTS: Readonly<Record<string, string>> = {
  atomic: 'an OpenShift registry',
  'containers-storage': 'the storage of podman, buildah and CRI-O',
  'docker-daemon': 'the storage of a Docker daemon',
  ostree: 'an OSTree repository',
  sif: 'a file of Singularity',
  tarball: 'tar files of a root file system',
};

/** Transports whose images skopeo can copy with their name. */
const NAMED = new Set(['containers-storage', 'docker-daemon']);

/** Reports whether skopeo has this transport and this program does not. */
export function isForeignTransport(scheme: string): boolean {
  return Object.hasOwn(FOREIGN_TRANSPORTS, scheme);
}

/**
 * Returns an error for an image that this program cannot read, with the skopeo command that copies it.
 *
 * @param isChanged - Whether the command writes to the image itself, so that a copy in an archive does not help.
 */
export function foreignSourceError(scheme: string, text: string, isChanged: boolean): CliError {
  const { base, tag, name } = copyNameFor(scheme, text);
  const copy = withTag(isChanged ? `oci:${base}-layout` : `oci-archive:${base}-oci.tar`, tag);
  return new CliError('TRANSPORT_UNSUPPORTED', `${text}: cannot read from ${FOREIGN_TRANSPORTS[scheme]}`, {
    remedy: `Copy the image to ${isChanged ? 'a layout' : 'an archive'} first: skopeo copy ${quoteWord(name)} ${quoteWord(copy)} && `,
    replacement: { operand: text, by: copy, at: 'first' },
  });
}

/**
 * Returns an error for a destination that this program cannot write, with the command that writes an archive instead.
 * skopeo can copy the archive to a directory. The other transports have no place for a SOCI index.
 */
export function foreignDestinationError(scheme: string, text: string): CliError {
  const { base, tag } = copyNameFor(scheme, text);
  const archive = withTag(`oci-archive:${base}-soci.tar`, tag);
  if (scheme === 'dir') {
    const next = ` && skopeo copy --all --preserve-digests ${quoteWord(archive)} ${quoteWord(text)}`;
    return new CliError('TRANSPORT_UNSUPPORTED', `${text}: can only read this format`, {
      remedy: 'Write an archive, and copy it: ',
      replacement: { operand: text, by: archive, at: 'last', next },
    });
  }
  const reason =
    scheme === 'docker-archive' ? 'can only read this format' : `cannot write to ${FOREIGN_TRANSPORTS[scheme]}`;
  return new CliError('TRANSPORT_UNSUPPORTED', `${text}: ${reason}, which has no place for a SOCI index`, {
    remedy: 'Write to a registry (HOST/REPO[:TAG]), or to an archive: ',
    replacement: { operand: text, by: archive, at: 'last' },
  });
}

function withTag(location: string, tag: string | undefined): string {
  return tag === undefined ? location : `${location}:${tag}`;
}

/**
 * Chooses the start of a file name and a tag for the copy of an image: those of its name if it has one. skopeo replaces a
 * file without asking, so callers add an end that files of `docker save` rarely have.
 */
function copyNameFor(scheme: string, text: string): { base: string; tag: string | undefined; name: string } {
  // In containers-storage, a location in brackets can precede the name.
  const reference = text.slice(scheme.length + 1).replace(/^\[[^\]]*\]/, '');
  const match = /^(?:.*\/)?([a-z0-9][\w.-]*)(?::([\w][\w.-]{0,127}))?$/.exec(reference);
  const [, base, tag] = NAMED.has(scheme) ? (match ?? []) : [];
  if (base === undefined || base === 'sha256') return { base: 'image', tag: undefined, name: text };
  // skopeo requires a tag for an image of a Docker daemon.
  const name = tag === undefined && scheme === 'docker-daemon' ? `${text}:latest` : text;
  return { base, tag: tag ?? 'latest', name };
}
