import { recognizeConversion, recognizeIndexes, type SociIndexOptions } from '@soci/index';
import type { Holdings, ImageSource } from '../transports/transport.ts';
import type { CurrentIndexes } from './index-into.ts';

/** The converted image that a name stands for already, where it is what converting the image again would make. */
export async function recognizeImage(
  { store, root: image }: ImageSource,
  { store: held, current: root }: Holdings,
  options: SociIndexOptions,
): Promise<CurrentIndexes | undefined> {
  if (root === undefined) return undefined;
  const found = await recognizeConversion(store, image, root, { ...options, convertedStore: held });
  return found.outcome === 'current' ? { outcome: 'current', root, indexes: found.indexes } : undefined;
}

/** The indexes that refer to an image already, where they are those that would be made. */
export async function recognizeReferrers(
  { root: image }: ImageSource,
  { store: held }: Holdings,
  options: SociIndexOptions,
): Promise<CurrentIndexes | undefined> {
  const found = await recognizeIndexes(held, image, options);
  return found.outcome === 'current' ? { outcome: 'current', indexes: found.indexes } : undefined;
}

/** The same of an image that is to be copied: it must bear the name that it is to get there. */
export async function recognizeCopy(
  image: ImageSource,
  holdings: Holdings,
  options: SociIndexOptions,
): Promise<CurrentIndexes | undefined> {
  return holdings.current?.digest === image.root.digest ? recognizeReferrers(image, holdings, options) : undefined;
}
