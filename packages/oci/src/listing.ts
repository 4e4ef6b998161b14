import type { CallOptions } from './content.ts';

/** A manifest of a repository, as a listing describes it. */
export interface ListedImage {
  /** Digest of the manifest. */
  readonly digest: string;
  /** All tags of the manifest; empty if it is untagged. */
  readonly tags: readonly string[];
  /** Media type of the manifest, if the registry reports it. */
  readonly mediaType?: string;
  /** The artifact type or the media type of the configuration, if the registry reports it. */
  readonly artifactType?: string;
  /** Compressed size of the image in bytes, if the registry reports it. */
  readonly size?: number;
  /** Time of the last push, in milliseconds since 1970, if the registry reports it. */
  readonly pushedAt?: number;
  /** Whether the image is archived: it cannot be pulled before it is restored. @default false */
  readonly archived?: boolean;
  /** Digest of the manifest that this one refers to with `subject`, if the registry reports it. */
  readonly subject?: string;
}

/** A manifest and its bytes, which match the digest. */
export interface ListedManifest {
  readonly digest: string;
  readonly mediaType: string;
  readonly content: Uint8Array;
}

/** A manifest that was not deleted. */
export interface DeletionFailure {
  readonly digest: string;
  /** Code of the registry, such as `ImageReferencedByManifestList` or `ImageNotFound`. */
  readonly code: string;
  /** Message of the registry. */
  readonly reason: string;
}

/**
 * The repositories and manifests of a registry.
 *
 * A failure concerns one repository if it comes from a method that takes a repository. Callers can continue with the
 * next one.
 */
export interface RegistryCatalog {
  /** `all`: `images` yields every manifest, also untagged ones. `tags`: it yields only manifests that have a tag. */
  readonly lists: 'all' | 'tags';
  /** Yields the name of every repository, in the order of the registry. */
  repositories(options?: CallOptions): AsyncIterable<string>;
  /**
   * Yields the manifests of a repository in pages. A digest occurs once.
   *
   * @throws OciError `NOT_FOUND` if the repository does not exist
   */
  images(repository: string, options?: CallOptions): AsyncIterable<readonly ListedImage[]>;
  /** Yields manifests in any order. Digests that do not exist, or are archived, are missing in the result. */
  manifests(repository: string, digests: readonly string[], options?: CallOptions): AsyncIterable<ListedManifest>;
  /** Returns the digest that a tag refers to now; undefined if the tag does not exist. */
  resolveTag(repository: string, tag: string, options?: CallOptions): Promise<string | undefined>;
  /**
   * Deletes manifests with their tags. The digests of one call are deleted in the given order if the registry deletes
   * them one by one.
   *
   * @returns The manifests that were not deleted. A manifest that does not exist is one of them.
   */
  delete(repository: string, digests: readonly string[], options?: CallOptions): Promise<readonly DeletionFailure[]>;
}
