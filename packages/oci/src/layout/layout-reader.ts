import {
  type ByteRange,
  type CallOptions,
  checkRange,
  type Fetcher,
  type FetchOptions,
  type Prober,
  type RangeFetcher,
  type ReferrerLister,
  type Resolver,
} from '../content.ts';
import type { Descriptor } from '../descriptor.ts';
import { isDigest } from '../digest.ts';
import { OciError } from '../errors.ts';
import { describeManifest, type ImageIndex, parseImageIndex, readReferral } from '../manifest.ts';
import { isManifestOrIndex, MEDIA_TYPE_OCI_IMAGE_INDEX } from '../media-types.ts';
import { readVerified } from '../read.ts';
import { type FileSpan, readAt, readSpan } from './file-span.ts';
import { blobPath, type LayoutFiles, readLayoutFile } from './layout-files.ts';
import { findRoot } from './root-index.ts';

/** Reads an OCI image layout, wherever its files are. */
export class LayoutReader implements Fetcher, RangeFetcher, Prober, Resolver, ReferrerLister {
  readonly #files: LayoutFiles;

  constructor(files: LayoutFiles) {
    this.#files = files;
  }

  /** @throws OciError `NOT_FOUND`, `SIZE_MISMATCH` where the file has another size, `PATH_ESCAPES`, `LAYOUT_INVALID`. */
  async *fetch(target: Descriptor, options: FetchOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    options.signal?.throwIfAborted();
    const span = await this.#openBlob(target);
    try {
      yield* readSpan(span, target.digest, options);
    } finally {
      await span.close();
    }
  }

  async fetchRange(target: Descriptor, range: ByteRange, options: CallOptions = {}): Promise<Uint8Array> {
    options.signal?.throwIfAborted();
    const span = await this.#openBlob(target);
    try {
      checkRange(range, span.size, target.digest);
      return await readAt(span, range.offset, range.length, target.digest);
    } finally {
      await span.close();
    }
  }

  /** Whether a file of that digest and size is there; its content is not read. */
  async exists(target: Descriptor, options: CallOptions = {}): Promise<boolean> {
    options.signal?.throwIfAborted();
    const span = await this.#files.open(blobPath(target.digest));
    await span?.close();
    return span?.size === target.size;
  }

  /**
   * From a name to a descriptor: a tag (the annotation `org.opencontainers.image.ref.name` in `index.json`), the digest
   * of any manifest held, or no name at all where the layout lists only one manifest.
   *
   * @throws OciError `NOT_FOUND`, listing what is there.
   */
  async resolve(reference = '', options: CallOptions = {}): Promise<Descriptor> {
    options.signal?.throwIfAborted();
    const index = await this.readIndex();
    return isDigest(reference)
      ? (index.manifests.find(({ digest }) => digest === reference) ?? (await this.#describeBlob(reference)))
      : findRoot(index, reference, this.#files.name);
  }

  /** The manifests that `index.json` lists, with their annotations. */
  async roots(): Promise<readonly Descriptor[]> {
    return (await this.readIndex()).manifests;
  }

  /** Looks among the manifests that `index.json` lists; those whose bytes are not held are passed over. */
  async *referrers(
    subject: Descriptor,
    artifactType?: string,
    options: CallOptions = {},
  ): AsyncGenerator<Descriptor, void, undefined> {
    const seen = new Set<string>();
    for (const listed of await this.roots()) {
      if (!isManifestOrIndex(listed.mediaType) || seen.has(listed.digest)) continue;
      if (!(await this.exists(listed, options))) continue;
      seen.add(listed.digest);
      const referral = readReferral(listed, await readVerified(this, listed, options));
      if (referral?.subject !== subject.digest) continue;
      if (artifactType === undefined || referral.referrer.artifactType === artifactType) yield referral.referrer;
    }
  }

  /** The parsed `index.json`. @throws OciError `LAYOUT_INVALID` where it is missing; as `parseImageIndex`. */
  protected async readIndex(): Promise<ImageIndex> {
    return parseImageIndex(await readLayoutFile(this.#files, 'index.json'), { mediaType: MEDIA_TYPE_OCI_IMAGE_INDEX });
  }

  async #openBlob({ digest, mediaType, size }: Descriptor): Promise<FileSpan> {
    const span = await this.#files.open(blobPath(digest));
    if (span === undefined) throw new OciError('NOT_FOUND', `${digest} (${mediaType}) is not in ${this.#files.name}`);
    if (span.size !== size) {
      await span.close();
      const message = `${digest} has ${span.size} bytes in ${this.#files.name}, its descriptor says ${size}`;
      throw new OciError('SIZE_MISMATCH', message);
    }
    return span;
  }

  /** The descriptor of a manifest that only other manifests list. */
  async #describeBlob(digest: string): Promise<Descriptor> {
    const span = await this.#files.open(blobPath(digest));
    if (span === undefined) throw new OciError('NOT_FOUND', `${digest} is not in ${this.#files.name}`);
    await span.close();
    const content = { mediaType: 'application/json', digest, size: span.size };
    return describeManifest(await readVerified(this, content));
  }
}
