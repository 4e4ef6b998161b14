import type { Descriptor, Fetcher, Platform } from '@soci/oci';
import type { SkippedLayer } from '../convert/report.ts';
import type { SociIndexOptions } from '../options.ts';

/** Options of {@link recognizeConversion}: those of the conversion that is asked about. */
export interface RecognizeOptions extends SociIndexOptions {
  /** Holds the converted image, where that is in another place than the image. @default the image's store */
  readonly convertedStore?: Fetcher;
}

/** What {@link recognizeConversion} has found. */
export type ConversionRecognition = RecognizedConversion | NotRecognized;

/** What {@link recognizeIndexes} has found. */
export type IndexesRecognition = RecognizedIndexes | NotRecognized;

/** The SOCI indexes that building them anew would give are there. */
export interface RecognizedIndexes {
  readonly outcome: 'current';
  /** The SOCI index manifests, in the order of the platforms. */
  readonly indexes: readonly Descriptor[];
  readonly platforms: readonly RecognizedPlatform[];
  readonly layers: readonly (RecognizedLayer | SkippedLayer)[];
}

/** The image that converting anew would give is there. */
export interface RecognizedConversion extends RecognizedIndexes {
  /** The converted image. */
  readonly root: Descriptor;
}

/** One platform of an image that is indexed. */
export interface RecognizedPlatform {
  /** Absent of a single manifest whose configuration was not read. */
  readonly platform?: Platform;
  /** The image's manifest for it, as the image has it. */
  readonly manifest: Descriptor;
  /** Its SOCI index; absent where none of its layers is indexed. */
  readonly index?: Descriptor;
  /** Digests of its layers, in order. */
  readonly layers: readonly string[];
}

/** A layer that is indexed. */
export interface RecognizedLayer {
  readonly outcome: 'indexed';
  readonly digest: string;
  readonly mediaType: string;
  /** Bytes of the layer. */
  readonly size: number;
  /** Its zTOC as the SOCI index lists it. */
  readonly ztoc: Descriptor;
}

/** Building anew would give something else, or it cannot be told without doing so. */
export interface NotRecognized {
  readonly outcome: 'not-current';
  readonly reason: NotRecognizedReason;
  /** The same for people. */
  readonly message: string;
}

/**
 * Why an image is to be indexed.
 *
 * - `not-indexed`: what is there holds no SOCI index.
 * - `nothing-to-index`: building anew would give no SOCI index.
 * - `other-settings`: the SOCI index that is there was made with another span size, tool name, optimization or list of files.
 * - `other-layers`: it lacks a layer that would be indexed.
 * - `other-content`: what is there differs in another way, such as the image's annotations, platforms or further layers.
 * - `unreadable`: a manifest or zTOC that is needed to tell is gone, malformed or too large.
 * - `not-convertible`: building anew would be refused.
 */
export type NotRecognizedReason =
  | 'not-indexed'
  | 'nothing-to-index'
  | 'other-settings'
  | 'other-layers'
  | 'other-content'
  | 'unreadable'
  | 'not-convertible';
