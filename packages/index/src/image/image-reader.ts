import {
  bareDescriptor,
  type Descriptor,
  digestOf,
  type Fetcher,
  isImageConfig,
  isImageIndex,
  isImageManifest,
  OciError,
  type Platform,
  readVerified,
} from '@soci/oci';
import { SociIndexError } from '../errors.ts';
import { decodeStruct } from '../go-json/decode.ts';
import {
  INDEX,
  type IndexDocument,
  MANIFEST,
  type ManifestDocument,
  OUTLINE,
  PLATFORM,
  ROOTFS,
} from '../go-json/image-spec.ts';
import type { StructSchema } from '../go-json/schema.ts';
import { decodeBase64 } from '../go-json/string.ts';
import { mapInParallel } from '../in-parallel.ts';
import type { IndexLimits } from '../options.ts';
import { normalizeAsGo } from './platform-match.ts';

/** Number of documents that `preload` fetches at the same time. */
const PRELOADS = 8;

/** Reads the manifests and configurations of an image. Fetches, verifies and caches each blob once, within the limits. */
export class ImageReader {
  readonly #fetcher: Fetcher;
  readonly #limits: Required<IndexLimits>;
  readonly #signal: AbortSignal | undefined;
  readonly #documents = new Map<string, Promise<Uint8Array>>();
  readonly #entries = new Map<string, Promise<readonly Descriptor[]>>();
  #totalSize = 0;

  constructor(fetcher: Fetcher, limits: Required<IndexLimits>, signal?: AbortSignal) {
    this.#fetcher = fetcher;
    this.#limits = limits;
    this.#signal = signal;
  }

