import {
  bareDescriptor,
  type Descriptor,
  digestOf,
  type Fetcher,
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
} from '../go-json/image-spec.ts';
import type { StructSchema } from '../go-json/schema.ts';
import { decodeBase64 } from '../go-json/string.ts';
import { mapInParallel } from '../in-parallel.ts';
import type { IndexLimits } from '../options.ts';
import { normalizeAsGo } from './platform-match.ts';

/** Documents fetched at a time where it is known which will be read. */
const PRELOADS = 8;

/** Reads documents of an image: each blob is fetched once, verified, bounded, kept; each call gives a new document. */
export class ImageReader {
  readonly #fetcher: Fetcher;
  readonly #limits: Required<IndexLimits>;
  readonly #signal: AbortSignal | undefined;
  readonly #documents = new Map<string, Promise<Uint8Array>>();
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

  /** The platform that an image configuration names, normalized. */
  async configPlatform(descriptor: Descriptor): Promise<Platform> {
    return normalizeAsGo(decodeNamed(descriptor, await this.#read(descriptor), PLATFORM));
  }

  /** Fetches documents that are about to be read, as far as the limits allow. Errors are told when one is read. */
  async preload(descriptors: readonly Descriptor[]): Promise<void> {
    const { maxDocumentSize, maxDocumentsSize } = this.#limits;
    let room = maxDocumentsSize;
    const wanted = descriptors.filter((descriptor) => {
      const { size } = descriptor;
      if (embeddedContent(descriptor) !== undefined) return false;
      const fits = size >= 0 && size <= maxDocumentSize && size <= room;
      if (fits) room -= size;
      return fits;
    });
    await mapInParallel(wanted, PRELOADS, (descriptor) => this.#document(descriptor).catch(() => undefined));
  }

  /** Counts the descriptors met on a walk through the image, up to the limit. */
  startWalk(): (references: number) => void {
    let met = 0;
    return (references) => {
      met += references;
      if (met > this.#limits.maxReferences) {
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

  /** What is read again costs no fetch, but is parsed again: it counts again. */
  #count({ mediaType, digest, size }: Descriptor): void {
    const { maxDocumentSize, maxDocumentsSize } = this.#limits;
    if (!Number.isSafeInteger(size) || size < 0) {
      const message = `${digest} (${mediaType}) is said to have ${size} bytes`;
      throw new SociIndexError('MANIFEST_INVALID', message, { digest });
    }
    this.#totalSize += size;
    if (size > maxDocumentSize || this.#totalSize > maxDocumentsSize) {
      const limit =
        size > maxDocumentSize
          ? `${maxDocumentSize} for one document`
          : `${maxDocumentsSize} for all that is read of an image`;
      const message = `${digest} (${mediaType}) has ${size} bytes: the limit is ${limit}`;
      throw new SociIndexError('LIMIT_EXCEEDED', message, { digest });
    }
  }
}

/** Content that a descriptor embeds is taken if it is the content named (containerd, core/content/helpers.go). */
function embeddedContent({ data = '', digest, size }: Descriptor): Uint8Array | undefined {
  const bytes = decodeBase64(data);
  if (bytes === undefined) {
    const message = `the descriptor of ${digest} embeds data that is not base64`;
    throw new SociIndexError('MANIFEST_INVALID', message, { digest });
  }
  return bytes.length === size && digestOf(bytes) === digest ? bytes : undefined;
}

/** Whether an error says that a store does not hold what was asked of it. */
export function isNotFound(error: unknown): boolean {
  return error instanceof OciError && error.code === 'NOT_FOUND';
}

/** Refuses a document that is another thing than its descriptor says (containerd v2.2.9, `validateMediaType`). */
function checkDocumentKind(descriptor: Descriptor, bytes: Uint8Array): Uint8Array {
  const { mediaType, digest } = descriptor;
  const outline = decodeNamed(descriptor, bytes, OUTLINE);
  const holdsIndex = outline.manifests || isImageIndex(outline.mediaType);
  const holdsManifest = outline.config || outline.layers || isImageManifest(outline.mediaType);
  let problem: string | undefined;
  if (outline.fsLayers) problem = "is a manifest of Docker's schema 1, which has no layers to index";
  else if (isImageManifest(mediaType) && holdsIndex) {
    problem = `is described as a manifest (${mediaType}) and holds an image index`;
  } else if (isImageIndex(mediaType) && holdsManifest) {
    problem = `is described as an image index (${mediaType}) and holds a manifest`;
  }
  if (problem !== undefined) throw new SociIndexError('MANIFEST_INVALID', `${digest} ${problem}`, { digest });
  return bytes;
}

/** Decodes, and says of which document an error is. */
function decodeNamed<T>({ mediaType, digest }: Descriptor, bytes: Uint8Array, schema: StructSchema<T>): T {
  try {
    return decodeStruct(schema, bytes);
  } catch (cause) {
    if (!(cause instanceof SociIndexError)) throw cause;
    throw new SociIndexError(cause.code, `${digest} (${mediaType}): ${cause.message}`, { cause, digest });
  }
}
