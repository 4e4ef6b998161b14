import {
  findLayerWarnings,
  findZtoc,
  inspectImage,
  type LayerWarning,
  readPlatform,
  type SociDocument,
} from '@soci/index';
import { type CallOptions, type Descriptor, isImageConfig, type Platform, quoteText } from '@soci/oci';
import { CliError, usageError } from '../errors.ts';
import { MAX_ZTOC_SIZE } from '../files/read-file.ts';
import type { OpenImage } from '../transports/image-stores.ts';

/** Content of an image. */
export interface ImageDescription {
  readonly root: Descriptor;
  /** One image, or one for each platform, in the order of the image index. */
  readonly images: readonly PlatformImage[];
  /** Other manifests in the image index. */
  readonly others: readonly OtherManifest[];
}

/** An image for one platform. */
export interface PlatformImage {
  readonly platform: Platform;
  readonly manifest: Descriptor;
  readonly config: Descriptor;
  /** Base layer first. */
  readonly layers: readonly Descriptor[];
  /** SOCI indexes of this image: those in the image index, then those that refer to it. */
  readonly sociIndexes: readonly SociDocument[];
  /** Warnings by layer digest, if {@link withWarnings} read them. */
  readonly warnings?: ReadonlyMap<string, readonly LayerWarning[]>;
}

/** A manifest that is neither an image nor a SOCI index of one. */
export interface OtherManifest {
  readonly descriptor: Descriptor;
  /** `attestation`, `image-index`, `artifact`, `soci-index` (its image is not listed), or `missing` (not in the store). */
  readonly kind: string;
}

/**
 * Reads the manifests and configurations of an image, but not its layers.
 *
 * @throws Errors of `inspectImage` in `@soci/index`.
 */
export async function describeImage({ store, root }: OpenImage, call: CallOptions): Promise<ImageDescription> {
  const { entries } = await inspectImage(store, root, call);
  const listedIndexes = new Set(
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
      const platform = await readPlatform(store, entry, call);
      images.push({ platform, manifest, config, layers, sociIndexes });
    } else if (!listedIndexes.has(entry.descriptor.digest))
      others.push({ descriptor: entry.descriptor, kind: entry.kind });
  }
  return { root, images, others };
}

/** Reads the zTOCs of an image and adds the warnings about them. */
export async function withWarnings(
  description: ImageDescription,
  { store }: OpenImage,
  { signal }: CallOptions,
): Promise<ImageDescription> {
  const options = { limits: { maxZtocSize: MAX_ZTOC_SIZE }, ...(signal && { signal }) };
  const images: PlatformImage[] = [];
  for (const image of description.images) {
    const { layers, sociIndexes: indexes } = image;
    images.push({ ...image, warnings: await findLayerWarnings(store, { layers, indexes }, options) });
  }
  return { ...description, images };
}

/** Returns the total size of the layers with a zTOC, in bytes. Counts each layer once. */
export function indexedSize(images: readonly PlatformImage[]): number {
  const sizes = new Map<string, number>();
  for (const image of images) {
    for (const { digest, size } of image.layers) {
      if (findZtoc(image.sociIndexes, digest) !== undefined) sizes.set(digest, size);
    }
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

/**
 * Finds a layer by its digest or a prefix of it, with or without `sha256:`.
 *
 * @throws CliError `USAGE_INVALID` if the prefix has fewer than six digits or matches several layers, `SOURCE_INVALID` if
 * it matches none.
 */
export function findLayer(
  { images }: ImageDescription,
  digestPrefix: string,
): { readonly image: PlatformImage; readonly layer: Descriptor } {
  const hex = digestPrefix.replace(/^sha(256|512):/, '').toLowerCase();
  if (!/^[0-9a-f]{6,128}$/.test(hex)) {
    throw usageError(
      `${quoteText(digestPrefix)} is not a digest`,
      'Use at least six hexadecimal digits of the digest.',
    );
  }
  const found = images.flatMap((image) =>
    image.layers
      .filter(({ digest }) => digest.slice(digest.indexOf(':') + 1).startsWith(hex))
      .map((layer) => ({ image, layer })),
  );
  const [first, ...others] = found;
  if (first === undefined) {
    throw new CliError('SOURCE_INVALID', `the image has no layer with digest ${hex}...`);
  }
  if (others.some(({ layer }) => layer.digest !== first.layer.digest)) {
    throw usageError(`several layers have a digest that starts with ${hex}`, 'Use more digits.');
  }
  return found.find(({ image }) => findZtoc(image.sociIndexes, first.layer.digest) !== undefined) ?? first;
}
