import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { hasSystemCode, messageOf, OciError } from '../errors.ts';
import type { FileSection } from '../layout/file-section.ts';
import { checkLayoutVersion, type LayoutFiles } from '../layout/layout-files.ts';
import { LayoutReader } from '../layout/layout-reader.ts';
import { findMembers } from './archive-members.ts';

/**
 * Opens an OCI image layout in a tar archive (skopeo's `oci-archive`) without unpacking it. The members are located
 * once and then read in place. Close the store after use.
 *
 * @throws OciError `NOT_FOUND`, `ARCHIVE_INVALID`, `LAYOUT_INVALID`, `LIMIT_EXCEEDED`, `READ_FAILED`.
 */
export async function openArchive(path: string): Promise<ArchiveStore> {
  // Opening a pipe would otherwise block until it has a writer. A pipe cannot be read by position.
  const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
  const file = await open(path, flags).catch((cause: unknown) => {
    if (hasSystemCode(cause, 'ENOENT')) throw new OciError('NOT_FOUND', `file ${path} does not exist`, { cause });
    throw new OciError('READ_FAILED', `cannot open ${path}: ${messageOf(cause)}`, { cause });
  });
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new OciError('ARCHIVE_INVALID', `${path} is not a regular file`);
    return await readArchive({ file, start: 0, size: stat.size, close: () => file.close() }, path);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Creates a store for an open archive. The store owns `archive` and closes it. @param name - For error messages. */
export async function readArchive(archive: FileSection, name: string): Promise<ArchiveStore> {
  const members = await findMembers(archive, name);
  if (!members.has('oci-layout') && members.has('manifest.json')) {
    const remedy =
      'Convert it with "skopeo copy docker-archive:FILE oci-archive:FILE2", or save it with a current Docker.';
    throw new OciError('LAYOUT_INVALID', `${name} is an archive in the old docker-archive format. ${remedy}`);
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

/** A read-only OCI image layout in a tar archive. Concurrent reads are allowed. */
export class ArchiveStore extends LayoutReader {
  readonly #archive: FileSection;

  /** Use {@link openArchive}. */
  constructor(files: LayoutFiles, archive: FileSection) {
    super(files);
    this.#archive = archive;
  }

  /** Closes the archive. Reads fail afterwards. */
  async close(): Promise<void> {
    await this.#archive.close();
  }
}
