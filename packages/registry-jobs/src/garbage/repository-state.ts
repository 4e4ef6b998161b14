import { MEDIA_TYPE_SOCI_INDEX_V1, MEDIA_TYPE_SOCI_INDEX_V2 } from '@soci/index';
import { type CallOptions, isImageIndex, isImageManifest, type ListedImage, type RegistryCatalog } from '@soci/oci';
import { RegistryJobsError } from '../errors.ts';
import { type ManifestFacts, readManifestFacts } from './manifest-facts.ts';

/** The manifests of a repository, as far as they are known. */
export interface RepositoryState {
  readonly repository: string;
  /** Whether untagged manifests are known: see {@link RegistryCatalog.lists}. */
  readonly lists: RegistryCatalog['lists'];
  /** All listed manifests, and those that were found by digest, by digest. */
  readonly images: ReadonlyMap<string, ListedImage>;
  /** The manifests that were read, by digest. */
  readonly facts: ReadonlyMap<string, ManifestFacts>;
}

/** Facts of manifests by digest. They stay valid, so a later reading of the same repository can use them again. */
export type KnownFacts = Map<string, ManifestFacts>;

/** Number of digests in one request to the catalog. */
const BATCH = 1000;

/** Maximum number of manifests in a repository: ten times what Amazon ECR allows by default. */
const MAX_IMAGES = 1_000_000;

/** Reads the state of a repository step by step. Each step reads only what is not known yet. */
export class RepositoryReader {
  readonly #catalog: RegistryCatalog;
  readonly #repository: string;
  readonly #known: KnownFacts;
  readonly #call: CallOptions;
  readonly #images = new Map<string, ListedImage>();
  readonly #facts = new Map<string, ManifestFacts>();
  readonly #asked = new Set<string>();

  constructor(catalog: RegistryCatalog, repository: string, known: KnownFacts, call: CallOptions) {
    this.#catalog = catalog;
    this.#repository = repository;
    this.#known = known;
    this.#call = call;
  }

  get state(): RepositoryState {
    return {
      repository: this.#repository,
      lists: this.#catalog.lists,
      images: this.#images,
      facts: this.#facts,
    };
  }

  /**
   * Lists the repository, and reads the manifests that can be garbage or list others: image indexes, SOCI indexes, and
   * untagged manifests.
   */
  async readCandidates(): Promise<void> {
    for await (const page of this.#catalog.images(this.#repository, this.#call)) {
      for (const image of page) this.#images.set(image.digest, image);
      if (this.#images.size > MAX_IMAGES) {
        const message = `${this.#repository} has more than ${MAX_IMAGES} manifests. Delete what is not needed in another way first.`;
        throw new RegistryJobsError('LIMIT_EXCEEDED', message);
      }
    }
    await this.#read([...this.#images.values()].filter(isCandidate));
    // What is not listed but exists: untagged manifests in a registry that lists only tags.
    if (this.#catalog.lists === 'tags') await this.readListed();
  }

  /** Reads the manifests that known image indexes list, and those that these list. */
  async readListed(): Promise<void> {
    while (true) {
      const listed = [...this.#facts.values()].flatMap(({ lists }) => lists);
      const unknown = [...new Set(listed)].filter((digest) => !this.#images.has(digest) && !this.#asked.has(digest));
      if (unknown.length === 0) return;
      await this.find(unknown);
    }
  }

  /** Adds those of the manifests that exist although they are not listed. */
  async find(digests: Iterable<string>): Promise<void> {
    const unknown = [...new Set(digests)].filter((digest) => !this.#images.has(digest) && !this.#asked.has(digest));
    await this.#fetch(unknown);
  }

  /** Reads all other manifests. They can refer to a manifest that would be garbage otherwise. */
  async readRest(): Promise<void> {
    await this.#read([...this.#images.values()]);
  }

  async #read(images: readonly ListedImage[]): Promise<void> {
    const unread = images.filter(({ digest, archived }) => archived !== true && !this.#facts.has(digest));
    const unknown: string[] = [];
    for (const { digest } of unread) {
      const known = this.#known.get(digest);
      if (known === undefined) unknown.push(digest);
      else this.#facts.set(digest, known);
    }
    await this.#fetch(unknown);
  }

  async #fetch(digests: readonly string[]): Promise<void> {
    for (let from = 0; from < digests.length; from += BATCH) {
      const batch = digests.slice(from, from + BATCH);
      for (const digest of batch) this.#asked.add(digest);
      for await (const manifest of this.#catalog.manifests(this.#repository, batch, this.#call)) {
        const facts = readManifestFacts(manifest);
        this.#known.set(manifest.digest, facts);
        this.#facts.set(manifest.digest, facts);
        if (!this.#images.has(manifest.digest)) {
          this.#images.set(manifest.digest, { digest: manifest.digest, tags: [], mediaType: manifest.mediaType });
        }
      }
    }
  }
}

/** Returns whether a manifest can be garbage, or list a manifest that can be. */
function isCandidate({ tags, mediaType, artifactType }: ListedImage): boolean {
  if (tags.length === 0 || mediaType === undefined || isImageIndex(mediaType)) return true;
  if (!isImageManifest(mediaType)) return false;
  return artifactType === MEDIA_TYPE_SOCI_INDEX_V1 || artifactType === MEDIA_TYPE_SOCI_INDEX_V2;
}
