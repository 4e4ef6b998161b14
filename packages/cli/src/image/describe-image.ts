import { type ImageManifestEntry, inspectImage, type SociDocument } from '@soci/index';
import {
  type CallOptions,
  type Descriptor,
  isImageConfig,
  type Platform,
  parseImageConfig,
  parseManifest,
  readVerified,
} from '@soci/oci';
import type { ImageSource } from '../transports/transport.ts';

/** What an image consists of. */
export interface ImageDescription {
  readonly root: Descriptor;
  /** The images in it, in its order: one, or one a platform. */
  readonly images: readonly PlatformImage[];
  /** What it lists beside images and their SOCI indexes. */
  readonly others: readonly OtherManifest[];
}

/** An image for one platform. */
export interface PlatformImage {
  readonly platform: Platform;
  readonly manifest: Descriptor;
  readonly config: Descriptor;
  /** The base first. */
  readonly layers: readonly Descriptor[];
  /** The SOCI indexes that belong to it: those that the image index lists, then those that refer to it. */
  readonly sociIndexes: readonly SociDocument[];
}

/** A manifest that is no image, nor a SOCI index of one. */
export interface OtherManifest {
  readonly descriptor: Descriptor;
  /** `attestation`, `image-index`, `artifact`, `soci-index` (of no image here), or `missing` where the store does not hold it. */
  readonly kind: string;
}

/**
 * Reads what an image consists of: its manifests and configurations, not its layers.
 *
 * @throws what `inspectImage` of `@soci/index` throws.
 */
export async function describeImage({ store, root }: ImageSource, call: CallOptions): Promise<ImageDescription> {
  const { entries } = await inspectImage(store, root, call);
  const images: PlatformImage[] = [];
  const others: OtherManifest[] = [];
  for (const entry of entries) {
    if (entry.kind === 'image') {
      const image = await describeManifest(entry);
      if (image) images.push(image);
      else others.push({ descriptor: entry.descriptor, kind: 'artifact' });
    } else if (
      entry.kind !== 'soci-index' ||
      !entries.some((other) => other.kind === 'image' && owns(other, entry.descriptor))
    ) {
      others.push({ descriptor: entry.descriptor, kind: entry.kind });
    }
  }
  return { root, images, others };

  async function describeManifest(entry: ImageManifestEntry): Promise<PlatformImage | undefined> {
    const { descriptor: manifest, layers, indexes: sociIndexes } = entry;
    const { config } = parseManifest(await readVerified(store, manifest, call), manifest);
    if (!isImageConfig(config.mediaType)) return undefined;
    const { platform } = parseImageConfig(await readVerified(store, config, call));
    return { platform: manifest.platform ?? platform, manifest, config, layers, sociIndexes };
  }
}

function owns({ indexes }: ImageManifestEntry, index: Descriptor): boolean {
  return indexes.some(({ descriptor }) => descriptor.digest === index.digest);
}

/** Bytes of the layers that have a zTOC, each layer once. */
export function indexedSize(images: readonly PlatformImage[]): number {
  const sizes = new Map<string, number>();
  for (const image of images) {
    for (const { digest, size } of image.layers) {
      if (image.sociIndexes.some(({ ztocs }) => ztocs.some(({ layerDigest }) => layerDigest === digest)))
        sizes.set(digest, size);
    }
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}
