// SOCI-enabled images with a wrong zTOC in the place of a right one. All digests in their manifests match.
import { readFileSync } from 'node:fs';
import type { Descriptor } from '@soci/oci';
import { type LayoutStore, openLayout } from '@soci/oci/layout';
import { contentOf } from '@soci/test-content';
import { blobPath } from './write-image.ts';

const INDEX_DIGEST = 'com.amazon.soci.index-digest';
const IMAGE_DIGEST = 'com.amazon.soci.image-manifest-digest';

/** Returns the wrong zTOC. `other` is that of another layer of the image. */
export type ZtocChange = (ztoc: Uint8Array, other: Uint8Array) => Uint8Array;

/** Result of {@link addWrongImage}. */
export interface WrongImage {
  readonly root: Descriptor;
  /** The right zTOC. */
  readonly before: Uint8Array;
  /** The wrong zTOC. */
  readonly after: Uint8Array;
}

/** A manifest or an image index, as far as it is read here. */
interface Document {
  readonly artifactType?: string;
  readonly manifests: readonly Descriptor[];
  readonly layers: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * Adds an image to a layout: the SOCI-enabled image of the layout with the changed zTOC of its second layer.
 *
 * @returns The root of the image, and both zTOCs.
 */
export async function addWrongImage(folder: string, change: ZtocChange): Promise<WrongImage> {
  const layout = await openLayout(folder);
  const [root] = (await layout.roots()) as [Descriptor];
  const read = (digest: string) => JSON.parse(readFileSync(blobPath(folder, digest), 'utf8')) as Document;
  const top = read(root.digest);
  const soci = top.manifests.find(({ artifactType }) => artifactType !== undefined) as Descriptor;
  const image = top.manifests.find(({ artifactType }) => artifactType === undefined) as Descriptor;

  const index = read(soci.digest);
  const [first, second, ...rest] = index.layers as [Descriptor, Descriptor];
  const [other, right] = [first, second].map(({ digest }) => readFileSync(blobPath(folder, digest))) as [
    Buffer,
    Buffer,
  ];
  const after = change(right, other);
  const wrong = await put(layout, second, after);
  const wrongSoci = await put(layout, soci, { ...index, layers: [first, wrong, ...rest] });
  const manifest = read(image.digest);
  const annotations = { ...manifest.annotations, [INDEX_DIGEST]: wrongSoci.digest };
  const wrongImage = await put(layout, image, { ...manifest, annotations });
  const wrongRoot = await put(layout, root, {
    ...top,
    manifests: [
      { ...wrongImage, annotations: { ...image.annotations, [INDEX_DIGEST]: wrongSoci.digest } },
      { ...wrongSoci, annotations: { ...soci.annotations, [IMAGE_DIGEST]: wrongImage.digest } },
    ],
  });
  return { root: wrongRoot, before: right, after };
}

/** Pushes content of the type of another. Returns its descriptor with the other fields of that. */
async function put(layout: LayoutStore, like: Descriptor, content: object | Uint8Array): Promise<Descriptor> {
  const { descriptor, bytes } = contentOf(like.mediaType, content);
  await layout.push(descriptor, bytes);
  return { ...like, digest: descriptor.digest, size: descriptor.size };
}
