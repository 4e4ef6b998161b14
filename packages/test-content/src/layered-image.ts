// Images with layers of any compression, whose configuration lists the digests of the uncompressed layers.
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { type Content, type ContentDescriptor, type ContentStore, contentOf, sha256 } from './content.ts';
import { AMD64, type ImageContent, type ImagePlatform, makeManifest } from './image.ts';
import { Random } from './random.ts';
import { tarOf } from './tar.ts';

const CONFIG = 'application/vnd.oci.image.config.v1+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar';

/** A layer: its uncompressed tar, and its stored form. */
export interface CompressedLayer {
  readonly tar: Uint8Array;
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Creates a tar of one file of text, which compresses about as well as the files of real images. */
export function makeTextTar(name: string, size: number): Uint8Array {
  const words = Array.from({ length: 512 }, (_, i) => Buffer.from(new Random(i).bytes(3 + (i % 7))).toString('hex'));
  const picks = new Random(...Buffer.from(name)).bytes(Math.ceil(size / 7));
  const text = [...picks].map((pick, i) => words[pick * 2 + (i % 2)]).join(' ');
  return tarOf({ [name]: text.slice(0, size) });
}

/** Creates a gzip layer of text, see {@link makeTextTar}. */
export function makeTextLayer(name: string, size = 50_000): CompressedLayer {
  const tar = makeTextTar(name, size);
  return { tar, bytes: gzipSync(tar), mediaType: `${LAYER}+gzip` };
}

/** Creates a zstd layer of text with one frame. */
export function makeZstdTextLayer(name: string, size = 200_000, mediaType = `${LAYER}+zstd`): CompressedLayer {
  const tar = makeTextTar(name, size);
  return { tar, bytes: zstdCompressSync(tar), mediaType };
}

/** Compresses with zstd in frames of `frameSize` bytes, each followed by a skippable frame, similar to zstd:chunked. */
export function compressInFrames(tar: Uint8Array, frameSize = 10_000): Uint8Array {
  const skippable = Buffer.from('502a4d1804000000deadbeef', 'hex');
  const frames: Uint8Array[] = [];
  for (let start = 0; start < tar.length; start += frameSize) {
    frames.push(zstdCompressSync(tar.subarray(start, start + frameSize)), skippable);
  }
  return Buffer.concat(frames);
}

/** Options of {@link makeLayeredImage}. */
export interface LayeredImageOptions {
  readonly platform?: ImagePlatform;
  /** Media type of the manifest. @default that of OCI */
  readonly mediaType?: string;
  /** @default the digests of the uncompressed layers */
  readonly diffIds?: readonly string[];
}

/** Creates an image. */
export function makeLayeredImage(
  layers: readonly CompressedLayer[],
  { platform = AMD64, mediaType = MANIFEST, diffIds = layers.map(({ tar }) => sha256(tar)) }: LayeredImageOptions = {},
): ImageContent {
  const config = contentOf(CONFIG, { ...platform, rootfs: { type: 'layers', diff_ids: diffIds } });
  const contents = layers.map(({ bytes, mediaType: type, annotations }): Content => {
    const { descriptor } = contentOf(type, bytes);
    return { bytes, descriptor: { ...descriptor, ...(annotations && { annotations }) } };
  });
  return makeManifest(mediaType, config, contents);
}

/** Pushes an image to a store, see {@link makeLayeredImage}. Returns its descriptor. */
export async function putLayeredImage(
  store: ContentStore,
  layers: readonly CompressedLayer[],
  options?: LayeredImageOptions,
): Promise<ContentDescriptor> {
  const image = makeLayeredImage(layers, options);
  for (const { descriptor, bytes } of [...image.blobs, image]) await store.push(descriptor, bytes);
  return image.descriptor;
}
