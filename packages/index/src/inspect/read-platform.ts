import type { Fetcher, Platform } from '@soci/oci';
import { ImageReader } from '../image/image-reader.ts';
import { resolveLimits } from '../options.ts';
import type { ImageManifestEntry, InspectOptions } from './inspect-image.ts';

/**
 * Returns the platform of an image: that of its descriptor or, if it has none, of its configuration. Reads it like
 * `convertImage`: a missing `os` is `linux`, and a missing `architecture` is empty.
 *
 * @param store - Store of the image.
 * @param image - Image from the result of `inspectImage`.
 * @throws SociIndexError `MANIFEST_INVALID`, `LIMIT_EXCEEDED`; errors of `store`; the abort reason of `options.signal`.
 */
export async function readPlatform(
  store: Fetcher,
  { descriptor, config }: Pick<ImageManifestEntry, 'descriptor' | 'config'>,
  { limits, signal }: InspectOptions = {},
): Promise<Platform> {
  return descriptor.platform ?? new ImageReader(store, resolveLimits(limits), signal).configPlatform(config);
}
