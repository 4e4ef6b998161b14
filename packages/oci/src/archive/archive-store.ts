import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { hasSystemCode, OciError } from '../errors.ts';
import type { FileSpan } from '../layout/file-span.ts';
import { checkLayoutVersion, type LayoutFiles } from '../layout/layout-files.ts';
import { LayoutReader } from '../layout/layout-reader.ts';
import { findMembers } from './archive-members.ts';

/**
 * Opens an OCI image layout in a tar archive (skopeo's `oci-archive`) without unpacking it: its members are found once,
 * then read where they lie. Close the store when done.
 *
 * @throws OciError `NOT_FOUND`, `ARCHIVE_INVALID`, `LAYOUT_INVALID`, `LIMIT_EXCEEDED`, `READ_FAILED`.
 */
export async function openArchive(path: string): Promise<ArchiveStore> {
  // A pipe would block the opening until somebody writes to it, and could not be read at a position.
  const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
  const file = await open(path, flags).catch((cause: unknown) => {
    if (hasSystemCode(cause, 'ENOENT')) throw new OciError('NOT_FOUND', `there is no file ${path}`, { cause });
    throw new OciError('READ_FAILED', `${path} cannot be opened: ${String(cause)}`, { cause });
  });
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new OciError('ARCHIVE_INVALID', `${path} is no plain file`);
    return await readArchive({ file, start: 0, size: stat.size, close: () => file.close() }, path);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** An archive that is open at `archive`, of which the store becomes the owner. @param name - For error messages. */
export async function readArchive(archive: FileSpan, name: string): Promise<ArchiveStore> {
  const members = await findMembers(archive, name);
  if (!members.has('oci-layout') && members.has('manifest.json')) {
    const hint =
      'convert it by skopeo copy docker-archive:FILE oci-archive:FILE2, or save it again with a current Docker';
    throw new OciError('LAYOUT_INVALID', `${name} is an archive in Docker's old format: ${hint}`);
  }
  const files: LayoutFiles = {
    name,
    async open(path) {
      const member = members.get(path);
      if (member?.unreadable !== undefined) {
        throw new OciError('ARCHIVE_INVALID', `${path} in ${name} is ${member.unreadable}, no plain file`);
      }
      return member && { file: archive.file, start: member.start, size: member.size, close: async () => {} };
    },
  };
  await checkLayoutVersion(files);
  return new ArchiveStore(files, archive);
}

/** An OCI image layout in a tar archive, for reading only. Any number of reads may be under way at a time. */
export class ArchiveStore extends LayoutReader {
  readonly #archive: FileSpan;

  /** Use {@link openArchive}. */
  constructor(files: LayoutFiles, archive: FileSpan) {
    super(files);
    this.#archive = archive;
  }

  /** Closes the file. Nothing can be read after. */
  async close(): Promise<void> {
    await this.#archive.close();
  }
}
