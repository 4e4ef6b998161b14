import { convertImage, type ImageManifestEntry, type IndexProgress, inspectImage, readPlatform } from '@soci/index';
import {
  type Descriptor,
  digestOf,
  formatPlatform,
  isImageConfig,
  MEDIA_TYPE_OCI_IMAGE_CONFIG,
  MEDIA_TYPE_OCI_IMAGE_INDEX,
  MEDIA_TYPE_OCI_IMAGE_MANIFEST,
  MEDIA_TYPE_OCI_LAYER,
  type Platform,
  platformMatches,
  readVerified,
} from '@soci/oci';
import type { LayoutDraft } from '@soci/oci/layout';
import { CliError } from '../errors.ts';
import type { OpenImage } from '../transports/image-stores.ts';
import { type LayerFormat, unpackLayer } from './unpack-layer.ts';

/** Smallest span, in bytes: a page, the smallest unit that the kernel reads from a file system. */
const MIN_SPAN_SIZE = 4096;

/**
 * Maximum number of spans of a platform. A span needs about 85 bytes in a zTOC, so that the zTOCs of a platform have at most
 * 45 MB. Images of more than 2 GiB get larger spans.
 */
export const MAX_SPANS = 2 ** 19;

/** Maximum size of the unpacked layers of an image, in bytes: far above the size of an image, below that of a small bomb. */
const MAX_UNPACKED_SIZE = 64 * 2 ** 30;

/**
 * An image that starts like another one, made to record what the start reads. Its layers have the same files, but are
 * uncompressed: a checkpoint of a gzip layer needs 32 KiB and can only be between two blocks of the compressor, a span of an
 * uncompressed layer can have any size and needs only its digest. So the requested spans show the pages of the files that
 * were read, also for zstd layers, which runtimes cannot load lazily.
 */
export interface RecordingImage {
  /** The SOCI-enabled image (index version 2). */
  readonly root: Descriptor;
  readonly platforms: readonly RecordingPlatform[];
  /** Size of all spans, in bytes of the uncompressed layers. */
  readonly spanSize: number;
  /** Size of the unpacked layers, in bytes. */
  readonly size: number;
  /** Number of layers whose source has each format. */
  readonly formats: Readonly<Record<LayerFormat, number>>;
}

/** The image of one platform. */
export interface RecordingPlatform {
  readonly platform: Platform;
  /** Digest of the configuration. Runtimes fetch only that of the platform that they run. */
  readonly config: string;
  /** The unpacked layers, base layer first. */
  readonly layers: readonly Descriptor[];
}

/** Options of {@link buildRecordingImage}. */
export interface RecordingImageOptions {
  /** Platforms to serve. @default all platforms of the image */
  readonly platforms: readonly Platform[];
  /** Makes the image different from those of other recordings: see {@link markerLayer}. */
  readonly nonce: string;
  readonly signal: AbortSignal;
  /** Called for each step: the layers are unpacked, then indexed. */
  readonly onUnpack: (event: { readonly bytes: number; readonly total: number }) => void;
  readonly onIndex: (event: IndexProgress) => void;
}

/** Writes a {@link RecordingImage} for an image into a layout. The draft needs disk space for the unpacked layers. */
export async function buildRecordingImage(
  source: OpenImage,
  draft: LayoutDraft,
  options: RecordingImageOptions,
): Promise<RecordingImage> {
  const { signal } = options;
  const images = await selectImages(source, options);
  const builder = new ImageUnpacker(source, draft, images, options);
  const manifests: Descriptor[] = [];
  const platforms: RecordingPlatform[] = [];
  for (const { entry, platform } of images) {
    const { manifest, ...parts } = await builder.unpack(entry);
    manifests.push({ ...manifest, platform });
    platforms.push({ platform, ...parts });
  }
  const index = await pushJson(draft, MEDIA_TYPE_OCI_IMAGE_INDEX, { schemaVersion: 2, manifests });
  const spanSize = spanSizeFor(builder.largestSize);
  const converted = await convertImage(draft, index, {
    spanSize,
    minLayerSize: 0,
    layerLimits: { maxSpans: MAX_SPANS + 1 },
    signal,
    onProgress: options.onIndex,
  });
  if (converted.outcome !== 'indexed') throw new CliError('SOURCE_INVALID', 'the image has no layer to index');
  for (const { descriptor, content } of converted.artifacts) await draft.push(descriptor, content, { signal });
  return { root: converted.root, platforms, spanSize, size: builder.size, formats: builder.formats };
}

/** Returns the smallest power of two that splits `size` bytes into at most {@link MAX_SPANS} spans; at least a page. */
export function spanSizeFor(size: number): number {
  let spanSize = MIN_SPAN_SIZE;
  while (size / spanSize > MAX_SPANS) spanSize *= 2;
  return spanSize;
}

interface SelectedImage {
  readonly entry: ImageManifestEntry;
  readonly platform: Platform;
}

