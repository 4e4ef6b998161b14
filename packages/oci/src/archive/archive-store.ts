import { OciError } from '../errors.ts';
import type { FileSection } from '../layout/file-section.ts';
import { checkLayoutVersion, type LayoutFiles } from '../layout/layout-files.ts';
import { LayoutReader } from '../layout/layout-reader.ts';
import { type ArchiveInput, type OpenArchiveOptions, openArchiveFile } from './archive-file.ts';
import { findMembers } from './archive-members.ts';

const LAYOUT_NAME = /^(?:oci-layout|index\.json|manifest\.json|blobs\/[^/]+\/[^/]+)$/;

/**
 * Opens an OCI image layout in a tar archive (skopeo's `oci-archive`) without unpacking it. The members are located
 * once and then read in place. An archive that is compressed with gzip or zstd, a pipe or a stream is first copied to a
 * temporary file. Close the store after use.
 *
 * @throws OciError `NOT_FOUND`, `ARCHIVE_INVALID`, `LAYOUT_INVALID`, `LIMIT_EXCEEDED`, `READ_FAILED`, `WRITE_FAILED`.
 */
export async function openArchive(archive: ArchiveInput, options: OpenArchiveOptions = {}): Promise<ArchiveStore> {
  const { name = nameOf(archive) } = options;
  return closeOnFailure(await openArchiveFile(archive, name, options), (file) => readArchive(file, name));
}

/** Creates a store for an open archive. The store owns `archive` and closes it. @param name - For error messages. */
export async function readArchive(archive: FileSection, name: string): Promise<ArchiveStore> {
  const members = await findMembers(archive, name, (path) => LAYOUT_NAME.test(path));
  if (!members.has('oci-layout') && members.has('manifest.json')) {
    const remedy = 'Read it as docker-archive: (with openDockerArchive in a program).';
    throw new OciError('LAYOUT_INVALID', `${name} is an archive of "docker save", not of an OCI layout. ${remedy}`);
  }
  const files: LayoutFiles = {
    name,
    async open(path) {
      const member = members.get(path);
      if (member?.unreadable !== undefined) {
        throw new OciError('ARCHIVE_INVALID', `${path} in ${name} is ${member.unreadable}, not a regular file`);
      }
      return member && { file: archive.file, start: member.start, size: member.size, close: async () => {} };
    },
  };
  await checkLayoutVersion(files);
  return new ArchiveStore(files, archive);
}

/** A read-only store of the images in a tar archive. Concurrent reads are allowed. */
export class ArchiveStore extends LayoutReader {
  readonly #archive: FileSection;

  /** Use {@link openArchive}. */
  constructor(files: LayoutFiles, archive: FileSection) {
    super(files);
    this.#archive = archive;
  }

  /** Closes the archive, and removes its temporary file if it has one. Reads fail afterwards. */
  async close(): Promise<void> {
    await this.#archive.close();
  }
}

/** Returns the name of an archive for error messages. */
export function nameOf(archive: ArchiveInput): string {
  return typeof archive === 'string' ? archive : 'the stream';
}

/** Closes the archive if `read` fails. */
export async function closeOnFailure<Store>(
  archive: FileSection,
  read: (archive: FileSection) => Promise<Store>,
): Promise<Store> {
  try {
    return await read(archive);
  } catch (error) {
    await archive.close();
    throw error;
  }
}
