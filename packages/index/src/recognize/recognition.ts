import { type Descriptor, type Fetcher, OciError } from '@soci/oci';
import { SociIndexError } from '../errors.ts';
import type { SociIndexOptions } from '../options.ts';

/** Options of {@link recognizeConversion}: those of the conversion that is asked about. */
export interface RecognizeOptions extends SociIndexOptions {
  /** Holds the converted image, if that is in another place than the image. @default the image's store */
  readonly convertedStore?: Fetcher;
}

/** What {@link recognizeConversion} and {@link recognizeIndexes} have found. */
export type Recognition = Recognized | NotRecognized;

/** What building again would give is there. */
export interface Recognized {
  readonly outcome: 'current';
  /** The SOCI index manifests, in the order of the platforms. */
  readonly indexes: readonly Descriptor[];
  /** The converted image; absent if v1 indexes were asked for. */
  readonly root?: Descriptor;
}

/** Building again would give something else, or it cannot be told without doing so. */
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
 * - `nothing-to-index`: building again would give no SOCI index.
 * - `other-settings`: the SOCI index that is there was made with another span size, tool name, optimization or list of files.
 * - `other-layers`: it lacks a layer that would be indexed.
 * - `other-content`: what is there differs in another way, such as the image's annotations, platforms or further layers.
 * - `unreadable`: a manifest or zTOC that is needed to tell is gone, malformed or too large.
 * - `not-convertible`: building again would be refused.
 */
export type NotRecognizedReason =
  | 'not-indexed'
  | 'nothing-to-index'
  | 'other-settings'
  | 'other-layers'
  | 'other-content'
  | 'unreadable'
  | 'not-convertible';

/** Says that an image is to be indexed, and why. */
export function notRecognized(reason: NotRecognizedReason, message: string): NotRecognized {
  return { outcome: 'not-current', reason, message };
}

/** Takes an error about content for an answer: indexing again will tell more of it. Others are thrown. */
export async function orNotRecognized<T>(recognize: () => Promise<T | NotRecognized>): Promise<T | NotRecognized> {
  try {
    return await recognize();
  } catch (error) {
    if (error instanceof OciError || (error instanceof SociIndexError && UNREADABLE.has(error.code))) {
      return notRecognized('unreadable', error.message);
    }
    if (error instanceof SociIndexError && error.code !== 'OPTION_INVALID') {
      return notRecognized('not-convertible', error.message);
    }
    throw error;
  }
}

const UNREADABLE: ReadonlySet<string> = new Set(['LIMIT_EXCEEDED', 'MANIFEST_INVALID', 'SOCI_INDEX_INVALID']);
