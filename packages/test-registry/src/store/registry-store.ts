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

/** Everything that the registry holds. */
export class RegistryStore {
  readonly blobs: BlobStore;
  readonly #immutableTags: boolean;
  readonly #repositories = new Map<string, Repository>();

  /** @param immutableTags - Whether repositories made here hold their tags fast, unless told otherwise. */
  constructor(blobs: BlobStore, immutableTags = false) {
    this.blobs = blobs;
    this.#immutableTags = immutableTags;
  }

  repository(name: string): Repository | undefined {
    return this.#repositories.get(name);
  }

  /** Makes the repository where there is none of that name. */
  openRepository(name: string, immutableTags = this.#immutableTags): Repository {
    const found = this.#repositories.get(name);
    if (found !== undefined) return found;
    const made = new Repository(name, immutableTags);
    this.#repositories.set(name, made);
    return made;
  }

  /** In the order of their names. */
  repositories(): readonly Repository[] {
    return [...this.#repositories.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** A blob that `repository` has. */
  blob(repository: Repository, digest: string): StoredBlob | undefined {
    return repository.hasBlob(digest) ? this.blobs.get(digest) : undefined;
  }

  /** Takes a blob in whole. @returns Its digest. @throws TestRegistryError `CONTENT_INVALID` where that is not `expected`. */
  async addBlob(
    repository: Repository,
    size: number,
    chunks: AsyncIterable<Uint8Array> | readonly Uint8Array[],
    expected?: string,
  ): Promise<string> {
    const draft = await this.blobs.begin();
    try {
      draft.expect(size);
      for await (const chunk of chunks) await draft.append(chunk);
      const digest = await draft.digest(expected === undefined ? 'sha256' : parseDigest(expected).algorithm);
      if (expected !== undefined && digest !== expected) {
        throw new TestRegistryError('CONTENT_INVALID', `the blob ${expected} has the digest ${digest}`);
      }
      await this.blobs.keep(draft, digest);
      repository.addBlob(digest);
      return digest;
    } catch (error) {
      await draft.discard();
      throw error;
    }
  }
}

/** What one repository holds. The bytes of its blobs lie in the blob store, which all repositories share. */
export class Repository {
  readonly name: string;
  /** Whether a tag, once set, stays where it is. */
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

  /** Whether there was one. */
  removeBlob(digest: string): boolean {
    return this.#blobs.delete(digest);
  }

  /** By tag or digest. */
  manifest(reference: string): StoredManifest | undefined {
    return this.#manifests.get(this.#tags.get(reference) ?? reference);
  }

  manifests(): readonly StoredManifest[] {
    return [...this.#manifests.values()];
  }

  /** Whether one of the manifests refers to `digest`. */
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

  /** Takes a manifest away, with its tags and its place in the list of referrers. */
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

  /** The digest that `tag` names. */
  tagged(tag: string): string | undefined {
    return this.#tags.get(tag);
  }

  setTag(tag: string, digest: string): void {
    this.#tags.set(tag, digest);
  }

  removeTag(tag: string): void {
    this.#tags.delete(tag);
  }

  /** Manifests about `subject`, in the order in which they came. */
  referrers(subject: string): readonly Descriptor[] {
    return [...(this.#referrers.get(subject)?.values() ?? [])];
  }
}

/** The order of tags: without regard to case, then by it. @see OCI distribution-spec v1.1, "Listing Tags" */
export function compareTags(a: string, b: string): number {
  return compareText(a.toLowerCase(), b.toLowerCase()) || compareText(a, b);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A manifest as it was pushed, or as a test put it in: then it may be any bytes. */
export interface StoredManifest {
  readonly digest: string;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  readonly pushedAt: Date;
}

/** What a manifest refers to, in its order; nothing where it is none. */
export function listReferences({ mediaType, bytes }: StoredManifest): readonly Descriptor[] {
  return orNone(() => listSuccessors({ mediaType }, bytes)) ?? [];
}

/** What a manifest says about another; undefined where it says nothing, or is none. */
export function referralOf({ mediaType, digest, bytes }: StoredManifest): Referral | undefined {
  return orNone(() => readReferral({ mediaType, digest, size: bytes.length }, bytes));
}

/** Media type of an image's configuration, which says what an artifact is; undefined of an index. */
export function configMediaType(manifest: StoredManifest): string | undefined {
  return isImageManifest(manifest.mediaType) ? listReferences(manifest)[0]?.mediaType : undefined;
}

function orNone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof OciError) return undefined;
    throw error;
  }
}
