import type { BlobStore, StoredBlob } from './blob-store.ts';
import { Repository } from './repository.ts';

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

  /** Takes a blob in whole. */
  async addBlob(repository: Repository, bytes: Uint8Array): Promise<string> {
    const draft = await this.blobs.begin();
    draft.expect(bytes.length);
    await draft.append(bytes);
    const digest = await draft.digest('sha256');
    await this.blobs.keep(draft, digest);
    repository.addBlob(digest);
    return digest;
  }
}