async function selectImages(
  { store, root }: OpenImage,
  { platforms: wanted, signal }: RecordingImageOptions,
): Promise<readonly SelectedImage[]> {
  const { entries } = await inspectImage(store, root, { signal });
  const images: SelectedImage[] = [];
  for (const entry of entries) {
    if (entry.kind !== 'image' || !isImageConfig(entry.config.mediaType)) continue;
    images.push({ entry, platform: await readPlatform(store, entry, { signal }) });
  }
  const offers = (platform: Platform) => images.some((image) => platformMatches(platform, image.platform));
  const missing = wanted.find((platform) => !offers(platform));
  if (missing !== undefined || images.length === 0) {
    const available = images.map(({ platform }) => formatPlatform(platform)).join(', ');
    const found = available === '' ? 'it contains no image' : `it has ${available}`;
    const what = missing === undefined ? 'no platform' : `no manifest for ${formatPlatform(missing)}`;
    throw new CliError('SOURCE_INVALID', `the image has ${what}: ${found}`);
  }
  if (wanted.length === 0) return images;
  return images.filter(({ platform }) => wanted.some((one) => platformMatches(one, platform)));
}

/** Unpacks layers, each once, and writes manifests of the unpacked layers. */
class ImageUnpacker {
  readonly #source: OpenImage;
  readonly #draft: LayoutDraft;
  readonly #options: RecordingImageOptions;
  readonly #unpacked = new Map<string, Descriptor>();
  /** Compressed size of all layers. */
  readonly #total: number;
  #read = 0;
  /** Uncompressed size of all layers. */
  size = 0;
  /** Uncompressed size of the layers of the largest platform. */
  largestSize = 0;
  readonly formats = { gzip: 0, zstd: 0, tar: 0 };

  constructor(source: OpenImage, draft: LayoutDraft, images: readonly SelectedImage[], options: RecordingImageOptions) {
    this.#source = source;
    this.#draft = draft;
    this.#options = options;
    const sizes = new Map(images.flatMap(({ entry }) => entry.layers.map(({ digest, size }) => [digest, size])));
    this.#total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  }

  async unpack({ config, layers }: ImageManifestEntry) {
    const call = { signal: this.#options.signal };
    const marker = markerLayer(this.#options.nonce);
    const unpacked = [{ mediaType: MEDIA_TYPE_OCI_LAYER, digest: digestOf(marker), size: marker.length }];
    await this.#draft.push(unpacked[0] as Descriptor, marker, call);
    for (const layer of layers) unpacked.push(await this.#unpackLayer(layer));
    this.largestSize = Math.max(
      this.largestSize,
      unpacked.reduce((sum, { size }) => sum + size, 0),
    );
    const raw = await readVerified(this.#source.store, config, call);
    const unpackedConfig = await pushJson(this.#draft, MEDIA_TYPE_OCI_IMAGE_CONFIG, {
      ...(JSON.parse(Buffer.from(raw).toString()) as object),
      rootfs: { type: 'layers', diff_ids: unpacked.map(({ digest }) => digest) },
      history: unpacked.map(() => ({ created_by: 'soci-index profile record' })),
    });
    const manifest = await pushJson(this.#draft, MEDIA_TYPE_OCI_IMAGE_MANIFEST, {
      schemaVersion: 2,
      mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST,
      config: unpackedConfig,
      layers: unpacked,
    });
    return { manifest, config: unpackedConfig.digest, layers: unpacked.slice(1) };
  }

  async #unpackLayer(layer: Descriptor): Promise<Descriptor> {
    const known = this.#unpacked.get(layer.digest);
    if (known !== undefined) return known;
    const content = unpackLayer(this.#source.store, layer, {
      signal: this.#options.signal,
      maxSize: MAX_UNPACKED_SIZE - this.size,
      onFormat: (format) => {
        this.formats[format]++;
      },
      onRead: (bytes) => {
        this.#read += bytes;
        this.#options.onUnpack({ bytes: this.#read, total: this.#total });
      },
    });
    const { digest, size } = await this.#draft.pushStream(content, { signal: this.#options.signal });
    const unpacked = { mediaType: MEDIA_TYPE_OCI_LAYER, digest, size };
    this.size += size;
    this.#unpacked.set(layer.digest, unpacked);
    return unpacked;
  }
}

async function pushJson(draft: LayoutDraft, mediaType: string, value: object): Promise<Descriptor> {
  const content = Buffer.from(JSON.stringify(value));
  const descriptor = { mediaType, digest: digestOf(content), size: content.length };
  await draft.push(descriptor, content);
  return descriptor;
}

const BLOCK = 512;

/**
 * Returns a base layer that no other image has. Runtimes name the contents of a layer by the digests of all layers below it,
 * so they cannot use layers that an earlier pull or recording has unpacked, which would not be read again. The layer has one
 * entry, the root directory; the name of its group, which runtimes ignore, is the nonce.
 *
 * @see POSIX.1-2024, pax, "ustar Interchange Format"
 */
function markerLayer(nonce: string): Uint8Array {
  const tar = Buffer.alloc(3 * BLOCK);
  tar.write('./', 0);
  tar.write('0000755\0', 100);
  tar.write('0000000\0', 108);
  tar.write('0000000\0', 116);
  tar.write('00000000000\0', 124);
  tar.write('00000000000\0', 136);
  tar.write(' '.repeat(8), 148);
  tar.write('5', 156);
  tar.write('ustar\x0000', 257);
  tar.write(nonce.slice(0, 31), 297);
  const checksum = tar.subarray(0, BLOCK).reduce((sum, byte) => sum + byte, 0);
  tar.write(`${checksum.toString(8).padStart(6, '0')}\0 `, 148);
  return tar;
}
