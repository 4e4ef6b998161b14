import {
  type Descriptor,
  isImageManifest,
  listSuccessors,
  OciError,
  parseDigest,
  type Referral,
  readReferral,
} from '@soci/oci';
import { TestRegistryError } from '../errors.ts';
import type { BlobStore, StoredBlob } from './blob-store.ts';

/** The content of the registry. */
export class RegistryStore {
  readonly blobs: BlobStore;
  readonly #immutableTags: boolean;
  readonly #repositories = new Map<string, Repository>();

  /** @param immutableTags - Default tag immutability of new repositories. */
  constructor(blobs: BlobStore, immutableTags = false) {
    this.blobs = blobs;
    this.#immutableTags = immutableTags;
  }

  repository(name: string): Repository | undefined {
    return this.#repositories.get(name);
  }

  /** Returns a repository, and creates it if it does not exist. */
  openRepository(name: string, immutableTags = this.#immutableTags): Repository {
    const found = this.#repositories.get(name);
    if (found !== undefined) return found;
    const made = new Repository(name, immutableTags);
    this.#repositories.set(name, made);
    return made;
  }

  /** Sorted by name. */
  repositories(): readonly Repository[] {
    return [...this.#repositories.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Returns a blob of `repository`. */
  blob(repository: Repository, digest: string): StoredBlob | undefined {
    return repository.hasBlob(digest) ? this.blobs.get(digest) : undefined;
  }

  /**
   * Stores a whole blob.
   *
   * @returns its digest
   * @throws TestRegistryError `CONTENT_INVALID` if the digest is not `expected`
   */
  async addBlob(
    repository: Repository,
    size: number,
    chunks: AsyncIterable<Uint8Array> | readonly Uint8Array[],
    expected?: string,
  ): Promise<string> {
    const writer = await this.blobs.createWriter();
    try {
      writer.reserve(size);
      for await (const chunk of chunks) await writer.write(chunk);
      const digest = await writer.digest(expected === undefined ? 'sha256' : parseDigest(expected).algorithm);
      if (expected !== undefined && digest !== expected) {
        throw new TestRegistryError('CONTENT_INVALID', `the content of blob ${expected} has the digest ${digest}`);
      }
      await this.blobs.commit(writer, digest);
      repository.addBlob(digest);
      return digest;
    } catch (error) {
      await writer.cancel();
      throw error;
    }
  }
}

/** The content of a repository. The bytes of its blobs are in the blob store, which all repositories share. */
export class Repository {
  readonly name: string;
  /** Whether tags are immutable. */
  readonly immutableTags: boolean;
  readonly createdAt = new Date();
  readonly #blobs = new Set<string>();
  readonly #manifests = new Map<string, StoredManifest>();
  readonly #tags = new Map<string, string>();
  readonly #referrers = new Map<string, Map<string, Descriptor>>();

  constructor(name: string, immutableTags: boolean) {
    this.name = name;
    this.immutableTags = immutableTags;
  }

  hasBlob(digest: string): boolean {
    return this.#blobs.has(digest);
  }

  addBlob(digest: string): void {
    this.#blobs.add(digest);
  }

  /** Removes a blob. Returns whether it existed. */
  removeBlob(digest: string): boolean {
    return this.#blobs.delete(digest);
  }

  /** Returns a manifest by tag or digest. */
  manifest(reference: string): StoredManifest | undefined {
    return this.#manifests.get(this.#tags.get(reference) ?? reference);
  }

  manifests(): readonly StoredManifest[] {
    return [...this.#manifests.values()];
  }

  /** Reports whether a manifest refers to `digest`. */
  refersTo(digest: string): boolean {
    return this.manifests().some((manifest) => listReferences(manifest).some((entry) => entry.digest === digest));
  }

  addManifest(manifest: StoredManifest): void {
    this.#manifests.set(manifest.digest, manifest);
    const referral = referralOf(manifest);
    if (referral === undefined) return;
    const list = this.#referrers.get(referral.subject) ?? new Map<string, Descriptor>();
    list.set(manifest.digest, referral.referrer);
    this.#referrers.set(referral.subject, list);
  }

  /** Removes a manifest, its tags and its entry in the list of referrers. */
  removeManifest(digest: string): void {
    this.#manifests.delete(digest);
    for (const [tag, target] of this.#tags) if (target === digest) this.#tags.delete(tag);
    for (const list of this.#referrers.values()) list.delete(digest);
  }

  /** Tags in the order of {@link compareTags}. */
  tags(): readonly string[] {
    return [...this.#tags.keys()].sort(compareTags);
  }

  tagsOf(digest: string): readonly string[] {
    return this.tags().filter((tag) => this.#tags.get(tag) === digest);
  }

  /** Returns the digest that `tag` refers to. */
  tagged(tag: string): string | undefined {
    return this.#tags.get(tag);
  }

  setTag(tag: string, digest: string): void {
    this.#tags.set(tag, digest);
  }

  removeTag(tag: string): void {
    this.#tags.delete(tag);
  }

  /** Returns the referrers of `subject`, in the order in which they were pushed. */
  referrers(subject: string): readonly Descriptor[] {
    return [...(this.#referrers.get(subject)?.values() ?? [])];
  }
}

/** Compares tags case-insensitively, then case-sensitively. @see OCI distribution-spec v1.1, "Listing Tags" */
export function compareTags(a: string, b: string): number {
  return compareText(a.toLowerCase(), b.toLowerCase()) || compareText(a, b);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A manifest. If a test stored it, it may contain any bytes. */
export interface StoredManifest {
  readonly digest: string;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  readonly pushedAt: Date;
}

/** Returns the descriptors in a manifest, in order; empty if it is invalid. */
export function listReferences({ mediaType, bytes }: StoredManifest): readonly Descriptor[] {
  return undefinedIfInvalid(() => listSuccessors({ mediaType }, bytes)) ?? [];
}

/** Returns the referral of a manifest with a subject; undefined if it has none or is invalid. */
export function referralOf({ mediaType, digest, bytes }: StoredManifest): Referral | undefined {
  return undefinedIfInvalid(() => readReferral({ mediaType, digest, size: bytes.length }, bytes));
}

/** Returns the media type of the config of an image; undefined for an index. */
export function configMediaType(manifest: StoredManifest): string | undefined {
  return isImageManifest(manifest.mediaType) ? listReferences(manifest)[0]?.mediaType : undefined;
}

function undefinedIfInvalid<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof OciError) return undefined;
    throw error;
  }
}
