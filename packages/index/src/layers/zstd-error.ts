import { SociIndexError } from '../errors.ts';

/** Converts an error of `decompressZstd`. Returns other errors unchanged. */
export function toZstdError(
  error: unknown,
  { digest, mediaType }: { readonly digest: string; readonly mediaType: string },
): unknown {
  if (!(error instanceof Error) || !('code' in error) || !/^Z(?:STD)?_/.test(String(error.code))) return error;
  const isTooLarge = error.code === 'ZSTD_error_frameParameter_windowTooLarge';
  const problem = isTooLarge
    ? 'decompression needs more than 128 MiB of memory'
    : `invalid zstd data: ${error.message}`;
  const code = isTooLarge ? 'LIMIT_EXCEEDED' : 'LAYER_INVALID';
  return new SociIndexError(code, `layer ${digest} (${mediaType}): ${problem}`, { cause: error, digest });
}
