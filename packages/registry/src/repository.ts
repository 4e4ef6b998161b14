import {
  type ByteRange,
  type CallOptions,
  checkRange,
  type Descriptor,
  type Fetcher,
  type FetchOptions,
  type ListedManifest,
  type Mounter,
  type Prober,
  type Pusher,
  parseDigest,
  type RangeFetcher,
  type ReferrerLister,
  type Resolver,
  type StreamPusher,
  type Tagger,
  type TagLister,
} from '@soci/oci';
import { fetchBlob } from './blobs/fetch-blob.ts';
import { RemoteBlob } from './blobs/remote-blob.ts';
import { readBlobRange } from './blobs/stream-range.ts';
import { checkContent } from './client/check-response.ts';
import { deleteContent, deleteTag } from './manifests/delete-content.ts';
import {
  checkManifestSize,
  type FoundManifest,
  findManifest,
  isManifest,
  probeContent,
  readAnyManifest,
  readManifest,
  requireManifest,
  resolveManifest,
} from './manifests/manifests.ts';
import { listTags } from './manifests/pages.ts';
import { type PushManifestOptions, putManifest } from './manifests/put-manifest.ts';
import { listReferrers } from './manifests/referrers.ts';
import { checkTag, repositoryName } from './names.ts';
import type { Context } from './repository-context.ts';
import { uploadBytes } from './uploads/monolithic-upload.ts';
import { mountBlob, type UploadSession } from './uploads/upload-session.ts';
import { splitVerified, uploadStream } from './uploads/upload-stream.ts';
import { uploadUnsized } from './uploads/upload-unsized.ts';

/** Maximum number of digests remembered from `exists` or `mount` until they are pushed. */
const MAX_REMEMBERED = 10_000;

/**
 * A repository of a registry: a store of `@soci/oci`. Manifests are addressed by tag or digest, and verified against
 * their digest. All other content is stored as blobs, which the caller must verify.
 *
 * Methods throw an `OciError` as documented by the interfaces, and a {@link RegistryError} for all other failures.
 */
