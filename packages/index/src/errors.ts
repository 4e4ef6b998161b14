/**
 * What went wrong, for a caller to branch on. The message of a {@link SociIndexError} says what, where and what to do.
 *
 * - `OPTION_INVALID`: an option of the caller's is out of its range.
 * - `MANIFEST_INVALID`: a manifest, image index or image configuration that cannot be read as one.
 * - `PLATFORM_AMBIGUOUS`: the image is for several platforms, and none was asked for.
 * - `PLATFORM_NOT_FOUND`: the image has no manifest for a platform that was asked for.
 * - `PLATFORM_MISSING`: an image index lists a manifest without a platform, so that none can be chosen.
 * - `LAYER_TYPE_INVALID`: a layer of a type that is no image layer's (with `compat: 'soci-cli'` only).
 * - `LAYER_INVALID`: a layer whose gzip or tar data is broken; `cause` is the `ZtocError` with the byte offset.
 * - `LAYER_MISMATCH`: a layer whose bytes are not those its descriptor names.
 * - `ALREADY_CONVERTED`: a SOCI index of an earlier conversion would be left without its image.
 * - `NOT_A_SOCI_INDEX`: content given to be verified that is no SOCI index and holds none.
 * - `SYMLINK_LOOP`: a path of an image leads through more than 40 symbolic links.
 * - `SOCI_INDEX_INVALID`: a SOCI index that is malformed.
 * - `LIMIT_EXCEEDED`: one of the limits (see `IndexLimits`) was passed.
 * - `WORKER_FAILED`: a worker thread ended without an answer.
 */
export type SociIndexErrorCode =
  | 'ALREADY_CONVERTED'
  | 'LAYER_INVALID'
  | 'LAYER_MISMATCH'
  | 'LAYER_TYPE_INVALID'
  | 'LIMIT_EXCEEDED'
  | 'MANIFEST_INVALID'
  | 'NOT_A_SOCI_INDEX'
  | 'OPTION_INVALID'
  | 'PLATFORM_AMBIGUOUS'
  | 'PLATFORM_MISSING'
  | 'PLATFORM_NOT_FOUND'
  | 'SOCI_INDEX_INVALID'
  | 'SYMLINK_LOOP'
  | 'WORKER_FAILED';

/** The one error class of `@soci/index`. Branch on {@link SociIndexError.code}, never on the message. */
export class SociIndexError extends Error {
  override readonly name = 'SociIndexError';
  /** What went wrong. */
  readonly code: SociIndexErrorCode;
  /** Digest of the layer or manifest at fault, where there is one. */
  readonly digest: string | undefined;

  constructor(
    code: SociIndexErrorCode,
    message: string,
    options: { readonly cause?: unknown; readonly digest?: string } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.digest = options.digest;
  }
}
