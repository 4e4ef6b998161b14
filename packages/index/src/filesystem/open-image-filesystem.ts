import {
  type Descriptor,
  type Fetcher,
  formatPlatform,
  isImageConfig,
  type Platform,
  parseImageConfig,
  platformMatches,
  type RangeFetcher,
  type ReferrerLister,
  readVerified,
} from '@soci/oci';
import { SociIndexError } from '../errors.ts';
import { type ImageManifestEntry, type InspectOptions, inspectImage } from '../inspect/inspect-image.ts';
import { resolveLimits } from '../options.ts';
import { ImageFilesystem } from './image-filesystem.ts';

/** Options of {@link openImageFilesystem}. `signal` ends all later reading too. */
export interface ImageFilesystemOptions extends InspectOptions {
  /** Platform whose files are read. @default the only one of the image */
  readonly platform?: Platform;
}

/**
 * Opens the file system of an image: its layers, one over the other, as a container sees them. Only manifests are read
 * yet. Files are read through the zTOCs of the image's SOCI indexes, v2 before v1, as far as they have one of a layer.
 *
 * @param store - Holds the image. If it lists referrers, v1 indexes are found too.
 * @param image - The image, or an image index.
 * @throws SociIndexError `PLATFORM_NOT_FOUND` if the image is not for `platform`, or lists no image at all;
 * `PLATFORM_AMBIGUOUS` if it is for several platforms and none is given; what `inspectImage` throws.
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
  const { layers, indexes } = await chooseImage(store, image, images, options);
  const { maxZtocSize } = resolveLimits(options.limits);
  return new ImageFilesystem({ store, layers, indexes, maxZtocSize, signal: options.signal });
}

/** The only image, or that for the platform that is asked for. */
async function chooseImage(
  store: Fetcher,
  { digest }: Descriptor,
  images: readonly ImageManifestEntry[],
  { platform: wanted, signal }: ImageFilesystemOptions,
): Promise<ImageManifestEntry> {
  const [first, ...others] = images;
  if (first === undefined) throw new SociIndexError('PLATFORM_NOT_FOUND', `${digest} holds no image`, { digest });
  if (wanted === undefined && others.length === 0) return first;
  const readConfig = async ({ config }: ImageManifestEntry) =>
    parseImageConfig(await readVerified(store, config, signal === undefined ? {} : { signal }));
  const platforms: Platform[] = [];
  for (const image of images) {
    const platform = image.descriptor.platform ?? (await readConfig(image)).platform;
    if (wanted !== undefined && platformMatches(wanted, platform)) return image;
    platforms.push(platform);
  }
  const available = platforms.map(formatPlatform).join(', ');
  if (wanted === undefined) {
    throw new SociIndexError('PLATFORM_AMBIGUOUS', `the image is for several platforms: ${available}`, { digest });
  }
  const message = `the image is not for ${formatPlatform(wanted)}, but for ${available}`;
  throw new SociIndexError('PLATFORM_NOT_FOUND', message, { digest });
}
