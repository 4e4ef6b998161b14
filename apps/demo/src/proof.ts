import {
  type CommandContext,
  describeImage,
  type ImageLocation,
  indexedSize,
  type RegistryAccess,
  verifyIndexes,
  withImageStores,
} from '@soci/cli/internal';
import { type ImageLayer, openImageFilesystem } from '@soci/index';
import type { FileEntry } from '@soci/ztoc';

/** What reading a converted image back has shown: what it consists of, the verification and its wall time, costs of files. */
export type Proof = Awaited<ReturnType<typeof proveReadable>>;

/** Reads every file of a converted image back through its index, and finds out what reading single ones costs. */
export async function proveReadable(
  location: ImageLocation,
  access: RegistryAccess,
  { output, signal }: CommandContext,
) {
  const started = performance.now();
  const progress = output.openProgress();
  try {
    return await withImageStores(access, signal, async (places) => {
      const source = await places.openImage(location);
      const image = await describeImage(source, { signal });
      const totalSize = indexedSize(image.images);
      const verification = await verifyIndexes(source.store, [source.root], { signal, progress, totalSize });
      const seconds = (performance.now() - started) / 1000;
      const costs: ReadingCost[] = [];
      // Of an image for several platforms the first one tells enough.
      for (const { platform } of image.images.slice(0, 1)) {
        const files = await openImageFilesystem(source.store, source.root, { platform, signal });
        costs.push(...measureReading(await files.indexedLayers()));
      }
      return { image, verification, seconds, costs };
    });
  } finally {
    progress.close();
  }
}

/** What reading one file costs. */
export interface ReadingCost {
  /** The file's path in the image. */
  readonly name: string;
  readonly size: number;
  readonly layer: string;
  /** Spans that hold it. */
  readonly spans: number;
  /** Bytes of the image that must be fetched, when nothing of it is there yet. */
  readonly bytesToFetch: number;
}

/** Which files to show beside the largest, as places in the list of a layer's files by size: a typical one, larger ones. */
const ORDINARY = [0.5, 0.9, 0.99] as const;

/** Around each place so many of the files are alike: the one with the shortest path is shown. */
const NEIGHBOURHOOD = 0.01;

const decoder = new TextDecoder();

/** Picks a few files of the indexed layers, from an ordinary one to the largest, and says what reading each costs. */
function measureReading(layers: readonly ImageLayer[]): ReadingCost[] {
  const bySize = (open: readonly ImageLayer[]) =>
    open
      .flatMap(({ layer, reader }) => [...reader.list()].filter(isReadable).map((entry) => ({ layer, reader, entry })))
      .sort((a, b) => a.entry.uncompressedSize - b.entry.uncompressedSize);
  const ordinary = ORDINARY.flatMap((place, turn) => {
    // Each from another layer, as far as they go.
    const files = bySize(layers.slice(turn % layers.length).slice(0, 1));
    const at = (share: number) => Math.round(share * (files.length - 1));
    const alike = files.slice(at(place - NEIGHBOURHOOD / 2), at(place + NEIGHBOURHOOD / 2) + 1);
    return alike.sort((a, b) => a.entry.name.length - b.entry.name.length).slice(0, 1);
  });
  const chosen = [...ordinary, ...bySize(layers).slice(-1)];
  return [...new Set(chosen)].map(({ layer, reader, entry }) => ({
    name: decoder.decode(entry.name),
    size: entry.uncompressedSize,
    layer: layer.digest,
    spans: reader.spansOf(entry).length,
    bytesToFetch: reader.bytesToFetch(entry),
  }));
}

function isReadable({ type, uncompressedSize }: FileEntry): boolean {
  return type === 'reg' && uncompressedSize > 0;
}
