import { PrintableError } from '@soci/oci';

/**
 * Code of a {@link SociIndexError}.
 *
 * - `OPTION_INVALID`: an option has an invalid value.
 * - `MANIFEST_INVALID`: a manifest, image index or image configuration is malformed.
 * - `PLATFORM_AMBIGUOUS`: the image is for several platforms, and no platform was selected.
 * - `PLATFORM_NOT_FOUND`: the image has no manifest for the selected platform.
 * - `PLATFORM_MISSING`: an image index lists a manifest without a platform (only with `compat: 'soci-cli'`).
 * - `PREFETCH_FILE_NOT_FOUND`: no platform has one of `prefetchFiles` in an indexed layer.
 * - `LAYER_TYPE_INVALID`: the media type is not that of an image layer (only with `compat: 'soci-cli'`).
 * - `LAYER_INVALID`: the gzip or tar data of a layer is invalid. `cause` is the `ZtocError` with the byte offset.
 * - `LAYER_MISMATCH`: the content of a layer does not match the size or digest in its descriptor.
 * - `LAYER_UNREADABLE`: no readable layer of an image has a file, but a layer that cannot be read may have it.
 * - `ALREADY_CONVERTED`: the image contains a SOCI index of an earlier conversion that would become outdated.
 * - `PROFILE_INVALID`: a profile of a start is malformed, too large, or has an unknown version.
 * - `NOT_A_SOCI_INDEX`: the content to verify is not a SOCI index and does not list one.
 * - `SYMLINK_LOOP`: resolving a path requires more than 40 symbolic links.
 * - `SOCI_INDEX_INVALID`: a SOCI index is malformed.
 * - `LIMIT_EXCEEDED`: one of the limits was exceeded, see `IndexLimits`.
 * - `TAG_TAKEN`: the tag for stored profiles refers to something else.
 * - `WORKER_FAILED`: a worker thread exited without a result.
 */
export type SociIndexErrorCode =
  | 'ALREADY_CONVERTED'
  | 'LAYER_INVALID'
  | 'LAYER_MISMATCH'
  | 'LAYER_TYPE_INVALID'
  | 'LAYER_UNREADABLE'
  | 'LIMIT_EXCEEDED'
  | 'MANIFEST_INVALID'
  | 'NOT_A_SOCI_INDEX'
  | 'OPTION_INVALID'
  | 'PLATFORM_AMBIGUOUS'
  | 'PLATFORM_MISSING'
  | 'PLATFORM_NOT_FOUND'
  | 'PREFETCH_FILE_NOT_FOUND'
  | 'PROFILE_INVALID'
  | 'SOCI_INDEX_INVALID'
  | 'SYMLINK_LOOP'
  | 'TAG_TAKEN'
  | 'WORKER_FAILED';

/** Error of `@soci/index`. Check {@link SociIndexError.code}; messages may change. */
export class SociIndexError extends PrintableError {
  override readonly name = 'SociIndexError';
  /** Identifies the kind of error. */
  readonly code: SociIndexErrorCode;
  /** Digest of the affected layer or manifest, if known. */
  readonly digest: string | undefined;

  constructor(
    code: SociIndexErrorCode,
    message: string,
    options: { readonly cause?: unknown; readonly digest?: string } = {},
  ) {
    super(message, options);
    this.code = code;
    this.digest = options.digest;
  }
}
