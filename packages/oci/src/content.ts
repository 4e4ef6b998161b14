import type { Descriptor } from './descriptor.ts';
import { OciError } from './errors.ts';

/** Options of every call that does I/O. */
export interface CallOptions {
  /** Aborts the call; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Options of {@link Fetcher.fetch}. */
export interface FetchOptions extends CallOptions {
  /**
   * The receiver is done with each chunk when it asks for the next, so the store may read into the same memory again:
   * a large blob then costs two chunks instead of what the garbage collector lets pile up. A store may ignore it.
   *
   * @default false: each chunk owns its memory, and may be kept or transferred
   */
  readonly reuseChunks?: boolean;
}

/** Part of a blob: `length` bytes from `offset`, both whole numbers >= 0. */
export interface ByteRange {
  /** Where it begins, in bytes from the blob's start. */
  readonly offset: number;
  /** Its length in bytes. */
  readonly length: number;
}

/** Reads content by descriptor. The stream is as the store holds it: unverified until `readVerified` or a builder checks it. */
export interface Fetcher {
  /**
   * Yields the bytes of `target`, in chunks of the store's choosing; a chunk may be kept or transferred by the receiver,
   * unless it allowed {@link FetchOptions.reuseChunks}.
   *
   * @throws OciError `NOT_FOUND` where the store does not hold it.
   */
  fetch(target: Descriptor, options?: FetchOptions): AsyncIterable<Uint8Array>;
}

/** Reads a part of a blob, for those who know where to look. */
export interface RangeFetcher {
  /** Exactly `range.length` bytes, or an error: `RANGE_INVALID` past the end, `NOT_FOUND` without the blob. */
  fetchRange(target: Descriptor, range: ByteRange, options?: CallOptions): Promise<Uint8Array>;
}

/** Content to write, whole or as a stream. */
export type PushContent = Uint8Array | AsyncIterable<Uint8Array>;

/** Writes content. */
export interface Pusher {
  /**
   * Stores `content` under `target`; what does not match size and digest is refused and leaves nothing behind.
   * Content that is there already is left as it is. Manifests (by media type) may be refused while what they name is missing.
   * A stream that can be iterated again is read from its start if the store has to start over.
   */
  push(target: Descriptor, content: PushContent, options?: CallOptions): Promise<void>;
}

/** Tells whether content is there, without reading it. */
export interface Prober {
  /** Whether content of that digest and size is held. */
  exists(target: Descriptor, options?: CallOptions): Promise<boolean>;
}

/** From a tag or digest to a descriptor. */
export interface Resolver {
  /** @throws OciError `NOT_FOUND` where nothing bears that name. */
  resolve(reference: string, options?: CallOptions): Promise<Descriptor>;
}

/** Gives content a name. The content must be there. */
export interface Tagger {
  /** @throws OciError `NOT_FOUND` without the content, `REFERENCE_INVALID` where the store takes no such name. */
  tag(target: Descriptor, reference: string, options?: CallOptions): Promise<void>;
}

/** Lists the manifests whose `subject` is a given one. */
export interface ReferrerLister {
  /** Descriptors with `artifactType` and annotations filled in, of that type only where one is given. */
  referrers(subject: Descriptor, artifactType?: string, options?: CallOptions): AsyncIterable<Descriptor>;
}

/** Lists the names that content bears. */
export interface TagLister {
  /** Every tag, in the store's order. */
  tags(options?: CallOptions): AsyncIterable<string>;
}

/** Takes over a blob from another repository of the same registry, without its bytes going anywhere. */
export interface Mounter {
  /**
   * Makes a blob of the repository `from` part of this one.
   *
   * @returns Whether it is here now; where it is not, push it.
   */
  mount(target: Descriptor, from: string, options?: CallOptions): Promise<boolean>;
}

/** Stores a manifest and names it in one request, as a registry does. */
export interface ManifestPusher {
  /**
   * Stores `raw` under the digest of `target` and, if a tag is given, under that tag.
   *
   * @param options - `tag`: the tag. @default no tag
   */
  pushManifest(target: Descriptor, raw: Uint8Array, options?: CallOptions & { readonly tag?: string }): Promise<void>;
}

/** The repository of a registry that a store reads and writes. */
export interface RepositoryLocation {
  /** Host of the registry, with its port if it has one. */
  readonly host: string;
  /** Name of the repository within the registry, such as `team/app`. */
  readonly path: string;
}

/** Lists a manifest that has no tag, in stores whose readers find manifests through a list: OCI image layouts. */
export interface RootAdder {
  /** @throws OciError `NOT_FOUND` if the store does not hold the content. */
  addRoot(target: Descriptor, options?: CallOptions): Promise<void>;
}

/** Tells in which file a blob is. */
export interface BlobLocator {
  /** Path of the file, checked to be of the blob's size. @throws OciError `NOT_FOUND`, `SIZE_MISMATCH` */
  locate(target: Descriptor): Promise<string>;
}

/** Takes over a blob as a file, without reading it. */
export interface BlobImporter {
  /** Checks the size, **not the digest**: only for content that the caller has verified. */
  importBlob(source: BlobLocator, target: Descriptor, options?: CallOptions): Promise<void>;
}

/** Writes whole images in one go, such as an archive, which cannot be added to piece by piece. */
export interface ImageWriter {
  /**
   * Writes images with everything that they refer to. Nothing is visible before the caller commits what was written.
   *
   * @param content - Holds all of it.
   * @param roots - The manifests to list, each with its name; an empty one for none.
   */
  writeImages(
    content: Fetcher & Prober,
    roots: readonly { readonly target: Descriptor; readonly reference: string }[],
    options?: CallOptions,
  ): Promise<void>;
}

/**
 * Checks that a range lies within content of `size` bytes: for those who implement {@link RangeFetcher}.
 *
 * @throws OciError `RANGE_INVALID`
 */
export function checkRange({ offset, length }: ByteRange, size: number, digest: string): void {
  const whole = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (!whole || length > size - offset) {
    const message = `${length} bytes from ${offset} do not lie within the ${size} bytes of ${digest}`;
    throw new OciError('RANGE_INVALID', message);
  }
}
