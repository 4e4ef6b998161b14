import { constants } from 'node:fs';
import { lstat, open, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDigest } from '../digest.ts';
import { parseDocument, stringField } from '../document.ts';
import { hasSystemCode, OciError } from '../errors.ts';
import { DEFAULT_LIMITS } from '../limits.ts';
import { type FileSection, readSectionAt } from './file-section.ts';

/** Access to the files of a layout, in a folder or in an archive. */
export interface LayoutFiles {
  /** Name of the layout as the user gave it, for error messages. */
  readonly name: string;
  /**
   * Opens a file such as `index.json`. Returns undefined if it does not exist.
   * @throws OciError unless it is a regular file.
   */
  open(path: string): Promise<FileSection | undefined>;
  /** Returns a text that changes when a file is replaced or written. Cheaper than opening it. @default files do not change */
  versionOf?(path: string): Promise<string>;
}

/** Content of the file `oci-layout`. @see OCI image-spec v1.1, image-layout.md */
export const OCI_LAYOUT_FILE: Uint8Array = new TextEncoder().encode('{"imageLayoutVersion":"1.0.0"}');

// Do not follow a link, and do not block on a pipe without a writer. Windows has neither flag.
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** Files of a layout in a folder. Symbolic links below the folder are not followed. */
export class FolderFiles implements LayoutFiles {
  readonly name: string;
  readonly #root: string;

  /** @param root - Real path of the folder. @param name - Path as the user gave it. */
  constructor(root: string, name: string) {
    this.#root = root;
    this.name = name;
  }

  /** Returns the path of a file in the file system. */
  pathOf(path: string): string {
    return join(this.#root, ...path.split('/'));
  }

  async open(path: string): Promise<FileSection | undefined> {
    const full = this.pathOf(path);
    const file = await open(full, OPEN_FLAGS).catch((cause: unknown) => {
      if (hasSystemCode(cause, 'ENOENT')) return undefined;
      if (hasSystemCode(cause, 'ELOOP', 'EMLINK')) throw this.#linkError(path, cause);
      throw new OciError('READ_FAILED', `cannot open ${path} in ${this.name}: ${String(cause)}`, { cause });
    });
    if (file === undefined) return undefined;
    try {
      if ((await realpath(full)) !== full) throw this.#linkError(path);
      const stat = await file.stat();
      if (!stat.isFile()) throw new OciError('LAYOUT_INVALID', `${path} in ${this.name} is not a regular file`);
      return { file, start: 0, size: stat.size, close: () => file.close() };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async versionOf(path: string): Promise<string> {
    const { ino, mtimeMs, size } = await lstat(this.pathOf(path));
    return `${ino} ${mtimeMs} ${size}`;
  }

  #linkError(path: string, cause?: unknown): OciError {
    const message = `${path} in ${this.name} is a symbolic link or is below one. Copy the file into the layout.`;
    return new OciError('PATH_ESCAPES', message, { cause });
  }
}

/**
 * Returns the path of content in a layout. A valid digest cannot contain path separators.
 * @throws OciError `DIGEST_INVALID`
 */
export function blobPath(digest: string): string {
  const { algorithm, hex } = parseDigest(digest);
  return `blobs/${algorithm}/${hex}`;
}

/** Reads a required file of a layout, of at most 4 MiB. */
export async function readLayoutFile(files: LayoutFiles, path: string): Promise<Uint8Array> {
  const { maxManifestSize } = DEFAULT_LIMITS;
  const section = await files.open(path);
  if (section === undefined) {
    throw new OciError('LAYOUT_INVALID', `${files.name} is not an OCI image layout: it has no ${path}`);
  }
  try {
    if (section.size > maxManifestSize) {
      const message = `${path} in ${files.name} has ${section.size} bytes, more than the limit of ${maxManifestSize}`;
      throw new OciError('LIMIT_EXCEEDED', message);
    }
    return await readSectionAt(section, 0, section.size, `${path} in ${files.name}`);
  } finally {
    await section.close();
  }
}

/** Checks that `oci-layout` exists and has a supported version. @throws OciError `LAYOUT_INVALID` */
export async function checkLayoutVersion(files: LayoutFiles): Promise<void> {
  const document = parseDocument(await readLayoutFile(files, 'oci-layout'), `oci-layout in ${files.name}`);
  const version = stringField(document, 'imageLayoutVersion', 'oci-layout');
  if (!version.startsWith('1.')) {
    const message = `${files.name} is an OCI image layout of version ${version}, only 1.x is supported`;
    throw new OciError('LAYOUT_INVALID', message);
  }
}
