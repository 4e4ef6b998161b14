import { findZtoc, inspectImage, type SociDocument } from '@soci/index';
import {
  type CallOptions,
  type Descriptor,
  isImageConfig,
  type Platform,
  parseImageConfig,
  readVerified,
} from '@soci/oci';
import { CliError, usageError } from '../errors.ts';
import type { OpenImage } from '../transports/image-stores.ts';

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
export async function describeImage({ store, root }: OpenImage, call: CallOptions): Promise<ImageDescription> {
  const { entries } = await inspectImage(store, root, call);
  const owned = new Set(
    entries.flatMap((entry) =>
      entry.kind === 'image' ? entry.indexes.map(({ descriptor }) => descriptor.digest) : [],
    ),
  );
  const images: PlatformImage[] = [];
  const others: OtherManifest[] = [];
  for (const entry of entries) {
    if (entry.kind === 'image') {
      const { descriptor: manifest, config, layers, indexes: sociIndexes } = entry;
      if (!isImageConfig(config.mediaType)) {
        others.push({ descriptor: manifest, kind: 'artifact' });
        continue;
      }
      const { platform } = parseImageConfig(await readVerified(store, config, call));
      images.push({ platform: manifest.platform ?? platform, manifest, config, layers, sociIndexes });
    } else if (!owned.has(entry.descriptor.digest)) others.push({ descriptor: entry.descriptor, kind: entry.kind });
  }
  return { root, images, others };
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

/**
 * The layer that a person names by its digest, or by the beginning of it, with or without `sha256:`.
 *
 * @throws CliError `USAGE_INVALID` where the beginning is too short or several layers share it, `SOURCE_INVALID` where no
 * layer has it.
 */
export function findLayer(
  { images }: ImageDescription,
  named: string,
): { readonly image: PlatformImage; readonly layer: Descriptor } {
  const hex = named.replace(/^sha(256|512):/, '').toLowerCase();
  if (!/^[0-9a-f]{6,128}$/.test(hex)) {
    throw usageError(`${JSON.stringify(named)} is no digest`, 'Give at least six of its hex digits.');
  }
  const found = images.flatMap((image) =>
    image.layers
      .filter(({ digest }) => digest.slice(digest.indexOf(':') + 1).startsWith(hex))
      .map((layer) => ({ image, layer })),
  );
  const [first, ...others] = found;
  if (first === undefined) {
    throw new CliError('SOURCE_INVALID', `no layer of the image has a digest that begins with ${hex}`);
  }
  if (others.some(({ layer }) => layer.digest !== first.layer.digest)) {
    throw usageError(`several layers have digests that begin with ${hex}`, 'Give more of its digits.');
  }
  return found.find(({ image }) => findZtoc(image.sociIndexes, first.layer.digest) !== undefined) ?? first;
}
