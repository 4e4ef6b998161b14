import {
  type ByteRange,
  type CallOptions,
  checkRange,
  type Descriptor,
  type Fetcher,
  type FetchOptions,
  type Mounter,
  type Prober,
  type Pusher,
  parseDigest,
  type RangeFetcher,
  type ReferrerLister,
  type Resolver,
  type Tagger,
  type TagLister,
} from '@soci/oci';
import { fetchBlob } from './blobs/fetch-blob.ts';
import { readBlobRange } from './blobs/read-blob-range.ts';
import { RemoteBlob } from './blobs/remote-blob.ts';
import { checkContent } from './client/answer.ts';
import { deleteContent, deleteTag } from './manifests/delete-content.ts';
import {
  checkManifestSize,
  isManifest,
  probeContent,
  readManifest,
  requireManifest,
  resolveManifest,
} from './manifests/manifests.ts';
import { listTags } from './manifests/pages.ts';
import { type PushManifestOptions, putManifest } from './manifests/put-manifest.ts';
import { listReferrers } from './manifests/referrers.ts';
import { checkTag, repositoryName } from './names.ts';
import type { Context } from './repository-context.ts';
import { mountBlob, type UploadSession } from './uploads/upload-session.ts';
import { cutVerified, uploadStream } from './uploads/upload-stream.ts';
import { uploadBytes } from './uploads/upload-whole.ts';

/** Pieces of content that are remembered between asking for them and pushing them. */
const MAX_REMEMBERED = 10_000;

/**
 * A repository of a registry, as a store of `@soci/oci`. Manifests go by tag or digest, and are checked against their
 * digest whatever the registry says; all other content is blobs, whose bytes are for the receiver to check.
 *
 * Errors of every method: those of the interfaces, as `OciError`; everything else is a `RegistryError`.
 */
