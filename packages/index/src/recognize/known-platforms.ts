import { isImageConfig, isImageManifest } from '@soci/oci';
import type { DescriptorStruct, PlatformStruct } from '../go-json/image-spec.ts';
import type { ImageReader } from '../image/image-reader.ts';
import { normalizeStruct } from '../image/platform-match.ts';
import { listPlatforms } from '../image/select.ts';

/**
 * Lists the platforms that an image runs on, as `listPlatforms` does, without reading the configuration of a single
 * manifest where somebody has read it before: `told` is what came of it.
 *
 * What is told is not proved to be what the configuration says. It need not be: the entry that it was taken from is
 * compared with the manifest that is written anew, whose configuration is the image's by digest, so that it tells of this
 * image or nothing is recognized; and the configuration gives normalized platforms only, so that what an index says in
 * its own spelling is not taken for it. A platform that is wrong all the same was wrong when the image was converted, and
 * converting it anew is what whoever has changed it there can ask for.
 */
export async function listKnownPlatforms(
  reader: ImageReader,
  image: DescriptorStruct,
  told: PlatformStruct | null,
): Promise<PlatformStruct[]> {
  if (told !== null && (await asksConfigOnly(reader, image))) return [told];
  return listPlatforms(reader, image);
}

/** Whether an image is a single manifest whose configuration alone says what it runs on. */
async function asksConfigOnly(reader: ImageReader, image: DescriptorStruct): Promise<boolean> {
  if (!isImageManifest(image.mediaType) || image.platform !== null) return false;
  const { config, layers } = await reader.manifest(image);
  return isImageConfig(config.mediaType) && [config, ...(layers ?? [])].every(({ platform }) => platform === null);
}

/** Whether a platform is written as one that is read from a configuration. */
export function isNormalized(platform: PlatformStruct): boolean {
  return JSON.stringify(platform) === JSON.stringify(normalizeStruct(platform));
}
