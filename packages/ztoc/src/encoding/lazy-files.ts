import type { FileEntry, Ztoc } from '../ztoc.ts';
import { decodeZtoc } from './decode-ztoc.ts';

/**
 * Returns a zTOC whose files are decoded when they are first read, because they need several times its memory.
 * @param bytes The encoded zTOC.
 */
export function withLazyFiles(ztoc: Omit<Ztoc, 'files'>, bytes: Uint8Array): Ztoc {
  let files: readonly FileEntry[] | undefined;
  return Object.defineProperty({ ...ztoc, files: [] }, 'files', {
    enumerable: true,
    get() {
      files ??= decodeZtoc(bytes, { maxEntries: Number.MAX_SAFE_INTEGER, maxSpans: Number.MAX_SAFE_INTEGER }).files;
      return files;
    },
  });
}
