import type { Fetcher, Prober } from '../content.ts';
import type { Descriptor } from '../descriptor.ts';
import { blobPath, LAYOUT_MARK } from '../layout/layout-files.ts';
import { addRoot, checkName, EMPTY_INDEX } from '../layout/root-index.ts';
import { writeAside } from '../layout/write-aside.ts';
import { isNonDistributable } from '../media-types.ts';
import { verifyStream } from '../read.ts';
import { type WalkOptions, walkContent } from '../walk.ts';
import { BLOCK_SIZE, formatMemberHeader, paddedSize } from './tar-format.ts';

/** A manifest that the archive's `index.json` is to list. */
export interface ArchiveRoot {
  /** The manifest; what it refers to goes into the archive with it. */
  readonly target: Descriptor;
  /** Its name. @default none */
  readonly reference?: string;
}

/**
 * Writes images with everything they refer to as a tar archive that holds an OCI image layout. The file is there whole
 * or not at all; one that is there is replaced.
 *
 * @param path - The file.
 * @param roots - What to list, in order. An image that was just converted comes out of an `OverlayStore`.
 * @throws OciError `WRITE_FAILED`, `REFERENCE_INVALID`, and what {@link archiveChunks} throws.
 */
export async function writeArchive(
  path: string,
  source: Fetcher & Prober,
  roots: readonly ArchiveRoot[],
  options: WalkOptions = {},
): Promise<void> {
  await writeAside(path, archiveChunks(source, roots, options));
}

/**
 * Streams the same archive, for a pipe. It is deterministic: the same images give the same bytes. First comes
 * `oci-layout`, then the blobs, leaves before roots, then `index.json`. Everything is verified in passing: a stream that
 * throws has no valid end. Non-distributable layers that the source does not hold are left out.
 *
 * @throws OciError as walking and reading `source` do.
 */
export async function* archiveChunks(
  source: Fetcher & Prober,
  roots: readonly ArchiveRoot[],
  options: WalkOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const call = options.signal === undefined ? {} : { signal: options.signal };
  let index = EMPTY_INDEX;
  for (const { target, reference = '' } of roots) {
    if (reference !== '') checkName(reference);
    index = addRoot(index, target, reference);
  }

  yield* member('oci-layout', LAYOUT_MARK.length, [LAYOUT_MARK]);
  const written = new Set<string>();
  for (const { target } of roots) {
    for await (const { descriptor, raw } of walkContent(source, target, options)) {
      if (written.has(descriptor.digest)) continue;
      if (isNonDistributable(descriptor.mediaType) && !(await source.exists(descriptor, call))) continue;
      written.add(descriptor.digest);
      const content = raw === undefined ? verifyStream(source.fetch(descriptor, call), descriptor, call) : [raw];
      yield* member(blobPath(descriptor.digest), descriptor.size, content);
    }
  }
  yield* member('index.json', index.length, [index]);
  yield new Uint8Array(2 * BLOCK_SIZE);
}

/** @param content - Exactly `size` bytes. */
async function* member(
  name: string,
  size: number,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield formatMemberHeader(name, size);
  yield* content;
  const padding = paddedSize(size) - size;
  if (padding > 0) yield new Uint8Array(padding);
}
