import {
  type ByteRange,
  type CallOptions,
  checkRange,
  type Fetcher,
  type FetchOptions,
  type Prober,
  type RangeFetcher,
  type RangeOptions,
  type ReferrerLister,
  type Resolver,
} from '../content.ts';
import type { Descriptor } from '../descriptor.ts';
import { digestOf, isDigest } from '../digest.ts';
import { OciError } from '../errors.ts';
import { describeManifest, type ImageIndex, parseImageIndex, readReferral } from '../manifest.ts';
import { isImageIndex, isManifestOrIndex, MEDIA_TYPE_OCI_IMAGE_INDEX } from '../media-types.ts';
import { readVerified } from '../read.ts';
import { type FileSection, readSection, readSectionAt } from './file-section.ts';
import { blobPath, type LayoutFiles, readLayoutFile } from './layout-files.ts';
import { findRoot, isMultiPlatformImage } from './root-index.ts';

/**
 * Reads an OCI image layout, in a folder or an archive.
 *
 * `index.json` can itself be a multi-platform image: it lists untagged images of different platforms. Such a layout has
 * one image, whose image index is `index.json`. It can be fetched by its digest, although it is not a blob.
 */
export class LayoutReader implements Fetcher, RangeFetcher, Prober, Resolver, ReferrerLister {
  readonly #files: LayoutFiles;
  /** Referrers by subject, and the version of `index.json` that lists them. */
  #referrals: { readonly version: string; readonly bySubject: ReadonlyMap<string, readonly Descriptor[]> } | undefined;

  constructor(files: LayoutFiles) {
    this.#files = files;
  }

  /** @throws OciError `NOT_FOUND`, `SIZE_MISMATCH` if the file has another size, `PATH_ESCAPES`, `LAYOUT_INVALID`. */
  async *fetch(target: Descriptor, options: FetchOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    options.signal?.throwIfAborted();
    const section = await this.#openContent(target);
    try {
      yield* readSection(section, target.digest, options);
    } finally {
      await section.close();
    }
  }

  async fetchRange(target: Descriptor, range: ByteRange, options: RangeOptions = {}): Promise<Uint8Array> {
    options.signal?.throwIfAborted();
    const section = await this.#openContent(target);
    try {
      checkRange(range, section.size, target.digest);
      return await readSectionAt(section, range.offset, range.length, target.digest, options.buffer);
    } finally {
      await section.close();
    }
  }

  /** Reports whether a file with that digest and size exists. Does not read its content. */
  async exists(target: Descriptor, options: CallOptions = {}): Promise<boolean> {
    options.signal?.throwIfAborted();
    const section = await this.#files.open(blobPath(target.digest));
    await section?.close();
    return section?.size === target.size;
  }

  /**
   * Resolves a name or the digest of a manifest in the layout. A name is a tag (the annotation
   * `org.opencontainers.image.ref.name` in `index.json`) or a full image name (`io.containerd.image.name`), which can be
   * shortened like in Docker: `team/app` means `docker.io/team/app:latest`. The reference may be empty if the layout has
   * only one image.
   *
   * @throws OciError `NOT_FOUND`, with a list of what exists.
   */
  async resolve(reference = '', options: CallOptions = {}): Promise<Descriptor> {
    options.signal?.throwIfAborted();
    const index = await this.readIndex();
    const isImage = reference === '' || isDigest(reference) ? isMultiPlatformImage(index) : false;
    if (isImage) {
      const self = describeManifest(index.raw);
      if (reference === '' || reference === self.digest) return self;
    }
    return isDigest(reference)
      ? (index.manifests.find(({ digest }) => digest === reference) ?? (await this.#describeBlob(reference)))
      : findRoot(index, reference, this.#files.name);
  }

  /** Returns the manifests that `index.json` lists, with their annotations. */
  async roots(): Promise<readonly Descriptor[]> {
    return (await this.readIndex()).manifests;
  }

  /** Searches the manifests that `index.json` lists. Skips those that the layout does not contain. */
  async *referrers(
    subject: Descriptor,
    artifactType?: string,
    options: CallOptions = {},
  ): AsyncGenerator<Descriptor, void, undefined> {
    const bySubject = await this.#listReferrals(options);
    for (const referrer of bySubject.get(subject.digest) ?? []) {
      if (artifactType === undefined || referrer.artifactType === artifactType) yield referrer;
    }
  }

  /** Lists all referrers once for each version of `index.json`: an image can have thousands of manifests. */
  async #listReferrals(options: CallOptions): Promise<ReadonlyMap<string, readonly Descriptor[]>> {
    const version = (await this.#files.versionOf?.('index.json').catch(() => undefined)) ?? '';
    if (this.#referrals?.version === version) return this.#referrals.bySubject;
    const bySubject = new Map<string, Descriptor[]>();
    const seen = new Set<string>();
    for (const listed of await this.roots()) {
      if (!isManifestOrIndex(listed.mediaType) || seen.has(listed.digest)) continue;
      const raw = await readVerified(this, listed, options).catch(ignoreMissing);
      if (raw === undefined) continue;
      seen.add(listed.digest);
      const referral = readReferral(listed, raw);
      if (referral === undefined) continue;
      const { subject, referrer } = referral;
      bySubject.set(subject, [...(bySubject.get(subject) ?? []), referrer]);
    }
    this.#referrals = { version, bySubject };
    return bySubject;
  }

  /** Parses `index.json`. @throws OciError `LAYOUT_INVALID` if it is missing; errors of `parseImageIndex`. */
  protected async readIndex(): Promise<ImageIndex> {
    return parseImageIndex(await readLayoutFile(this.#files, 'index.json'), { mediaType: MEDIA_TYPE_OCI_IMAGE_INDEX });
  }

  /** Opens a blob, or `index.json` if it has the digest. */
  async #openContent(target: Descriptor): Promise<FileSection> {
    try {
      return await this.openBlob(target);
    } catch (error) {
      if (!(error instanceof OciError && error.code === 'NOT_FOUND' && isImageIndex(target.mediaType))) throw error;
      const { raw } = await this.readIndex();
      if (digestOf(raw) !== target.digest) throw error;
      const file = await this.#files.open('index.json');
      if (file === undefined) throw error;
      return file;
    }
  }

  /** Opens a blob. @throws OciError `NOT_FOUND`, `SIZE_MISMATCH` */
  protected async openBlob({ digest, mediaType, size }: Descriptor): Promise<FileSection> {
    const section = await this.#files.open(blobPath(digest));
    if (section === undefined)
      throw new OciError('NOT_FOUND', `${digest} (${mediaType}) is not in ${this.#files.name}`);
    if (section.size !== size) {
      await section.close();
      const message = `${digest} has ${section.size} bytes in ${this.#files.name}, expected ${size}`;
      throw new OciError('SIZE_MISMATCH', message);
    }
    return section;
  }

  /** Returns the descriptor of a manifest that `index.json` does not list. */
  async #describeBlob(digest: string): Promise<Descriptor> {
    const section = await this.#files.open(blobPath(digest));
    if (section === undefined) throw new OciError('NOT_FOUND', `${digest} is not in ${this.#files.name}`);
    await section.close();
    const content = { mediaType: 'application/json', digest, size: section.size };
    return describeManifest(await readVerified(this, content));
  }
}

/** Returns undefined if an error means that a layout does not contain a blob, or one of another size. */
function ignoreMissing(error: unknown): undefined {
  if (error instanceof OciError && (error.code === 'NOT_FOUND' || error.code === 'SIZE_MISMATCH')) return undefined;
  throw error;
}
