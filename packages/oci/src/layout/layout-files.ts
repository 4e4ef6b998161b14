import { closeSync, constants, fstatSync, openSync, read, readSync, realpathSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseDigest } from '../digest.ts';
import { parseDocument, stringField } from '../document.ts';
import { hasSystemCode, messageOf, OciError } from '../errors.ts';
import { DEFAULT_LIMITS } from '../limits.ts';
import { type FileSection, type PositionalReader, readSectionAt } from './file-section.ts';

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

/** Maximum size of a read in the calling thread, in bytes. */
const MAX_SYNCHRONOUS_READ = 1 << 16;

const readInPool = promisify(read);

/**
 * Files of a layout in a folder. Symbolic links below the folder are not followed.
 *
 * Opens files and reads manifests in the calling thread. An image can have thousands of manifests, and passing five system
 * calls for each of them to the thread pool takes several times longer than the calls.
 */
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
    const descriptor = this.#open(path, full);
    if (descriptor === undefined) return undefined;
    try {
      if (realpathSync.native(full) !== full) throw this.#linkError(path);
      const stat = fstatSync(descriptor);
      if (!stat.isFile()) throw new OciError('LAYOUT_INVALID', `${path} in ${this.name} is not a regular file`);
      return { file: readerOf(descriptor), start: 0, size: stat.size, close: closerOf(descriptor) };
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  }

  #open(path: string, full: string): number | undefined {
    try {
      return openSync(full, OPEN_FLAGS);
    } catch (cause) {
      if (hasSystemCode(cause, 'ENOENT')) return undefined;
      if (hasSystemCode(cause, 'ELOOP', 'EMLINK')) throw this.#linkError(path, cause);
      throw new OciError('READ_FAILED', `cannot open ${path} in ${this.name}: ${messageOf(cause)}`, { cause });
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

function readerOf(descriptor: number): PositionalReader {
  return {
    async read(buffer, offset, length, position) {
      if (length > MAX_SYNCHRONOUS_READ) return readInPool(descriptor, buffer, offset, length, position);
      return { bytesRead: readSync(descriptor, buffer, offset, length, position) };
    },
  };
}

/** Returns a function that closes a file once. A second call must not close a file that got the same number meanwhile. */
function closerOf(descriptor: number): () => Promise<void> {
  let isOpen = true;
  return async () => {
    if (!isOpen) return;
    isOpen = false;
    closeSync(descriptor);
  };
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
