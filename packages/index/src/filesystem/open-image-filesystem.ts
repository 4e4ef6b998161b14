import {
  type Descriptor,
  type Fetcher,
  formatPlatform,
  isImageConfig,
  type Platform,
  platformMatches,
  type RangeFetcher,
  type ReferrerLister,
} from '@soci/oci';
import { SociIndexError } from '../errors.ts';
import { type ImageManifestEntry, type InspectOptions, inspectImage, readPlatform } from '../inspect/inspect-image.ts';
import { resolveLimits } from '../options.ts';
import { ImageFilesystem } from './image-filesystem.ts';

/** Options of {@link openImageFilesystem}. `signal` also aborts later reads. */
export interface ImageFilesystemOptions extends InspectOptions {
  /** Platform whose files are read. @default the only platform of the image */
  readonly platform?: Platform;
  /** Maximum number of spans of a zTOC. A zTOC with more is not used. @default 32,768, as in `ZtocLimits` of `@soci/ztoc` */
  readonly maxSpans?: number;
}

/**
 * Opens the file system of an image: the merged layers, as a container sees them. Reads only manifests. Files are read
 * later, through the zTOCs of the SOCI indexes of the image, v2 before v1.
 *
 * @param store - Store of the image. If it lists referrers, v1 indexes are used too.
 * @param image - Image manifest or image index.
 * @throws SociIndexError `PLATFORM_NOT_FOUND` if the image has no manifest for `platform`; `PLATFORM_AMBIGUOUS` if it has
 *   several platforms and `platform` is not set; errors of `inspectImage`.
 */
export async function openImageFilesystem(
  store: Fetcher & RangeFetcher & Partial<ReferrerLister>,
  image: Descriptor,
  options: ImageFilesystemOptions = {},
): Promise<ImageFilesystem> {
  const { entries } = await inspectImage(store, image, options);
  const images = entries
    .filter((entry) => entry.kind === 'image')
    .filter(({ config }) => isImageConfig(config.mediaType));
  const { layers, config, indexes } = await chooseImage(store, image, images, options);
  const { maxZtocSize } = resolveLimits(options.limits);
  return new ImageFilesystem({
    store,
    layers,
    config,
    indexes,
    maxZtocSize,
    maxSpans: options.maxSpans,
    signal: options.signal,
  });
}

/** Returns the only image, or the image for the selected platform. */
async function chooseImage(
  store: Fetcher,
  { digest }: Descriptor,
  images: readonly ImageManifestEntry[],
  options: ImageFilesystemOptions,
): Promise<ImageManifestEntry> {
  const { platform: wanted } = options;
  const [first, ...others] = images;
  if (first === undefined) throw new SociIndexError('PLATFORM_NOT_FOUND', `${digest} contains no image`, { digest });
  if (wanted === undefined && others.length === 0) return first;
  const platforms: Platform[] = [];
  for (const image of images) {
    const platform = await readPlatform(store, image, options);
    if (wanted !== undefined && platformMatches(wanted, platform)) return image;
    platforms.push(platform);
  }
  const available = [...new Set(platforms.map(formatPlatform))].join(', ');
  if (wanted === undefined) {
    throw new SociIndexError('PLATFORM_AMBIGUOUS', `the image has several platforms, select one: ${available}`, {
      digest,
    });
  }
  const message = `the image has no manifest for ${formatPlatform(wanted)}, only for ${available}`;
  throw new SociIndexError('PLATFORM_NOT_FOUND', message, { digest });
}
