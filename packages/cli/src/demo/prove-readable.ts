import type { CommandContext } from '../command.ts';
import { describeImage, indexedSize } from '../image/describe-image.ts';
import { ImageFiles } from '../image/image-files.ts';
import { type Verification, verifyIndexes } from '../image/verify-indexes.ts';
import type { ImageLocation } from '../transports/location.ts';
import { withPlaces } from '../transports/places.ts';
import type { RegistryAccess } from '../transports/registry-access.ts';
import { measureReading, type ReadingCost } from './reading-cost.ts';

/** What reading a converted image back has shown. */
export interface Proof {
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
    return await withPlaces(access, signal, async (places) => {
      const source = await places.openSource(location);
      const { images } = await describeImage(source, { signal });
      const totalSize = indexedSize(images);
      const verification = await verifyIndexes(source.store, [source.root], { signal, progress, totalSize });
      const seconds = (performance.now() - started) / 1000;
      const costs: ReadingCost[] = [];
      // Of an image for several platforms the first one tells enough.
      for (const image of images.slice(0, 1)) {
        costs.push(...measureReading(await new ImageFiles(source, image, { signal }).indexedLayers()));
      }
      return { verification, seconds, costs };
    });
  } finally {
    progress.close();
  }
}
