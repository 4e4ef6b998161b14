import type { Descriptor } from '@soci/oci';
import type { BuiltIndexes, NothingToIndex } from '../convert/build-index.ts';
import { DEFAULT_MIN_LAYER_SIZE } from '../options.ts';
import type { Problem } from '../verify/problem.ts';

/** Result of `indexImage`. Failures, such as an unavailable registry or a damaged layer, are thrown instead. */
export type IndexImageResult = ImageIndexed | ImageAlreadyIndexed | NothingIndexed | ImageSkipped | ImageRefused;

/** The index was built and written. */
export interface ImageIndexed extends PublishedIndex, Pick<BuiltIndexes, 'outcome' | 'platforms' | 'layers'> {
  /** Bytes of the layers that were read to build the index. */
  readonly bytesRead: number;
}

/** The target already contains the index for the same image and settings. */
export interface ImageAlreadyIndexed extends PublishedIndex {
  readonly outcome: 'already-indexed';
  /** Describes where the index was found. */
  readonly message: string;
}

/** A published index. */
export interface PublishedIndex {
  readonly version: 1 | 2;
  /** The source image. */
  readonly image: Descriptor;
  /** The SOCI-enabled image. Absent with version 1. */
  readonly root?: Descriptor;
  /** Tag of the root or, with version 1, of the copied image. Absent if there is no tag. */
  readonly tag?: string;
  /** The SOCI index manifests, one per platform. */
  readonly indexes: readonly Descriptor[];
  /** Profile that the spans follow. Only with the span size `auto`, or the profile `stored`. */
  readonly profile?: UsedProfile;
  /** What was verified. Absent without the option `proof`. */
  readonly proof?: ProofReport;
}

/** Profile that the spans of an index follow. */
export interface UsedProfile {
  /** The profile of the options, the `stored` or a `predicted` one, or `none` with the profile `stored` if none is stored. */
  readonly origin: 'given' | 'stored' | 'predicted' | 'none';
  /** Digest of a stored profile. */
  readonly digest?: string;
}

/** Extent of a successful verification. */
export interface ProofReport {
  /** Number of spans that were read and compared. */
  readonly spansRead: number;
  /** Number of files that were read through the spans and compared. 0 for a sample of spans. */
  readonly filesRead: number;
}

/** The image has no layers to index. Nothing was written. */
export interface NothingIndexed extends Omit<NothingToIndex, 'reason'> {
  /**
   * - `no-platform`: the image has no manifest for a platform.
   * - `no-layers`: the image has no layers.
   * - `layers-too-small`: all layers are smaller than `minLayerSize`.
   * - `layers-not-supported`: no layer can be indexed. `layers` contains the reasons.
   */
  readonly reason: 'no-platform' | 'no-layers' | 'layers-too-small' | 'layers-not-supported';
  /** Describes the reason, with numbers of layers. */
  readonly message: string;
  readonly image: Descriptor;
}

/**
 * Reason why content does not need an index.
 *
 * - `not-an-image`: the content is an artifact, such as a Helm chart.
 * - `soci-index`: the content is a SOCI index.
 * - `soci-enabled`: the content is a SOCI-enabled image, or one of its manifests. `reindex` indexes it again.
 * - `signature`, `attestation`: the content is a signature or an attestation of an image.
 * - `tag-moved`: the source tag now names another image. The index of the previous image was not tagged.
 */
export type ImageSkipReason =
  | 'attestation'
  | 'not-an-image'
  | 'signature'
  | 'soci-enabled'
  | 'soci-index'
  | 'tag-moved';

/** The content does not need an index. */
export interface ImageSkipped {
  readonly outcome: 'skipped';
  readonly reason: ImageSkipReason;
  /** Describes the reason. */
  readonly message: string;
  /** The content that the reference names. */
  readonly image: Descriptor;
}

/**
 * Reason why an index was not published. A retry has the same result.
 *
 * - `tag-taken`: the output tag names content that is not a SOCI-enabled image. `force` overwrites it.
 * - `tag-immutable`: the output tag names another SOCI-enabled image and is immutable.
 * - `tag-too-long`: the output tag has more than 128 characters.
 * - `not-proved`: the verification of the index failed.
 */
export type ImageRefusalReason = 'not-proved' | 'tag-immutable' | 'tag-taken' | 'tag-too-long';

/** The index was not built, or was not tagged. */
export interface ImageRefused {
  readonly outcome: 'refused';
  readonly reason: ImageRefusalReason;
  /** Describes the reason. */
  readonly message: string;
  readonly image: Descriptor;
  /** Problems found by the verification. Only with `not-proved`. @default [] */
  readonly problems?: readonly Problem[];
  /** Error of the registry. Only with `tag-immutable`. */
  readonly cause?: unknown;
}

/** Describes why no layer is indexed: `none of its 3 layers is indexed: 2 smaller than 10485760 bytes, 1 ...`. */
export function describeNothingToIndex(
  { reason, platforms, layers }: NothingToIndex,
  image: Descriptor,
  minLayerSize = DEFAULT_MIN_LAYER_SIZE,
): NothingIndexed {
  const result = (reason: NothingIndexed['reason'], message: string): NothingIndexed => {
    return { outcome: 'nothing-to-index', reason, message, image, platforms, layers };
  };
  if (reason === 'no-platform') return result('no-platform', 'it has no manifest for a platform');
  if (layers.length === 0) return result('no-layers', 'it has no layers');
  const count = (reason: string) =>
    layers.filter((layer) => layer.outcome === 'skipped' && layer.reason === reason).length;
  const small = count('smaller-than-min-layer-size');
  const phrases = [
    [small, `smaller than ${minLayerSize} bytes`],
    [count('unsupported-compression'), 'compressed with a method other than gzip'],
    [count('encrypted'), 'encrypted'],
    [count('media-type-mismatch'), 'with content that does not match the media type'],
    [count('not-an-image-layer') + count('unknown-layer-type'), 'of an unsupported type'],
  ] as const;
  const reasons = phrases.filter(([layers]) => layers > 0).map(([layers, phrase]) => `${layers} ${phrase}`);
  const message = `none of its ${layers.length} layers is indexed: ${reasons.join(', ')}`;
  return result(small === layers.length ? 'layers-too-small' : 'layers-not-supported', message);
}
