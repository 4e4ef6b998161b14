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

/** Returns an error for an image that this program cannot read, with the skopeo command that copies it to an archive. */
export function foreignSourceError(scheme: string, text: string): CliError {
  const { file, tag, name } = archiveNameFor(scheme, text);
  const archive = `oci-archive:${file}${tag === undefined ? '' : `:${tag}`}`;
  return new CliError('TRANSPORT_UNSUPPORTED', `${text}: cannot read from ${FOREIGN_TRANSPORTS[scheme]}`, {
    remedy: `Copy the image to an archive first: skopeo copy ${quoteWord(name)} ${quoteWord(archive)}`,
    replacement: { operand: text, by: archive },
  });
}

/** Returns an error for a destination that this program cannot write. */
export function foreignDestinationError(scheme: string, text: string): CliError {
  const reason = {
    dir: 'dir: can only be read',
    'docker-archive': 'docker-archive: can only be read, because the format has no place for a SOCI index',
  }[scheme];
  return new CliError(
    'TRANSPORT_UNSUPPORTED',
    `${text}: ${reason ?? `cannot write to ${FOREIGN_TRANSPORTS[scheme]}`}`,
    {
      remedy: 'Write to a registry (HOST/REPO[:TAG]), to oci:DIR[:TAG] or to oci-archive:FILE[:TAG].',
    },
  );
}

/** Chooses a file and a tag for the copy of an image: those of its name if it has one. */
function archiveNameFor(scheme: string, text: string): { file: string; tag: string | undefined; name: string } {
  // In containers-storage, a location in brackets can precede the name.
  const reference = text.slice(scheme.length + 1).replace(/^\[[^\]]*\]/, '');
  const match = /^(?:.*\/)?([a-z0-9][\w.-]*)(?::([\w][\w.-]{0,127}))?$/.exec(reference);
  const [, base, tag] = NAMED.has(scheme) ? (match ?? []) : [];
  if (base === undefined || base === 'sha256') return { file: 'image.tar', tag: undefined, name: text };
  // skopeo requires a tag for an image of a Docker daemon.
  const name = tag === undefined && scheme === 'docker-daemon' ? `${text}:latest` : text;
  return { file: `${base}.tar`, tag: tag ?? 'latest', name };
}
