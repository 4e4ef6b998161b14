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

/** Content of a converted image, the result of its verification and the elapsed time, and the cost of reading files. */
export type Verification = Awaited<ReturnType<typeof verifyConverted>>;

/** Verifies the SOCI indexes of a converted image, and measures the cost of reading some of its files. */
export async function verifyConverted(
  location: ImageLocation,
  access: RegistryAccess,
  { output, signal }: CommandContext,
) {
  const started = performance.now();
  const progress = output.openProgress();
  try {
    return await withImageStores(access, { signal }, async (stores) => {
      const source = await stores.openImage(location);
      const image = await describeImage(source, { signal });
      const totalSize = indexedSize(image.images);
      const result = await verifyIndexes(source.store, [source.root], { signal, progress, totalSize });
      const seconds = (performance.now() - started) / 1000;
      const costs: ReadCost[] = [];
      // The first platform is enough for an example.
      for (const { platform } of image.images.slice(0, 1)) {
        const files = await openImageFilesystem(source.store, source.root, { platform, signal });
        costs.push(...selectReadCosts(await files.indexedLayers()));
      }
      return { image, result, seconds, costs };
    });
  } finally {
    progress.close();
  }
}

/** Cost of reading one file. */
export interface ReadCost {
  /** Path of the file in the image. */
  readonly name: string;
  /** Size of the file in bytes. */
  readonly size: number;
  /** Digest of the layer. */
  readonly layer: string;
  /** Number of spans that contain the file. */
  readonly spans: number;
  /** Bytes of the image to fetch, if nothing is cached. */
  readonly bytesToFetch: number;
}

/** Files to show in addition to the largest, as quantiles of the sizes: a typical file and two larger ones. */
const QUANTILES = [0.5, 0.9, 0.99] as const;

/** Share of the files around a quantile that are candidates. The one with the shortest path is shown. */
const QUANTILE_WINDOW = 0.01;

const decoder = new TextDecoder();

/** Selects a few files of the indexed layers, from a typical one to the largest, and returns their cost. */
function selectReadCosts(layers: readonly ImageLayer[]): ReadCost[] {
  const filesBySize = (open: readonly ImageLayer[]) =>
    open
      .flatMap(({ layer, reader }) => [...reader.list()].filter(hasContent).map((entry) => ({ layer, reader, entry })))
      .sort((a, b) => a.entry.uncompressedSize - b.entry.uncompressedSize);
  const typical = QUANTILES.flatMap((quantile, index) => {
    // Uses a different layer for each quantile, as long as there are enough.
    const files = filesBySize(layers.slice(index % layers.length).slice(0, 1));
    const at = (share: number) => Math.round(share * (files.length - 1));
    const candidates = files.slice(at(quantile - QUANTILE_WINDOW / 2), at(quantile + QUANTILE_WINDOW / 2) + 1);
    return candidates.sort((a, b) => a.entry.name.length - b.entry.name.length).slice(0, 1);
  });
  const selected = [...typical, ...filesBySize(layers).slice(-1)];
  return [...new Set(selected)].map(({ layer, reader, entry }) => ({
    name: decoder.decode(entry.name),
    size: entry.uncompressedSize,
    layer: layer.digest,
    spans: reader.spansOf(entry).length,
    bytesToFetch: reader.bytesToFetch(entry),
  }));
}

function hasContent({ type, uncompressedSize }: FileEntry): boolean {
  return type === 'reg' && uncompressedSize > 0;
}
