import { type Descriptor, isImageManifest, listSuccessors, OciError, type Referral, readReferral } from '@soci/oci';

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

/**
 * The content of a repository. The bytes of its blobs are in the blob store, which all repositories share. Every lookup
 * takes constant time, so that a repository can have 100,000 images.
 */
export class Repository {
  readonly name: string;
  /** Whether tags are immutable. */
  readonly immutableTags: boolean;
  readonly createdAt = new Date();
  /** Whether all requests are denied. */
  isDenied = false;
  /** Lifecycle policy of Amazon ECR, if set. It has no effect. */
  lifecyclePolicy: string | undefined;
  readonly #blobs = new Set<string>();
  readonly #manifests = new Map<string, StoredManifest>();
  readonly #archived = new Set<string>();
  readonly #tags = new Map<string, string>();
  readonly #tagsOf = new Map<string, Set<string>>();
  readonly #referrers = new Map<string, Map<string, Descriptor>>();
  /** Number of manifests that refer to a digest. */
  readonly #references = new Map<string, number>();
  #sortedTags: readonly string[] | undefined;

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

  /** Returns a manifest by tag or digest. It may be archived. */
  manifest(reference: string): StoredManifest | undefined {
    return this.#manifests.get(this.#tags.get(reference) ?? reference);
  }

  manifests(): readonly StoredManifest[] {
    return [...this.#manifests.values()];
  }

  /** Reports whether a manifest refers to `digest`. */
  refersTo(digest: string): boolean {
    return this.#references.has(digest);
  }

  /** Stores a manifest. Restores it if it is archived. */
  addManifest(manifest: StoredManifest): void {
    this.#archived.delete(manifest.digest);
    if (!this.#manifests.has(manifest.digest)) this.#countReferences(manifest, 1);
    this.#manifests.set(manifest.digest, manifest);
    const referral = referralOf(manifest);
    if (referral === undefined) return;
    const list = this.#referrers.get(referral.subject) ?? new Map<string, Descriptor>();
    list.set(manifest.digest, referral.referrer);
    this.#referrers.set(referral.subject, list);
  }

  /** Removes a manifest, its tags and its entry in the list of referrers. */
  removeManifest(digest: string): void {
    const manifest = this.#manifests.get(digest);
    if (manifest === undefined) return;
    for (const tag of this.tagsOf(digest)) this.removeTag(tag);
    this.#countReferences(manifest, -1);
    this.#referrers.get(referralOf(manifest)?.subject ?? '')?.delete(digest);
    this.#manifests.delete(digest);
    this.#archived.delete(digest);
  }

  /** Archives a manifest: it is listed, and cannot be pulled until it is pushed again. */
  archive(digest: string): void {
    this.#archived.add(digest);
  }

  isArchived(digest: string): boolean {
    return this.#archived.has(digest);
  }

  /** Tags in the order of {@link compareTags}. */
  tags(): readonly string[] {
    this.#sortedTags ??= [...this.#tags.keys()].sort(compareTags);
    return this.#sortedTags;
  }

  tagsOf(digest: string): readonly string[] {
    return [...(this.#tagsOf.get(digest) ?? [])].sort(compareTags);
  }

  /** Returns the digest that `tag` refers to. */
  tagged(tag: string): string | undefined {
    return this.#tags.get(tag);
  }

  setTag(tag: string, digest: string): void {
    this.removeTag(tag);
    this.#tags.set(tag, digest);
    const tags = this.#tagsOf.get(digest) ?? new Set<string>();
    this.#tagsOf.set(digest, tags.add(tag));
    this.#sortedTags = undefined;
  }

  removeTag(tag: string): void {
    this.#tagsOf.get(this.#tags.get(tag) ?? '')?.delete(tag);
    this.#tags.delete(tag);
    this.#sortedTags = undefined;
  }

  /** Returns the referrers of `subject`, in the order in which they were pushed. */
  referrers(subject: string): readonly Descriptor[] {
    return [...(this.#referrers.get(subject)?.values() ?? [])];
  }

  #countReferences(manifest: StoredManifest, change: 1 | -1): void {
    for (const { digest } of listReferences(manifest)) {
      const count = (this.#references.get(digest) ?? 0) + change;
      if (count > 0) this.#references.set(digest, count);
      else this.#references.delete(digest);
    }
  }
}

/** Compares tags case-insensitively, then case-sensitively. @see OCI distribution-spec v1.1, "Listing Tags" */
export function compareTags(a: string, b: string): number {
  return compareText(a.toLowerCase(), b.toLowerCase()) || compareText(a, b);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
