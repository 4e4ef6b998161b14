import {
  type Descriptor,
  formatPlatform,
  isImageConfig,
  isImageIndex,
  isImageManifest,
  type Platform,
} from '@soci/oci';
import { SociIndexError } from '../errors.ts';
import type { ManifestDocument } from '../go-json/image-spec.ts';
import type { ResolvedOptions } from '../options.ts';
import { type ImageReader, isNotFound, isRunnable } from './image-reader.ts';
import { matchPlatform, type PlatformMatcher } from './platform-match.ts';

/** Option of this file's functions: `compat` reads no platforms of entries from configurations. */
export type SelectOptions = Pick<ResolvedOptions, 'isCompat'>;

/**
 * Lists the platforms of an image in its order, from descriptors or, if they have no platform, from configurations. Skips
 * attestations, whose platform is `unknown/unknown` (containerd v2.2.9, core/images/image.go, `Platforms`).
 */
export async function listPlatforms(
  reader: ImageReader,
  image: Descriptor,
  { isCompat }: SelectOptions,
): Promise<Platform[]> {
  const platforms: Platform[] = [];
  const count = reader.startWalk();
  const visit = async (descriptors: readonly Descriptor[]): Promise<void> => {
    count(descriptors.length);
    for (const descriptor of descriptors) {
      const { platform, mediaType } = descriptor;
      if (platform !== undefined) {
        if (isRunnable(platform)) platforms.push(platform);
      } else if (isImageConfig(mediaType)) {
        const own = await reader.configPlatform(descriptor);
        if (isCompat || isRunnable(own)) platforms.push(own);
      } else if (isImageManifest(mediaType)) {
        const { config, layers } = await reader.manifest(descriptor);
        await visit([config, ...(layers ?? [])]);
      } else if (isImageIndex(mediaType)) {
        await visit((await reader.index(descriptor)).manifests ?? []);
      }
    }
  };
  await visit([image]);
  return platforms;
}

/**
 * Returns the descriptor of the image manifest for a SOCI index: the first one that matches `platform`
 * (soci/soci_index.go, `GetImageManifestDescriptor`).
 *
 * An entry without a platform gets that of its configuration. With `compat`, it is an error, as in soci.
 *
 * @throws SociIndexError `PLATFORM_NOT_FOUND`; with `compat`, `PLATFORM_MISSING`
 */
export async function findManifest(
  reader: ImageReader,
  image: Descriptor,
  platform: Platform,
  { isCompat }: SelectOptions,
): Promise<Descriptor> {
  const matches = matchPlatform(platform);
  if (isImageIndex(image.mediaType)) {
    const entries = await reader.entries(image, { readsPlatforms: !isCompat });
    for (const descriptor of entries) {
      if (descriptor.platform === undefined) {
        if (!isCompat) continue;
        const message = `image index ${image.digest} lists ${descriptor.digest} without a platform`;
        throw new SociIndexError('PLATFORM_MISSING', message, { digest: image.digest });
      }
      if (matches(descriptor.platform)) return descriptor;
    }
    throw platformNotFound(image, platform, entries);
  }
  if (image.platform !== undefined && !matches(image.platform)) throw platformNotFound(image, platform, [image]);
  return image;
}

/**
 * Checks that an image without an image index is for the selected platforms.
 *
 * @param own - Platforms of the image, from its configuration.
 * @throws SociIndexError `PLATFORM_NOT_FOUND`
 */
export function checkOwnPlatform(image: Descriptor, own: readonly Platform[], selected: readonly Platform[]): void {
  if (isImageIndex(image.mediaType) || own.length === 0) return;
  for (const platform of selected) {
    if (!own.some(matchPlatform(platform))) {
      throw platformNotFound(
        image,
        platform,
        own.map((each) => ({ ...image, platform: each })),
      );
    }
  }
}

/**
 * Reads the manifest whose layers are indexed for `platform`: of the matching manifests, the first one with the most OS
 * features (containerd v2.2.9, core/images/image.go, `Manifest`).
 *
 * @throws SociIndexError `PLATFORM_NOT_FOUND`
 */
