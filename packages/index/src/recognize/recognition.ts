import { type Descriptor, type Fetcher, OciError } from '@soci/oci';
import { SociIndexError } from '../errors.ts';
import type { SociIndexOptions } from '../options.ts';

/** Options of {@link recognizeConversion}: those of the conversion to compare with. */
export interface RecognizeOptions extends SociIndexOptions {
  /** Store of the SOCI-enabled image. @default the store of the source image */
  readonly convertedStore?: Fetcher;
}

/** Result of {@link recognizeConversion} and {@link recognizeIndexes}. */
export type Recognition = Recognized | NotRecognized;

/** The index exists and is current: building it again would produce the same content. */
export interface Recognized {
  readonly outcome: 'current';
  /** The SOCI index manifests, in the order of the platforms. */
  readonly indexes: readonly Descriptor[];
  /** The SOCI-enabled image. Absent for v1 indexes. */
  readonly root?: Descriptor;
}

/** The index does not exist, is outdated, or cannot be compared without building it. */
export interface NotRecognized {
  readonly outcome: 'not-current';
  readonly reason: NotRecognizedReason;
  /** Describes the reason. */
  readonly message: string;
}

/**
 * Reason why an existing index is not current.
 *
 * - `not-indexed`: no SOCI index exists.
 * - `nothing-to-index`: building again would produce no SOCI index.
 * - `other-settings`: the index has a different span size, tool name, optimization or list of files to prefetch.
 * - `other-layers`: the index lacks a layer that would be indexed.
 * - `other-content`: other content differs, such as annotations, platforms or additional layers.
 * - `unreadable`: a required manifest or zTOC is missing, malformed or too large.
 * - `not-convertible`: building again would fail.
 */
export type NotRecognizedReason =
  | 'not-indexed'
  | 'nothing-to-index'
  | 'other-settings'
  | 'other-layers'
  | 'other-content'
  | 'unreadable'
  | 'not-convertible';

/** Creates a {@link NotRecognized}. */
export function notRecognized(reason: NotRecognizedReason, message: string): NotRecognized {
  return { outcome: 'not-current', reason, message };
}

/** Converts errors about content to `not-current`: building the index again reports them. Throws other errors. */
export async function catchContentErrors<T>(recognize: () => Promise<T | NotRecognized>): Promise<T | NotRecognized> {
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
