import type { Fetcher, Prober } from '../content.ts';
import type { Descriptor } from '../descriptor.ts';
import { createFile } from '../layout/file-draft.ts';
import { blobPath, OCI_LAYOUT_FILE } from '../layout/layout-files.ts';
import { addRoot, checkName, EMPTY_INDEX } from '../layout/root-index.ts';
import { isNonDistributable } from '../media-types.ts';
import { verifyStream } from '../read.ts';
import { type WalkOptions, walkContent } from '../walk.ts';
import { BLOCK_SIZE, formatMemberHeader, paddedSize } from './tar-format.ts';

/** A manifest to list in the `index.json` of an archive. */
export interface ArchiveRoot {
  /** The manifest. Everything that it refers to is written too. */
  readonly target: Descriptor;
  /** Tag of the manifest. @default none */
  readonly reference?: string;
}

/**
 * Writes images with everything that they refer to as a tar archive that contains an OCI image layout. The file is
 * written atomically, and written again, once, if a blob is damaged. An existing file is replaced; a device or a named
 * pipe is written in place.
 *
 * @param path - The file.
 * @param roots - The manifests to list, in order. For an image that was just converted, pass an `OverlayStore` as
 * source.
 * @throws OciError `WRITE_FAILED`, `REFERENCE_INVALID`, and the errors of {@link archiveChunks}.
 */
export async function writeArchive(
  path: string,
  source: Fetcher & Prober,
  roots: readonly ArchiveRoot[],
  options: WalkOptions = {},
): Promise<void> {
  const file = await createFile(path);
  try {
    await file.write(() => archiveChunks(source, roots, options), options);
    await file.commit();
  } finally {
    await file.discard();
  }
}

/**
 * Streams such an archive, for example to a pipe. Archives of the same images are byte-identical: first `oci-layout`,
 * then the blobs, leaves before roots, then `index.json`. All content is verified while it is written, so an archive
 * that was not streamed to its end is not valid. Non-distributable layers that the source does not have are omitted.
 *
 * @throws OciError of walking and reading `source`.
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

  yield* member('oci-layout', OCI_LAYOUT_FILE.length, [OCI_LAYOUT_FILE]);
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
