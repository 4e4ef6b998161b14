import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDigest } from '../digest.ts';
import { parseDocument, stringField } from '../document.ts';
import { hasSystemCode, OciError } from '../errors.ts';
import { DEFAULT_LIMITS } from '../limits.ts';
import { type FileSpan, readAt } from './file-span.ts';

/** Where the files of a layout are: in a folder or in an archive. */
export interface LayoutFiles {
  /** What the user calls it, for error messages. */
  readonly name: string;
  /** Opens a file such as `index.json`; undefined if there is none. @throws OciError if that is no plain file. */
  open(path: string): Promise<FileSpan | undefined>;
}

/** The content of the file `oci-layout`. @see OCI image-spec v1.1, image-layout.md */
export const LAYOUT_MARK: Uint8Array = new TextEncoder().encode('{"imageLayoutVersion":"1.0.0"}');

// A link is not followed, and a pipe without a writer does not block. Windows has neither flag.
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** The files of a layout in a folder, reached without any symbolic link below it. */
export class FolderFiles implements LayoutFiles {
  readonly name: string;
  readonly #root: string;

  /** @param root - The folder's real path. @param name - What the user calls it. */
  constructor(root: string, name: string) {
    this.#root = root;
    this.name = name;
  }

  /** The path of a file in the file system. */
  pathOf(path: string): string {
    return join(this.#root, ...path.split('/'));
  }

  async open(path: string): Promise<FileSpan | undefined> {
    const full = this.pathOf(path);
    const file = await open(full, OPEN_FLAGS).catch((cause: unknown) => {
      if (hasSystemCode(cause, 'ENOENT')) return undefined;
      if (hasSystemCode(cause, 'ELOOP', 'EMLINK')) throw this.#linkError(path, cause);
      throw new OciError('READ_FAILED', `${path} in ${this.name} cannot be opened: ${String(cause)}`, { cause });
    });
    if (file === undefined) return undefined;
    try {
      if ((await realpath(full)) !== full) throw this.#linkError(path);
      const stat = await file.stat();
      if (!stat.isFile()) throw new OciError('LAYOUT_INVALID', `${path} in ${this.name} is no plain file`);
      return { file, start: 0, size: stat.size, close: () => file.close() };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  #linkError(path: string, cause?: unknown): OciError {
    const message = `${path} in ${this.name} is, or lies behind, a symbolic link: a layout must hold its files itself, so copy the file in`;
    return new OciError('PATH_ESCAPES', message, { cause });
  }
}

/** Where a layout keeps content. The digest's grammar leaves no room for a path. @throws OciError `DIGEST_INVALID` */
export function blobPath(digest: string): string {
  const { algorithm, hex } = parseDigest(digest);
  return `blobs/${algorithm}/${hex}`;
}

/** Reads a small file of a layout that must be there, at most 4 MiB. */
export async function readLayoutFile(files: LayoutFiles, path: string): Promise<Uint8Array> {
  const { maxManifestSize } = DEFAULT_LIMITS;
  const span = await files.open(path);
  if (span === undefined) {
    throw new OciError('LAYOUT_INVALID', `${files.name} has no ${path}: it is no OCI image layout`);
  }
  try {
    if (span.size > maxManifestSize) {
      const message = `${path} in ${files.name} has ${span.size} bytes: the limit is ${maxManifestSize}`;
      throw new OciError('LIMIT_EXCEEDED', message);
    }
    return await readAt(span, 0, span.size, `${path} in ${files.name}`);
  } finally {
    await span.close();
  }
}

/** Checks that `oci-layout` is there and names a version of the kind known here. @throws OciError `LAYOUT_INVALID` */
export async function checkLayoutVersion(files: LayoutFiles): Promise<void> {
  const document = parseDocument(await readLayoutFile(files, 'oci-layout'), `oci-layout in ${files.name}`);
  const version = stringField(document, 'imageLayoutVersion', 'oci-layout');
  if (!version.startsWith('1.')) {
    const message = `${files.name} is an OCI image layout of version ${version}: only 1.x is known`;
    throw new OciError('LAYOUT_INVALID', message);
  }
}
