import type { Ztoc } from '../ztoc.ts';
import type { ArchivePath } from './archive-path.ts';
import type { RandomAccessSource } from './random-access-source.ts';
import { openZtoc, type ReadFileOptions } from './ztoc-reader.ts';

/**
 * Reads one file of a layer, fetching only the spans that hold it, each verified.
 *
 * For several files, {@link openZtoc} does the same and keeps what it has fetched.
 * @param ztoc The layer's zTOC.
 * @param source The layer's bytes.
 * @param path The file's path: `a`, `./a` and `/a` are the same.
 * @throws {ZtocError} As `openZtoc` and {@link ZtocReader.readFile}.
 */
export async function extractFile(
  ztoc: Ztoc,
  source: RandomAccessSource,
  path: ArchivePath,
  options: ReadFileOptions = {},
): Promise<Uint8Array> {
  return openZtoc(ztoc, source).readFile(path, options);
}
