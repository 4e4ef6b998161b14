import type { Descriptor } from './descriptor.ts';
import { OciError } from './errors.ts';

/** Options of calls that do I/O. */
export interface CallOptions {
  /** Aborts the call, which then rejects with the reason of the signal. */
  readonly signal?: AbortSignal;
}

/** Options of {@link Fetcher.fetch}. */
export interface FetchOptions extends CallOptions {
  /**
   * Allows the store to reuse the memory of a chunk when the next one is requested. A large blob then needs two buffers
   * instead of garbage that accumulates. A store may ignore this option.
   *
   * @default false: each chunk owns its memory, and may be kept or transferred
   */
  readonly reuseChunks?: boolean;
}

/** Options of {@link RangeFetcher.fetchRange}. */
export interface RangeOptions extends CallOptions {
  /**
   * Memory that the store may use for the result, at least as large as the range. Many ranges of a blob then need no new
   * memory. A store may ignore it.
   *
   * @default none: the result owns its memory
   */
  readonly buffer?: Uint8Array | undefined;
}

/** A range of a blob. Both values are whole numbers, at least 0. */
export interface ByteRange {
  /** Offset of the first byte. */
  readonly offset: number;
  /** Length in bytes. */
  readonly length: number;
}

/** Reads content by descriptor. The stream is not verified: use `readVerified` or `verifyStream`. */
export interface Fetcher {
  /**
   * Yields the bytes of `target` in chunks of any size. The receiver may keep or transfer a chunk, unless it set
   * {@link FetchOptions.reuseChunks}.
   *
   * @throws OciError `NOT_FOUND` if the store does not have the content.
   */
  fetch(target: Descriptor, options?: FetchOptions): AsyncIterable<Uint8Array>;
}

/** Reads a range of a blob. */
export interface RangeFetcher {
  /** Returns exactly `range.length` bytes. @throws OciError `RANGE_INVALID` past the end, `NOT_FOUND` */
  fetchRange(target: Descriptor, range: ByteRange, options?: RangeOptions): Promise<Uint8Array>;
}

/** Content to write, whole or as a stream. */
export type PushContent = Uint8Array | AsyncIterable<Uint8Array>;

/** Writes content. */
export interface Pusher {
  /**
   * Stores `content` as `target`. Content that does not match size and digest is rejected and leaves nothing behind.
   * Existing content is not changed. A store may reject a manifest (by media type) before the content that it refers
   * to. If the store has to start over, it iterates a stream again, if the stream supports that.
   *
   * The caller may change or free the memory of `content` when the promise is fulfilled: a store copies what it keeps.
   */
  push(target: Descriptor, content: PushContent, options?: CallOptions): Promise<void>;
}

/** Writes content whose digest and size are not known in advance. */
export interface StreamPusher {
  /**
   * Stores a blob. If `content` fails, leaves nothing behind.
   *
   * @returns The digest and size, or undefined if the store could not store the stream but may store the same content
   *   with `push`: the registry rejects chunks, or has lost the upload.
   */
  pushStream(
    content: AsyncIterable<Uint8Array>,
    options?: CallOptions,
  ): Promise<Pick<Descriptor, 'digest' | 'size'> | undefined>;
}

/** Checks whether content exists, without reading it. */
export interface Prober {
  /** Reports whether the store has content with that digest and size. */
  exists(target: Descriptor, options?: CallOptions): Promise<boolean>;
}

/** Resolves a tag or digest to a descriptor. */
export interface Resolver {
  /** @throws OciError `NOT_FOUND` if the reference does not exist. */
  resolve(reference: string, options?: CallOptions): Promise<Descriptor>;
}

/** Tags content. The content must exist in the store. */
export interface Tagger {
  /** @throws OciError `NOT_FOUND` if the content does not exist, `REFERENCE_INVALID` if the store rejects the name. */
  tag(target: Descriptor, reference: string, options?: CallOptions): Promise<void>;
}

/** Lists the manifests whose `subject` is a given manifest. */
export interface ReferrerLister {
  /** Yields descriptors with `artifactType` and annotations, optionally only those of one artifact type. */
  referrers(subject: Descriptor, artifactType?: string, options?: CallOptions): AsyncIterable<Descriptor>;
}

/** Lists tags. */
export interface TagLister {
  /** Yields every tag, in the order of the store. */
  tags(options?: CallOptions): AsyncIterable<string>;
}

/** Mounts a blob from another repository of the same registry, without transferring its bytes. */
export interface Mounter {
  /**
   * Mounts a blob of the repository `from`.
   *
   * @returns Whether the blob was mounted. If not, push it.
   */
  mount(target: Descriptor, from: string, options?: CallOptions): Promise<boolean>;
}

/** Stores and tags a manifest in one request, as registries do. */
export interface ManifestPusher {
  /**
   * Stores `raw` under the digest of `target`, and under a tag if one is given.
   *
   * @param options - `tag`: the tag. @default no tag. `confirm`: check afterwards that the tag, or the digest, refers to
   * the manifest. @default false
   */
  pushManifest(
    target: Descriptor,
    raw: Uint8Array,
    options?: CallOptions & { readonly tag?: string; readonly confirm?: boolean },
  ): Promise<void>;
}

/** A repository in a registry. */
export interface RepositoryLocation {
  /** Host of the registry, with its port if it has one. */
  readonly host: string;
  /** Name of the repository in the registry, such as `team/app`. */
  readonly path: string;
}

/** Lists a manifest without a tag, in stores that find manifests through a list, such as OCI image layouts. */
export interface RootAdder {
  /** @throws OciError `NOT_FOUND` if the content does not exist. */
  addRoot(target: Descriptor, options?: CallOptions): Promise<void>;
}

/** Returns the file of a blob. */
export interface BlobLocator {
  /** Returns the path of the file, whose size has been checked. @throws OciError `NOT_FOUND`, `SIZE_MISMATCH` */
  locate(target: Descriptor): Promise<string>;
}

/** Imports a blob as a file, without reading it. */
export interface BlobImporter {
  /** Checks the size, **not the digest**. Use it only for content that you have verified. */
  importBlob(source: BlobLocator, target: Descriptor, options?: CallOptions): Promise<void>;
}

/** Writes whole images at once, for example to an archive, which cannot be extended later. */
export interface ImageWriter {
  /**
   * Writes images with everything that they refer to. Nothing is visible before the caller commits.
   *
   * @param content - Store that has all the content.
   * @param roots - The manifests to list, each with its tag; empty for no tag.
   */
  writeImages(
    content: Fetcher & Prober,
    roots: readonly { readonly target: Descriptor; readonly reference: string }[],
    options?: CallOptions,
  ): Promise<void>;
}

/**
 * Checks that a range is within content of `size` bytes. Use it to implement {@link RangeFetcher}.
 *
 * @throws OciError `RANGE_INVALID`
 */
export function checkRange({ offset, length }: ByteRange, size: number, digest: string): void {
  const whole = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (!whole || length > size - offset) {
    const message = `cannot read ${length} bytes at offset ${offset} of ${digest}, which has ${size} bytes`;
    throw new OciError('RANGE_INVALID', message);
  }
}
