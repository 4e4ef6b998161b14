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
  StreamPusher,
  Tagger,
  TagLister,
} from '@soci/oci';
import type { SociIndexOptions, ZtocSource } from '../options.ts';
import type { StartProfile } from '../profile/start-profile.ts';
import type { IndexProgress } from '../progress.ts';
import type { SkippedCandidate } from '../reuse/reusable-ztocs.ts';
import type { Problem } from '../verify/problem.ts';

/**
 * Store of the source image: a repository of `@soci/registry` or `@soci/ecr`, a layout, an archive, or memory. If it lists
 * tags, zTOCs of other images are reused.
 */
export type SourceStore = Resolver &
  Fetcher &
  RangeFetcher &
  Prober &
  ReferrerLister &
  Partial<TagLister & RepositoryLocation & BlobLocator>;

/**
 * Store of the result. Optional capabilities are used if they exist: with `Resolver`, `Fetcher` and `ReferrerLister`,
 * existing results are recognized and not overwritten; with `Mounter` and `BlobImporter`, blobs are not copied through
 * this process; with `StreamPusher`, recompressed layers are written while they are compressed.
 */
export type TargetStore = ((Pusher & Prober & Tagger) | ImageWriter) &
  Partial<
    Resolver &
      Fetcher &
      RangeFetcher &
      ReferrerLister &
      TagLister &
      Mounter &
      StreamPusher &
      ManifestPusher &
      RepositoryLocation &
      RootAdder &
      BlobImporter
  >;

/** The image to index. */
export interface IndexSource {
  /** Store of the image. Only layers that are indexed are read, each once. */
  readonly store: SourceStore;
  /** Tag, digest or descriptor of the image. */
  readonly reference: string | Descriptor;
  /**
   * Tag that must name the image. Checked before the build, and again before the result is tagged.
   *
   * @default `reference`, if it is a tag
   */
  readonly tag?: string;
}

/** Destination of the result. */
export interface IndexTarget {
  /**
   * Store of the result. If it is the source store, or a repository with the same host and path, only new content is
   * written. Otherwise the image is copied.
   */
  readonly store: TargetStore;
  /**
   * Tag of the SOCI-enabled image or, with version 1, of the copied image.
   *
   * @default no tag; a layout lists the result without a name
   */
  readonly tag?: string;
  /** More tags, written after `tag`. The same rules apply to each. @default none */
  readonly otherTags?: readonly string[];
  /** Whether the target already contains the image although it is a different store, such as a draft of the same layout. @default false */
  readonly holdsImage?: boolean;
}

/**
 * How to verify an index before it is written. `spans` is the number of spans of each layer to read again and compare with
 * the zTOC. `read-back` reads every layer again and compares every file. It also verifies an existing result.
 */
export type Proof = { readonly spans: number } | 'read-back';

/** Options of {@link indexImage}. */
export interface IndexImageOptions
  extends Omit<SociIndexOptions, 'layerTarget' | 'onProgress' | 'profile' | 'reuse' | 'storeZtoc'> {
  /**
   * What the start of a container reads, for the span size `auto`. `stored` is the profile that is stored with the target or
   * source repository (see `pushProfile`); without one, the default span size is used. A stored profile that cannot be read is
   * reported as `profile-skipped`, and not used.
   *
   * @default with `spanSize: 'auto'`, the stored profile; without one, predicted from the image
   */
  readonly profile?: StartProfile | 'stored';
  /**
   * `2` builds a SOCI-enabled image, which is deployed like any other image. `1` builds SOCI indexes that refer to the
   * unchanged image.
   *
   * @default 2
   */
  readonly version?: 1 | 2;
  /**
   * Whether to build and write even if the result exists, and to overwrite a tag of an image that is not SOCI-enabled.
   *
   * @default false
   */
  readonly force?: boolean;
  /**
   * Whether to overwrite a tag that names the source image. Unlike `force`, does not overwrite tags of other images.
   *
   * @default false
   */
  readonly overwriteSource?: boolean;
  /** Whether to index an image that is already SOCI-enabled, or one of its manifests. @default the value of `force` */
  readonly reindex?: boolean;
  /**
   * Whether to reuse zTOCs of unchanged layers from other images in the registry, or another source of zTOCs. Stores that
   * do not list tags are not searched, because reading their layers is as fast.
   *
   * @default true
   */
  readonly reuse?: boolean | ZtocSource;
  /** How to verify the index before it is written. @default no verification */
  readonly proof?: Proof;
  /** Number of blobs and manifests written at the same time, at least 1. @default 6 */
  readonly concurrency?: number;
  /** Called for each progress event. @default no calls */
  readonly onProgress?: (progress: PublishProgress) => void;
}

/** Progress event of `indexImage`: an event of the build, or of a step before or after it. */
export type PublishProgress =
  | IndexProgress
  /** The reference was resolved. */
  | { readonly type: 'resolved'; readonly image: Descriptor }
  /** Existing content could not be read. Its zTOCs are not reused, or an existing index is not recognized. */
  | ({ readonly type: 'candidate-skipped' } & SkippedCandidate)
  /** The stored profile cannot be read. It is not used. */
  | { readonly type: 'profile-skipped'; readonly error: Error }
  /** Verification starts. `bytes` is the size of the layers to read, 0 for a sample of spans. */
  | { readonly type: 'proving'; readonly bytes: number }
  /** More of a layer was verified. */
  | { readonly type: 'proof-progress'; readonly layer: string; readonly bytes: number; readonly size: number }
  /** An index with reused zTOCs is invalid. It is built again from the layers. */
  | { readonly type: 'rebuilding'; readonly problem: Problem }
  /** Writing of the result starts. */
  | { readonly type: 'pushing' }
  /** More of a blob or manifest was written. */
  | { readonly type: 'push-progress'; readonly digest: string; readonly size: number; readonly bytes: number };
