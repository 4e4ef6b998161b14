import { parseDigest } from '@soci/oci';
import { TestRegistryError } from '../errors.ts';
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
