import { formatPlatform, type Platform, platformMatches } from '@soci/oci';
import { CliError, usageError } from '../errors.ts';
import type { ImageDescription, PlatformImage } from './describe-image.ts';

/**
 * The image for one platform: the one that is asked for, or the only one there is.
 *
 * @throws CliError `USAGE_INVALID` where nothing is asked for and there are several, `SOURCE_INVALID` where there is none.
 */
export function choosePlatform({ images, root }: ImageDescription, wanted: Platform | undefined): PlatformImage {
  const [first, ...others] = images;
  if (first === undefined) throw new CliError('SOURCE_INVALID', `${root.digest} holds no image`);
  const there = images.map(({ platform }) => formatPlatform(platform)).join(', ');
  if (wanted !== undefined) {
    const found = images.find(({ platform }) => platformMatches(wanted, platform));
    if (found) return found;
    throw new CliError('SOURCE_INVALID', `the image is not for ${formatPlatform(wanted)}, but for ${there}`);
  }
  if (others.length > 0)
    throw usageError(`the image is for several platforms: ${there}`, 'Choose one with --platform.');
  return first;
}