export class Repository
  implements Fetcher, RangeFetcher, Pusher, Prober, Resolver, Tagger, TagLister, ReferrerLister, Mounter
{
  /** Host of the registry, as it was opened. */
  readonly host: string;
  /** Name within the registry, such as `team/app`. */
  readonly path: string;
  readonly #context: Context;
  /** What was asked for and is not there: it need not be asked for again before it is pushed. */
  readonly #absent = new Set<string>();
  /** Uploads that were opened where a mount was asked for. */
  readonly #opened = new Map<string, UploadSession>();

  /** @internal Registries make these: see `openRegistry`. */
  constructor(host: string, context: Context) {
    this.host = host;
    this.path = context.path;
    this.#context = context;
  }

  /**
   * Yields a manifest, verified and kept, or a blob, which goes on after breaks and may be read over several connections.
   *
   * @throws OciError `NOT_FOUND`, `SIZE_MISMATCH`; of a manifest `DIGEST_MISMATCH`, `LIMIT_EXCEEDED`.
   */
  async *fetch(target: Descriptor, options: FetchOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    if (!isManifest(target)) yield* fetchBlob(this.#blob(target), options);
    // A copy: the receiver may transfer it.
    else yield new Uint8Array(await readManifest(this.#for(options), target));
  }

  /**
   * Exactly the bytes of a range; of a blob they are unverified.
   *
   * @throws OciError `RANGE_INVALID`, `NOT_FOUND`, `LIMIT_EXCEEDED`; RegistryError `UNSUPPORTED` where the registry knows no ranges.
   */
  async fetchRange(target: Descriptor, range: ByteRange, options: CallOptions = {}): Promise<Uint8Array> {
    if (!isManifest(target)) return readBlobRange(this.#blob(target), range, options);
    const raw = await readManifest(this.#for(options), target);
    checkRange(range, raw.length, target.digest);
    return new Uint8Array(raw.subarray(range.offset, range.offset + range.length));
  }

  /** Whether the repository holds content of that digest and size, in one request. */
  async exists(target: Descriptor, options: CallOptions = {}): Promise<boolean> {
    const isThere = await probeContent(this.#for(options), target);
    if (this.#absent.size >= MAX_REMEMBERED) this.#absent.clear();
    if (isThere) this.#absent.delete(target.digest);
    else this.#absent.add(target.digest);
    return isThere;
  }

  /**
   * Stores content that is not there yet; of a manifest see {@link Repository.pushManifest}. A stream is read once, or again
   * where iterating it begins anew each time (a generator is over after the first) and the registry has lost an upload.
   *
   * @throws OciError `SIZE_MISMATCH`, `DIGEST_MISMATCH`; RegistryError `UPLOAD_REFUSED`; what the stream throws.
   */
  async push(
    target: Descriptor,
    content: Uint8Array | AsyncIterable<Uint8Array>,
    options: CallOptions = {},
  ): Promise<void> {
    options.signal?.throwIfAborted();
    const context = this.#for(options);
    const isAbsent = this.#absent.delete(target.digest);
    if (isManifest(target)) {
      const raw = content instanceof Uint8Array ? content : await this.#gather(context, target, content);
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
   * Stores a manifest and, with a tag, names it, in one request. A manifest with a `subject` becomes a referrer of it: in
   * registries without the referrers API by way of the index under the tag `sha256-<hex>`, which is then written too.
   *
   * @throws OciError `SIZE_MISMATCH`, `DIGEST_MISMATCH`, `LIMIT_EXCEEDED`, `MANIFEST_INVALID`, `REFERENCE_INVALID`;
   * RegistryError `MANIFEST_REFUSED`; `TAG_IMMUTABLE` where the tag names another manifest and may not be moved (that it
   * names this one already is fine); `CONTENDED`.
   */
  async pushManifest(target: Descriptor, raw: Uint8Array, options: PushManifestOptions = {}): Promise<void> {
    this.#absent.delete(target.digest);
    await putManifest(this.#for(options), target, raw, { tag: options.tag });
  }

  /**
   * What a tag or digest stands for, in one request: the manifest itself comes, and is kept for {@link Repository.fetch}.
   *
   * @throws OciError `NOT_FOUND`; `REFERENCE_INVALID`, `DIGEST_INVALID`; `DIGEST_MISMATCH` where the registry answers with
   * another manifest than it says; `MANIFEST_INVALID`.
   */
  async resolve(reference: string, options: CallOptions = {}): Promise<Descriptor> {
    return resolveManifest(this.#for(options), reference);
  }

  /**
   * Names a manifest that is there, in one request where it was read or pushed before.
   *
   * @throws OciError `NOT_FOUND`, `REFERENCE_INVALID`; RegistryError `TAG_IMMUTABLE` as {@link Repository.pushManifest}.
   */
  async tag(target: Descriptor, reference: string, options: CallOptions = {}): Promise<void> {
    checkTag(reference);
    requireManifest(target);
    const context = this.#for(options);
    await putManifest(context, target, await readManifest(context, target), { tag: reference });
  }

  /** Every tag, from all pages. @throws OciError `NOT_FOUND` where there is no such repository. */
  async *tags(options: CallOptions = {}): AsyncGenerator<string, void, undefined> {
    yield* listTags(this.#for(options));
  }

  /**
   * What is about a manifest: by the referrers API, or from the index that clients keep under a tag.
   *
   * @throws OciError `MANIFEST_INVALID` where what lists them is no image index.
   */
  async *referrers(
    subject: Descriptor,
    artifactType?: string,
    options: CallOptions = {},
  ): AsyncGenerator<Descriptor, void, undefined> {
    yield* listReferrers(this.#for(options), subject, artifactType);
  }

  /**
   * Takes a blob over from the repository `from` of the same registry.
   *
   * @returns Whether it is here now; where it is not, push it: into the upload that the registry may have opened for it.
   */
  async mount(target: Descriptor, from: string, options: CallOptions = {}): Promise<boolean> {
    const outcome = await mountBlob(this.#for(options), target, repositoryName(this.host, from));
    if (this.#opened.size >= MAX_REMEMBERED) this.#opened.clear();
    if (outcome === 'mounted') this.#absent.delete(target.digest);
    else if (outcome !== 'refused') this.#opened.set(target.digest, outcome);
    return outcome === 'mounted';
  }

  /**
   * Takes a tag away, or deletes a manifest (with the tags that name it) or a blob.
   *
   * @param target - A tag, or what to delete.
   * @throws OciError `NOT_FOUND`, `REFERENCE_INVALID`; RegistryError `UNSUPPORTED` where the registry deletes nothing.
   */
  async delete(target: Descriptor | string, options: CallOptions = {}): Promise<void> {
    if (typeof target === 'string') await deleteTag(this.#for(options), target);
    else await deleteContent(this.#for(options), target);
  }

  #blob(target: Descriptor): RemoteBlob {
    const { http, path, blobs } = this.#context;
    return new RemoteBlob(http, path, target, blobs);
  }

  /** What one call works with. */
  #for({ signal }: CallOptions): Context {
    return signal === undefined ? this.#context : { ...this.#context, signal };
  }

  /** The whole of a manifest that is to be pushed, in memory. */
  async #gather(context: Context, target: Descriptor, content: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
    checkManifestSize(context, target);
    let raw: Uint8Array = new Uint8Array();
    for await (const piece of cutVerified(content, target, target.size, context.signal)) raw = piece;
    return raw;
  }
}