  /** Reads an image manifest. */
  async manifest(descriptor: Descriptor): Promise<ManifestDocument> {
    return decodeNamed(descriptor, checkDocumentKind(descriptor, await this.#read(descriptor)), MANIFEST);
  }

  /** Reads an image index. */
  async index(descriptor: Descriptor): Promise<IndexDocument> {
    return decodeNamed(descriptor, checkDocumentKind(descriptor, await this.#read(descriptor)), INDEX);
  }

  /** Returns the normalized platform of an image configuration. */
  async configPlatform(descriptor: Descriptor): Promise<Platform> {
    return normalizeAsGo(decodeNamed(descriptor, await this.#read(descriptor), PLATFORM));
  }

  /** Returns the digests of the uncompressed layers from an image configuration. */
  async diffIds(config: Descriptor): Promise<readonly string[]> {
    return decodeNamed(config, await this.#read(config), ROOTFS).rootfs.diff_ids ?? [];
  }

  /**
   * Lists the entries of an image index. An image without a platform gets that of its configuration, unless the latter is
   * `unknown` (an attestation). Reads the configurations once, and only with `readsPlatforms`.
   */
  entries(index: Descriptor, { readsPlatforms }: { readonly readsPlatforms: boolean }): Promise<readonly Descriptor[]> {
    const entries = this.#entries.get(index.digest) ?? this.#readEntries(index, readsPlatforms);
    this.#entries.set(index.digest, entries);
    return entries;
  }

  async #readEntries(index: Descriptor, readsPlatforms: boolean): Promise<readonly Descriptor[]> {
    const { manifests } = await this.index(index);
    const entries = [...(manifests ?? [])];
    for (const [i, entry] of entries.entries()) {
      if (!readsPlatforms || entry.platform !== undefined || !isImageManifest(entry.mediaType)) continue;
      const { config } = await this.manifest(entry);
      if (!isImageConfig(config.mediaType)) continue;
      const platform = await this.configPlatform(config);
      if (isRunnable(platform)) entries[i] = { ...entry, platform };
    }
    return entries;
  }

  /** Fetches documents in advance, within the limits. Errors are thrown when a document is read. */
  async preload(descriptors: readonly Descriptor[]): Promise<void> {
    const { maxDocumentSize, maxDocumentsSize } = this.#limits;
    let remaining = maxDocumentsSize;
    const wanted = descriptors.filter((descriptor) => {
      const { size } = descriptor;
      if (embeddedContent(descriptor) !== undefined) return false;
      const fits = size >= 0 && size <= maxDocumentSize && size <= remaining;
      if (fits) remaining -= size;
      return fits;
    });
    await mapInParallel(wanted, PRELOADS, (descriptor) => this.#document(descriptor).catch(() => undefined));
  }

  /** Starts a traversal of the image. Call the result with the number of descriptors visited; it throws at the limit. */
  startWalk(): (references: number) => void {
    let visited = 0;
    return (references) => {
      visited += references;
      if (visited > this.#limits.maxReferences) {
        const message = `the image refers to more than ${this.#limits.maxReferences} manifests, layers and configurations`;
        throw new SociIndexError('LIMIT_EXCEEDED', message);
      }
    };
  }

  async #read(descriptor: Descriptor): Promise<Uint8Array> {
    const embedded = embeddedContent(descriptor);
    if (embedded !== undefined) return embedded;
    this.#count(descriptor);
    return this.#document(descriptor);
  }

  #document(descriptor: Descriptor): Promise<Uint8Array> {
    const key = `${descriptor.digest} ${descriptor.size}`;
    const options = { maxSize: this.#limits.maxDocumentSize, ...(this.#signal && { signal: this.#signal }) };
    const document = this.#documents.get(key) ?? readVerified(this.#fetcher, bareDescriptor(descriptor), options);
    this.#documents.set(key, document);
    return document;
  }

  /** Checks the size limits. Reading a document again counts again, because it is parsed again. */
  #count({ mediaType, digest, size }: Descriptor): void {
    const { maxDocumentSize, maxDocumentsSize } = this.#limits;
    if (!Number.isSafeInteger(size) || size < 0) {
      const message = `the descriptor of ${digest} (${mediaType}) has the invalid size ${size}`;
      throw new SociIndexError('MANIFEST_INVALID', message, { digest });
    }
    this.#totalSize += size;
    if (size > maxDocumentSize || this.#totalSize > maxDocumentsSize) {
      const limit =
        size > maxDocumentSize
          ? `the limit for one document is ${maxDocumentSize}`
          : `the limit for all documents of an image is ${maxDocumentsSize}`;
      const message = `${digest} (${mediaType}) has ${size} bytes, ${limit}`;
      throw new SociIndexError('LIMIT_EXCEEDED', message, { digest });
    }
  }
}

/** Returns the embedded content of a descriptor if it matches the digest (containerd, core/content/helpers.go). */
function embeddedContent({ data = '', digest, size }: Descriptor): Uint8Array | undefined {
  const bytes = decodeBase64(data);
  if (bytes === undefined) {
    const message = `the embedded data in the descriptor of ${digest} is not valid base64`;
    throw new SociIndexError('MANIFEST_INVALID', message, { digest });
  }
  return bytes.length === size && digestOf(bytes) === digest ? bytes : undefined;
}

/** Returns whether a platform is that of an image. Attestations have the platform `unknown/unknown`. */
export function isRunnable({ os, architecture }: Platform): boolean {
  return os !== 'unknown' && architecture !== 'unknown';
}

/** Returns whether an error means that the store does not have the content. */
export function isNotFound(error: unknown): boolean {
  return error instanceof OciError && error.code === 'NOT_FOUND';
}

/** Rejects a document whose content does not match its media type (containerd v2.2.9, `validateMediaType`). */
function checkDocumentKind(descriptor: Descriptor, bytes: Uint8Array): Uint8Array {
  const { mediaType, digest } = descriptor;
  const outline = decodeNamed(descriptor, bytes, OUTLINE);
  const isIndex = outline.manifests || isImageIndex(outline.mediaType);
  const isManifest = outline.config || outline.layers || isImageManifest(outline.mediaType);
  let problem: string | undefined;
  if (outline.fsLayers) problem = 'is a Docker schema 1 manifest, which is not supported';
  else if (isImageManifest(mediaType) && isIndex) {
    problem = `has the media type of a manifest (${mediaType}) but contains an image index`;
  } else if (isImageIndex(mediaType) && isManifest) {
    problem = `has the media type of an image index (${mediaType}) but contains a manifest`;
  }
  if (problem !== undefined) throw new SociIndexError('MANIFEST_INVALID', `${digest} ${problem}`, { digest });
  return bytes;
}

/** Decodes a document. Adds its digest to errors. */
function decodeNamed<T>({ mediaType, digest }: Descriptor, bytes: Uint8Array, schema: StructSchema<T>): T {
  try {
    return decodeStruct(schema, bytes);
  } catch (cause) {
    if (!(cause instanceof SociIndexError)) throw cause;
    throw new SociIndexError(cause.code, `${digest} (${mediaType}): ${cause.message}`, { cause, digest });
  }
}
