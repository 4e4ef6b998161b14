import { checkRange } from '../byte-range.ts';
import type {
  ByteRange,
  CallOptions,
  Fetcher,
  FetchOptions,
  Prober,
  RangeFetcher,
  ReferrerLister,
  Resolver,
} from '../content.ts';
import type { Descriptor } from '../descriptor.ts';
import { isDigest, parseDigest } from '../digest.ts';
import { OciError } from '../errors.ts';
import { type ImageIndex, parseImageIndex } from '../image-index.ts';
import { MAX_MANIFEST_SIZE } from '../limits.ts';
import { describeManifest } from '../manifest-kind.ts';
import { isManifestOrIndex, MEDIA_TYPE_OCI_IMAGE_INDEX } from '../media-types.ts';
import { readVerified } from '../read.ts';
import { readReferral } from '../referrer.ts';
import { type FileSpan, readAt, readSpan } from './file-span.ts';
import type { LayoutFiles } from './layout-files.ts';
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
  async exists(target: Descriptor): Promise<boolean> {
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
      if (!isManifestOrIndex(listed.mediaType) || seen.has(listed.digest) || !(await this.exists(listed))) continue;
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

/** Where a layout keeps content. The digest's grammar leaves no room for a path. @throws OciError `DIGEST_INVALID` */
export function blobPath(digest: string): string {
  const { algorithm, hex } = parseDigest(digest);
  return `blobs/${algorithm}/${hex}`;
}

/** Reads a small file of a layout that must be there, at most {@link MAX_MANIFEST_SIZE} bytes. */
export async function readLayoutFile(files: LayoutFiles, path: string): Promise<Uint8Array> {
  const span = await files.open(path);
  if (span === undefined) {
    throw new OciError('LAYOUT_INVALID', `${files.name} has no ${path}: it is no OCI image layout`);
  }
  try {
    if (span.size > MAX_MANIFEST_SIZE) {
      const message = `${path} in ${files.name} has ${span.size} bytes: the limit is ${MAX_MANIFEST_SIZE}`;
      throw new OciError('LIMIT_EXCEEDED', message);
    }
    return await readAt(span, 0, span.size, `${path} in ${files.name}`);
  } finally {
    await span.close();
  }
}
