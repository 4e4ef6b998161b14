import { type Descriptor, digestOf, isImageManifest, MEDIA_TYPE_OCI_IMAGE_INDEX } from '@soci/oci';
import type { Artifact } from './artifact.ts';
import type { ImageReader } from './image/image-reader.ts';
import { dedupePlatforms } from './image/platform-match.ts';
import {
  type DescriptorStruct,
  encodeIndex,
  type PlatformStruct,
  plainDescriptor,
  toDescriptor,
} from './image/structs.ts';
import type { ResolvedOptions } from './options.ts';
import { choosePlatforms, type PlatformPlan, planPlatforms } from './plan-image.ts';
import { type AttachedIndex, rewriteImageIndex } from './rewrite-index.ts';

// What is done with an image before its zTOCs are there, and after: the same whether they are built or recognized.

/** What is to be converted, and how. */
export interface ConversionPlan {
  /** The image; a single manifest with its platform. */
  readonly target: DescriptorStruct;
  readonly plans: readonly PlatformPlan[];
}

/**
 * Decides what becomes of each platform and layer of an image.
 *
 * @param available - The platforms that the image runs on, of which there is at least the `first`.
 */
export async function planConversion(
  reader: ImageReader,
  source: DescriptorStruct,
  first: PlatformStruct,
  available: readonly PlatformStruct[],
  options: ResolvedOptions,
): Promise<ConversionPlan> {
  // The index that will list a single manifest has to say what it runs on; so far only its configuration does.
  const target = isImageManifest(source.mediaType) ? { ...source, platform: first } : source;
  const chosen = dedupePlatforms(choosePlatforms(target, available, options));
  return { target, plans: await planPlatforms(reader, target, chosen, options) };
}

/** Pairs the platforms that have a SOCI index with it. */
export function attachIndexes(
  plans: readonly PlatformPlan[],
  indexes: readonly ({ readonly descriptor: DescriptorStruct } | undefined)[],
): AttachedIndex[] {
  return plans.flatMap(({ platform, manifest }, i) => {
    const descriptor = indexes[i]?.descriptor;
    return descriptor === undefined ? [] : [{ platform, manifest, descriptor }];
  });
}

/** An image index that lists SOCI indexes, and the manifests that had to be written anew. */
export interface RewrittenImage {
  readonly root: Descriptor;
  readonly content: Uint8Array;
  readonly manifests: readonly Artifact[];
}

/** Writes the converted image: its image index, or one around its single manifest, with SOCI indexes attached. */
export async function rewriteImage(
  reader: ImageReader,
  target: DescriptorStruct,
  attached: readonly AttachedIndex[],
  options: Pick<ResolvedOptions, 'isCompat'>,
): Promise<RewrittenImage> {
  const isWrapped = isImageManifest(target.mediaType);
  const index = isWrapped
    ? { schemaVersion: 2, artifactType: '', manifests: [target], subject: null, annotations: null }
    : await reader.index(target);
  const { isCompat } = options;
  const rewritten = await rewriteImageIndex(reader, { ...index, mediaType: MEDIA_TYPE_OCI_IMAGE_INDEX }, attached, {
    isCompat,
    isWrapped,
  });
  const content = encodeIndex(rewritten.index);
  const root = toDescriptor(plainDescriptor(MEDIA_TYPE_OCI_IMAGE_INDEX, digestOf(content), content.length));
  return { root, content, manifests: rewritten.manifests };
}
