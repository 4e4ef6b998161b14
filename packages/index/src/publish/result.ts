import type { Descriptor } from '@soci/oci';
import type { BuiltIndexes, NothingToIndex } from '../convert/build-index.ts';
import { DEFAULT_MIN_LAYER_SIZE } from '../options.ts';
import type { Problem } from '../verify/problem.ts';

/** What `indexImage` has come to. Whatever keeps it from knowing (a registry that fails, a broken layer) is thrown. */
export type IndexImageResult = ImageIndexed | ImageAlreadyIndexed | NothingIndexed | ImageSkipped | ImageRefused;

/** The index was made and written. */
export interface ImageIndexed extends PublishedIndex, Pick<BuiltIndexes, 'outcome' | 'platforms' | 'layers'> {
  /** Bytes of the layers that were read to build the index. */
  readonly bytesRead: number;
}

/** The target holds what would be made, made of the same image with the same settings. */
export interface ImageAlreadyIndexed extends PublishedIndex {
  readonly outcome: 'already-indexed';
  /** Where it was found, for people. */
  readonly message: string;
}

/** An index in its place. */
export interface PublishedIndex {
  readonly version: 1 | 2;
  /** The image that it was made of. */
  readonly image: Descriptor;
  /** The SOCI-enabled image; absent with version 1. */
  readonly root?: Descriptor;
  /** The tag of the root or, with version 1, of the copied image; absent if it has none. */
  readonly tag?: string;
  /** The SOCI index manifests, one a platform. */
  readonly indexes: readonly Descriptor[];
  /** What was read again and found right; absent if nothing was asked to be proved. */
  readonly proof?: ProofReport;
}

/** What was read again and found right. */
export interface ProofReport {
  /** Spans that were read and compared. */
  readonly spansRead: number;
  /** Files that were read through the spans and compared; 0 for a sample of spans. */
  readonly filesRead: number;
}

/** The image has no layer to index. Nothing was written. */
export interface NothingIndexed extends Omit<NothingToIndex, 'reason'> {
  /**
   * - `no-platform`: it lists nothing that runs.
   * - `no-layers`: it has no layers.
   * - `layers-too-small`: all its layers are smaller than `minLayerSize`.
   * - `layers-not-supported`: none of its layers can be indexed; `layers` says why.
   */
  readonly reason: 'no-platform' | 'no-layers' | 'layers-too-small' | 'layers-not-supported';
  /** The same for people, with numbers. */
  readonly message: string;
  readonly image: Descriptor;
}

/**
 * Why there is no need to index what was given, or none any more.
 *
 * - `not-an-image`: it is an artifact, such as a Helm chart.
 * - `soci-index`: it is a SOCI index.
 * - `soci-enabled`: it is a SOCI-enabled image, or one of its manifests; `reindex` indexes it again.
 * - `signature`, `attestation`: it is a statement about an image.
 * - `tag-moved`: the tag of the source names another image now. What was made of the old one has no tag.
 */
export type ImageSkipReason =
  | 'attestation'
  | 'not-an-image'
  | 'signature'
  | 'soci-enabled'
  | 'soci-index'
  | 'tag-moved';

/** There is nothing to index. */
export interface ImageSkipped {
  readonly outcome: 'skipped';
  readonly reason: ImageSkipReason;
  /** The same for people, with what was found. */
  readonly message: string;
  /** What the reference names. */
  readonly image: Descriptor;
}

/**
 * Why an image that should have an index gets none. Trying again gives the same.
 *
 * - `tag-taken`: the output tag names something that is not a SOCI-enabled image; `force` takes it.
 * - `tag-immutable`: the output tag names another SOCI-enabled image and cannot be moved.
 * - `tag-too-long`: the output tag is longer than 128 characters.
 * - `not-proved`: the index does not read back right.
 */
export type ImageRefusalReason = 'not-proved' | 'tag-immutable' | 'tag-taken' | 'tag-too-long';

/** The result was not made, or has not been given its tag. */
export interface ImageRefused {
  readonly outcome: 'refused';
  readonly reason: ImageRefusalReason;
  /** What, where, and what to do. */
  readonly message: string;
  readonly image: Descriptor;
  /** With `not-proved`, what is wrong. @default [] */
  readonly problems?: readonly Problem[];
  /** With `tag-immutable`, the error of the registry. */
  readonly cause?: unknown;
}

/** Says why no layer is indexed, in numbers: `3 layers: 2 smaller than 10485760 bytes, 1 ...`. */
export function describeNothing(
  { reason, platforms, layers }: NothingToIndex,
  image: Descriptor,
  minLayerSize = DEFAULT_MIN_LAYER_SIZE,
): NothingIndexed {
  const because = (reason: NothingIndexed['reason'], message: string): NothingIndexed => {
    return { outcome: 'nothing-to-index', reason, message, image, platforms, layers };
  };
  if (reason === 'no-platform') return because('no-platform', 'it has no manifest for a platform: nothing of it runs');
  if (layers.length === 0) return because('no-layers', 'it has no layers');
  const left = (of: string) => layers.filter((layer) => layer.outcome === 'skipped' && layer.reason === of).length;
  const small = left('smaller-than-min-layer-size');
  const phrases = [
    [small, `smaller than ${minLayerSize} bytes`],
    [left('unsupported-compression'), 'compressed by other means than gzip'],
    [left('not-an-image-layer') + left('unknown-layer-type'), 'of a type that is not indexed'],
  ] as const;
  const told = phrases.filter(([count]) => count > 0).map(([count, phrase]) => `${count} ${phrase}`);
  const message = `none of its ${layers.length} layers is indexed: ${told.join(', ')}`;
  return because(small === layers.length ? 'layers-too-small' : 'layers-not-supported', message);
}
