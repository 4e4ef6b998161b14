import {
  type CommandContext,
  describeImage,
  type ImageDescription,
  type ImageLocation,
  indexedSize,
  type RegistryAccess,
  type Verification,
  verifyIndexes,
  withImageStores,
} from '@soci/cli/internal';
import { openImageFilesystem } from '@soci/index';
import { measureReading, type ReadingCost } from './reading-cost.ts';

/** What reading a converted image back has shown. */
export interface Proof {
  /** What the image consists of. */
  readonly image: ImageDescription;
  readonly verification: Verification;
  /** Wall time of it. */
  readonly seconds: number;
  /** What reading some of its files costs. */
  readonly costs: readonly ReadingCost[];
}

/** Reads every file of a converted image back through its index, and finds out what reading single ones costs. */
export async function proveReadable(
  location: ImageLocation,
  access: RegistryAccess,
  { output, signal }: CommandContext,
): Promise<Proof> {
  const started = performance.now();
  const progress = output.openProgress();
  try {
    return await withImageStores(access, signal, async (places) => {
      const source = await places.openSource(location);
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