export class Repository
  implements Fetcher, RangeFetcher, Pusher, StreamPusher, Prober, Resolver, Tagger, TagLister, ReferrerLister, Mounter
{
  /** Host of the registry, as passed to {@link openRegistry}. */
  readonly host: string;
  /** Name of the repository in the registry, such as `team/app`. */
  readonly path: string;
  readonly #context: Context;
  /** Digests that `exists` did not find: `push` need not check for them again. */
  readonly #absent = new Set<string>();
  /** Uploads that the registry opened in response to a mount request. */
  readonly #opened = new Map<string, UploadSession>();

  /** @internal Use {@link Registry.repository}. */
  constructor(host: string, context: Context) {
    this.host = host;
    this.path = context.path;
    this.#context = context;
  }

  /**
   * Yields the bytes of a manifest, verified, or of a blob, unverified. A blob download resumes after a broken
   * connection, and may use several connections.
   *
   * @throws OciError `NOT_FOUND`, `SIZE_MISMATCH`; for a manifest also `DIGEST_MISMATCH`, `LIMIT_EXCEEDED`
   */
  async *fetch(target: Descriptor, options: FetchOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    if (!isManifest(target)) yield* fetchBlob(this.#blob(target), options);
    // A copy, because the receiver may transfer the buffer.
    else yield new Uint8Array(await readManifest(this.#contextFor(options), target));
  }

  /**
   * Returns the bytes of a range. The bytes of a blob are unverified.
   *
   * @throws OciError `RANGE_INVALID`, `NOT_FOUND`, `LIMIT_EXCEEDED`; RegistryError `UNSUPPORTED` if the registry does
   * not support range requests
   */
  async fetchRange(target: Descriptor, range: ByteRange, options: CallOptions = {}): Promise<Uint8Array> {
    if (!isManifest(target)) return readBlobRange(this.#blob(target), range, options);
    const raw = await readManifest(this.#contextFor(options), target);
    checkRange(range, raw.length, target.digest);
    return new Uint8Array(raw.subarray(range.offset, range.offset + range.length));
  }

  /** Reports whether the repository contains content with this digest and size, in one request. */
  async exists(target: Descriptor, options: CallOptions = {}): Promise<boolean> {
    const isPresent = await probeContent(this.#contextFor(options), target);
    if (this.#absent.size >= MAX_REMEMBERED) this.#absent.clear();
    if (isPresent) this.#absent.delete(target.digest);
    else this.#absent.add(target.digest);
    return isPresent;
  }

  /**
   * Pushes content, unless it exists. For manifests see {@link Repository.pushManifest}.
   *
   * A stream is read once. It is read again only if the registry lost an upload and each iteration starts from the
   * beginning, which is not the case for a generator.
   *
   * @throws OciError `SIZE_MISMATCH`, `DIGEST_MISMATCH`; RegistryError `UPLOAD_REFUSED`; what the stream throws
   */
  async push(
    target: Descriptor,
    content: Uint8Array | AsyncIterable<Uint8Array>,
    options: CallOptions = {},
  ): Promise<void> {
    options.signal?.throwIfAborted();
    const context = this.#contextFor(options);
    const isAbsent = this.#absent.delete(target.digest);
    if (isManifest(target)) {
      const raw = content instanceof Uint8Array ? content : await this.#readAll(context, target, content);
      await putManifest(context, target, raw, { isAbsent });
      return;
    }
    const opened = this.#opened.get(target.digest);
    this.#opened.delete(target.digest);
    parseDigest(target.digest);
    if (content instanceof Uint8Array) checkContent(content, target, 'the blob');
    if (!isAbsent && opened === undefined && (await probeContent(context, target))) return;
    const push = { ...context, target };
    if (content instanceof Uint8Array) await uploadBytes(push, content, opened);
    else await uploadStream(push, content, opened);
  }

  /**
   * Pushes a blob whose digest and size are known only at the end of its stream, in chunks of 8 MiB; a smaller one like
   * {@link Repository.push}. Interrupted chunks are resumed. The stream is read once: if the registry loses the upload,
   * the result is undefined, and the caller reads its source again. If the stream fails, the upload is cancelled.
   *
   * @returns The digest and size, or undefined if the registry rejects chunks or lost the upload.
   * @throws RegistryError `UPLOAD_REFUSED`; what the stream throws
   */
  async pushStream(
    content: AsyncIterable<Uint8Array>,
    options: CallOptions = {},
  ): Promise<Pick<Descriptor, 'digest' | 'size'> | undefined> {
    options.signal?.throwIfAborted();
    return uploadUnsized(this.#contextFor(options), content);
  }

  /**
   * Pushes a manifest and, optionally, tags it, in one request. With `confirm`, a HEAD proves that it is stored. A manifest with a `subject` becomes a referrer of it.
   * If the registry has no referrers API, also updates the index under the tag `sha256-<hex>`.
   *
   * @throws OciError `SIZE_MISMATCH`, `DIGEST_MISMATCH`, `LIMIT_EXCEEDED`, `MANIFEST_INVALID`, `REFERENCE_INVALID`;
   * RegistryError `MANIFEST_REFUSED`; `RESPONSE_INVALID` if the manifest was not stored; `TAG_IMMUTABLE` if the tag refers to another manifest and cannot be moved;
   * `CONTENDED`
   */
  async pushManifest(target: Descriptor, raw: Uint8Array, options: PushManifestOptions = {}): Promise<void> {
    this.#absent.delete(target.digest);
    await putManifest(this.#contextFor(options), target, raw, { tag: options.tag, confirm: options.confirm });
  }

  /**
   * Resolves a tag or digest to a descriptor, in one request. The manifest is kept for {@link Repository.fetch}.
   *
   * @throws OciError `NOT_FOUND`; `REFERENCE_INVALID`, `DIGEST_INVALID`; `DIGEST_MISMATCH` if the manifest does not
   * match the digest; `MANIFEST_INVALID`
   */
  async resolve(reference: string, options: CallOptions = {}): Promise<Descriptor> {
    return resolveManifest(this.#contextFor(options), reference);
  }

  /**
   * Returns the digest and the media type that the registry reports for a tag or digest, in one HEAD request; undefined
   * if it does not exist. Nothing is verified.
   *
   * @throws OciError `REFERENCE_INVALID`, `DIGEST_INVALID`
   */
  async findManifest(reference: string, options: CallOptions = {}): Promise<FoundManifest | undefined> {
    return findManifest(this.#contextFor(options), reference);
  }

  /**
   * Reads a manifest of any media type by its digest; undefined if it does not exist.
   *
   * @throws OciError `DIGEST_INVALID`, `DIGEST_MISMATCH`
   */
  async readManifest(digest: string, options: CallOptions = {}): Promise<ListedManifest | undefined> {
    return readAnyManifest(this.#contextFor(options), digest);
  }

  /**
   * Tags an existing manifest. Takes one request if the manifest was read or pushed before, otherwise two.
   *
   * @throws OciError `NOT_FOUND`, `REFERENCE_INVALID`; RegistryError `TAG_IMMUTABLE` as {@link Repository.pushManifest}
   */
  async tag(target: Descriptor, reference: string, options: CallOptions = {}): Promise<void> {
    checkTag(reference);
    requireManifest(target);
    const context = this.#contextFor(options);
    await putManifest(context, target, await readManifest(context, target), { tag: reference });
  }

  /** Lists all tags, from all pages. @throws OciError `NOT_FOUND` if the repository does not exist */
  async *tags(options: CallOptions = {}): AsyncGenerator<string, void, undefined> {
    yield* listTags(this.#contextFor(options));
  }

  /**
   * Lists the manifests whose `subject` is `subject`, from the referrers API or from the index under the referrers tag.
   *
   * @param artifactType - Lists only referrers of this type.
   * @throws OciError `MANIFEST_INVALID` if the response or the index is not an image index
   */
  async *referrers(
    subject: Descriptor,
    artifactType?: string,
    options: CallOptions = {},
  ): AsyncGenerator<Descriptor, void, undefined> {
    yield* listReferrers(this.#contextFor(options), subject, artifactType);
  }

  /**
   * Mounts a blob from the repository `from` of the same registry.
   *
   * @returns Whether the blob was mounted. If not, push it; `push` continues an upload that the registry opened.
   */
  async mount(target: Descriptor, from: string, options: CallOptions = {}): Promise<boolean> {
    const outcome = await mountBlob(this.#contextFor(options), target, repositoryName(this.host, from));
    if (this.#opened.size >= MAX_REMEMBERED) this.#opened.clear();
    if (outcome === 'mounted') this.#absent.delete(target.digest);
    else if (outcome !== 'rejected') this.#opened.set(target.digest, outcome);
    return outcome === 'mounted';
  }

  /**
   * Removes a tag, or deletes a manifest (with the tags that refer to it) or a blob.
   *
   * @param target - A tag or a descriptor.
   * @throws OciError `NOT_FOUND`, `REFERENCE_INVALID`; RegistryError `UNSUPPORTED` if the registry does not support
   * deletion
   */
  async delete(target: Descriptor | string, options: CallOptions = {}): Promise<void> {
    if (typeof target === 'string') await deleteTag(this.#contextFor(options), target);
    else await deleteContent(this.#contextFor(options), target);
  }

  #blob(target: Descriptor): RemoteBlob {
    const { http, path, blobs } = this.#context;
    return new RemoteBlob(http, path, target, blobs);
  }

  /** Context of one call. */
  #contextFor({ signal }: CallOptions): Context {
    return signal === undefined ? this.#context : { ...this.#context, signal };
  }

  /** Reads a manifest from a stream into memory. */
  async #readAll(context: Context, target: Descriptor, content: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
    checkManifestSize(context, target);
    let raw: Uint8Array = new Uint8Array();
    for await (const piece of splitVerified(content, target, target.size, context.signal)) raw = piece;
    return raw;
  }
}
