import { parseDigest } from '@soci/oci';
import { TestRegistryError } from '../errors.ts';
import type { BlobStore, StoredBlob } from './blob-store.ts';
import { Repository } from './repository.ts';

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