export async function selectManifest(
  reader: ImageReader,
  image: Descriptor,
  platform: Platform,
  { isCompat }: SelectOptions,
): Promise<ManifestDocument> {
  const matches = matchPlatform(platform);
  const visit = async (descriptor: Descriptor): Promise<ManifestDocument | undefined> => {
    if (isImageManifest(descriptor.mediaType)) {
      const manifest = await reader.manifest(descriptor);
      if (descriptor.digest === image.digest) return manifest;
      const own = descriptor.platform ?? (await reader.configPlatform(manifest.config));
      return matches(own) ? manifest : undefined;
    }
    if (!isImageIndex(descriptor.mediaType)) throw notAnImage(descriptor);
    const best = pickBest(await reader.entries(descriptor, { readsPlatforms: !isCompat }), matches);
    return best === undefined ? undefined : visit(best);
  };
  const manifest = await visit(image);
  if (manifest !== undefined) return manifest;
  const entries = isImageIndex(image.mediaType) ? await reader.entries(image, { readsPlatforms: !isCompat }) : [image];
  throw platformNotFound(image, platform, entries);
}

/** Returns the best match. Uses the first entry without a platform if no other matches; its configuration is checked later. */
function pickBest(candidates: readonly Descriptor[], matches: PlatformMatcher): Descriptor | undefined {
  const known = candidates.filter(({ platform }) => platform !== undefined && matches(platform));
  const countFeatures = (candidate: Descriptor) => candidate.platform?.['os.features']?.length ?? 0;
  const [first, ...others] = known;
  if (first === undefined) return candidates.find(({ platform }) => platform === undefined);
  return others.reduce((best, other) => (countFeatures(other) > countFeatures(best) ? other : best), first);
}

/**
 * Reads the first manifest of an image or image index, of any platform. Returns undefined if a manifest is missing in the
 * store (containerd v2.2.9, core/images/image.go, `Manifest` without a platform).
 */
export async function readFirstManifest(
  reader: ImageReader,
  descriptor: Descriptor,
): Promise<ManifestDocument | undefined> {
  const count = reader.startWalk();
  const visit = async (current: Descriptor): Promise<ManifestDocument | undefined> => {
    if (isImageManifest(current.mediaType)) return reader.manifest(current);
    if (!isImageIndex(current.mediaType)) throw notAnImage(current);
    const manifests = (await reader.index(current)).manifests ?? [];
    count(manifests.length);
    let first: ManifestDocument | undefined;
    for (const child of manifests) {
      const manifest = await visit(child);
      first ??= manifest;
    }
    return first;
  };
  try {
    return await visit(descriptor);
  } catch (error) {
    if (isNotFound(error) || (error instanceof SociIndexError && error.code === 'PLATFORM_NOT_FOUND')) return undefined;
    throw error;
  }
}

/** Maximum number of platforms in an error message. */
const MAX_LISTED_PLATFORMS = 20;

function platformNotFound(image: Descriptor, platform: Platform, entries: readonly Descriptor[]): SociIndexError {
  const platforms = entries.flatMap((entry) => (entry.platform && isRunnable(entry.platform) ? [entry.platform] : []));
  const available = [...new Set(platforms.map(formatPlatform))];
  const listed = available.slice(0, MAX_LISTED_PLATFORMS).join(', ');
  const more = available.length > MAX_LISTED_PLATFORMS ? ` and ${available.length - MAX_LISTED_PLATFORMS} more` : '';
  const others = available.length === 0 ? '' : `, only for ${listed}${more}`;
  const message = `image ${image.digest} has no manifest for ${formatPlatform(platform)}${others}`;
  return new SociIndexError('PLATFORM_NOT_FOUND', message, { digest: image.digest });
}

function notAnImage({ mediaType, digest }: Descriptor): SociIndexError {
  const message = `${digest} has the media type ${mediaType}, expected an image manifest or image index`;
  return new SociIndexError('PLATFORM_NOT_FOUND', message, { digest });
}
