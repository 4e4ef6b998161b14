import type { Descriptor, Platform } from '@soci/oci';
import type { ReadRange, SpanUse } from '@soci/ztoc';
import type { SkipReason } from '../layers/layer-plan.ts';
import type { PredictionLimit } from '../predict/limits.ts';
import type { ProfileOrigin } from '../profile/start-profile.ts';
import type { LayerWarning } from '../warnings/layer-warning.ts';

/** Result of {@link analyzeImage}: what the start of a container reads of an image, with several span sizes. */
export interface ImageAnalysis {
  readonly platform: Platform;
  readonly manifest: Descriptor;
  /** Digest of the SOCI index (version 2) that the manifest names. Undefined if it names none. */
  readonly sociIndex: string | undefined;
  /** Words of the start command: `Entrypoint` and `Cmd`. Empty if the image has none. */
  readonly command: readonly string[];
  /** Origin of the profile. Undefined if a given profile does not have it. */
  readonly origin: ProfileOrigin | undefined;
  /** Number of files in the profile. 0 if a prediction found no program. */
  readonly files: number;
  /** Number of those files that the analysed layers have. */
  readonly filesFound: number;
  /** Limits that a prediction reached. If there are any, files are missing. */
  readonly reachedLimits: readonly PredictionLimit[];
  /** Layers, base layer first. A layer that occurs several times is listed once. */
  readonly layers: readonly LayerAnalysis[];
}

/** A layer of an {@link ImageAnalysis}. */
export interface LayerAnalysis {
  readonly digest: string;
  readonly mediaType: string;
  /** Bytes of the layer. */
  readonly size: number;
  /** Size of the gzip layer in bytes, if the layer was recompressed. `content` describes that layer. */
  readonly recompressedSize?: number;
  /** Why the layer gets no zTOC with the given settings. */
  readonly skipped?: { readonly reason: SkipReason; readonly message?: string };
  /** Content of the layer. Absent if it was not read. */
  readonly content?: LayerContent;
}

/** Content of a layer that was read. */
export interface LayerContent {
  /** Bytes of the uncompressed archive. */
  readonly uncompressedSize: number;
  /** Number of entries of the archive, including directories and links. */
  readonly files: number;
  /** The encoded zTOC with large spans. `decodeZtocFiles` lists its files. */
  readonly ztoc: Uint8Array;
  /** What the start reads of the uncompressed layer. Sorted, not overlapping. */
  readonly reads: readonly ReadRange[];
  /** Spans for the span size `auto`, then for each of the other span sizes. */
  readonly spans: readonly SpanUse[];
  /** What the runtime does differently than expected, worst first. */
  readonly warnings: readonly LayerWarning[];
}
