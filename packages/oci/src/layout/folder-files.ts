import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { OciError } from '../errors.ts';
import type { FileSpan } from './file-span.ts';
import type { LayoutFiles } from './layout-files.ts';
import { hasCode } from './system-error.ts';

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
      if (hasCode(cause, 'ENOENT')) return undefined;
      if (hasCode(cause, 'ELOOP', 'EMLINK')) throw this.#linkError(path, cause);
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
