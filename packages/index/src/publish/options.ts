import type {
  BlobImporter,
  BlobLocator,
  Descriptor,
  Fetcher,
  ImageWriter,
  ManifestPusher,
  Mounter,
  Prober,
  Pusher,
  RangeFetcher,
  ReferrerLister,
  RepositoryLocation,
  Resolver,
  RootAdder,
  Tagger,
  TagLister,
} from '@soci/oci';
import type { SociIndexOptions, ZtocSource } from '../options.ts';
import type { IndexProgress } from '../progress.ts';
import type { SkippedCandidate } from '../reuse/reusable-ztocs.ts';
import type { Problem } from '../verify/problem.ts';

/**
 * A store that an image is read from: a repository of `@soci/ecr`, a layout, an archive, memory. With the tags of a
 * repository, zTOCs of other images are found.
 */
export type SourceStore = Resolver &
  Fetcher &
  RangeFetcher &
  Prober &
  ReferrerLister &
  Partial<TagLister & RepositoryLocation & BlobLocator>;

/**
 * A store that the result is written to. What else it can do is used: what it can be asked for (`Resolver`, `Fetcher`,
 * `ReferrerLister`) is recognized and not overwritten, what it can mount or import is not copied.
 */
export type TargetStore = ((Pusher & Prober & Tagger) | ImageWriter) &
  Partial<
    Resolver &
      Fetcher &
      ReferrerLister &
      TagLister &
      Mounter &
      ManifestPusher &
      RepositoryLocation &
      RootAdder &
      BlobImporter
  >;

/** The image to index. */
export interface IndexSource {
  /** Holds the image. Only the layers that are indexed are read, each once. */
  readonly store: SourceStore;
  /** Tag or digest of the image, or its descriptor if it is resolved already. */
  readonly reference: string | Descriptor;
  /**
   * A tag that must name the image, checked before the build and again before the result is tagged.
   *
   * @default `reference` if that is a tag
   */
  readonly tag?: string;
}

/** Where the result goes. */
export interface IndexTarget {
  /**
   * Receives the result. If it is the store of the source, or a repository with the same host and path, only what is new
   * is written; otherwise the image is copied, too.
   */
  readonly store: TargetStore;
  /**
   * Tag of the SOCI-enabled image or, with version 1, of the copied image.
   *
   * @default no tag: the result is found by its digest, and a layout lists it without a name
   */
  readonly tag?: string;
  /** Whether the target holds the image already, although it is another store: a draft of the same layout. @default false */
  readonly holdsImage?: boolean;
}

/**
 * What proves an index before it is written. With `spans`, so many spans of each layer are read again and compared with
 * the zTOC (`0`: none). `read-back` reads every layer again and compares every file; it also proves a result that is
 * there already.
 */
export type Proof = { readonly spans: number } | 'read-back';

/** Options of {@link indexImage}. */
export interface IndexImageOptions extends Omit<SociIndexOptions, 'onProgress' | 'reuse'> {
  /**
   * `2`: a SOCI-enabled image, which is pushed and deployed like any other. `1`: SOCI indexes that refer to the image,
   * which stays as it is.
   *
   * @default 2
   */
  readonly version?: 1 | 2;
  /**
   * Builds and writes even if the target holds the result, and takes the tag away from an image that is not SOCI-enabled.
   *
   * @default false
   */
  readonly force?: boolean;
  /** Whether to index an image that is SOCI-enabled already, or one of its manifests, too. @default the value of `force` */
  readonly reindex?: boolean;
  /**
   * Whether to use zTOCs of unchanged layers that other images in the registry have, or where else to look for them. Stores
   * that do not list tags are not searched: reading their layers is as fast.
   *
   * @default true
   */
  readonly reuse?: boolean | ZtocSource;
  /** What proves the index before it is written. @default no proof */
  readonly proof?: Proof;
  /** Pieces of content written at a time, at least 1. @default 6 */
  readonly concurrency?: number;
  /** Called as the work goes on. @default no calls */
  readonly onProgress?: (progress: PublishProgress) => void;
}

/** What `indexImage` is doing: the events of the build, and those of what comes before and after it. */
export type PublishProgress =
  | IndexProgress
  /** The reference is resolved. */
  | { readonly type: 'resolved'; readonly image: Descriptor }
  /** Something in the registry could not be read: zTOCs of fewer images are reused, or an existing index is not recognized. */
  | ({ readonly type: 'candidate-skipped' } & SkippedCandidate)
  /** The index is made and is being proved. So many bytes of layers are read for it; 0 for a sample of spans. */
  | { readonly type: 'proving'; readonly bytes: number }
  /** So many bytes of a layer were read back. */
  | { readonly type: 'proof-progress'; readonly layer: string; readonly bytes: number; readonly size: number }
  /** An index with reused zTOCs is wrong: it is built again from the layers alone. */
  | { readonly type: 'rebuilding'; readonly problem: Problem }
  /** The result is being written. */
  | { readonly type: 'pushing' }
  /** So many bytes of a piece of content were written. */
  | { readonly type: 'push-progress'; readonly digest: string; readonly size: number; readonly bytes: number };
