import { OciError } from '@soci/oci';
import { SociIndexError } from '../errors.ts';
import { OversizedLayerError } from './build-layer.ts';

/**
 * Calls `read` again, once, if the layer that it reads is damaged: a cache or a proxy on the way may have damaged it. The
 * digest is known only at the end of a layer, so a damaged byte can first appear as invalid gzip or tar data.
 *
 * A layer that exceeds a limit is not read again: tar headers have checksums, so a damaged byte is invalid before it can
 * exceed a limit. A layer that is longer than its descriptor says is not read again either: damage rarely adds bytes.
 *
 * @param read - Reads the layer from its start.
 * @throws SociIndexError with a message that names both failures; other errors of `read`.
 */
export async function readAgainIfDamaged<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (first) {
    if (!isDamaged(first)) throw first;
    try {
      return await read();
    } catch (second) {
      if (!isDamaged(second)) throw second;
      const reads =
        first.message === second.message ? 'in both reads' : `second read; the first read: ${first.message}`;
      const message = `${second.message} (${reads})`;
      if (second instanceof OciError) throw new OciError(second.code, message, { cause: second });
      const { code, digest, cause } = second;
      throw new SociIndexError(code, message, {
        ...(digest !== undefined && { digest }),
        ...(cause !== undefined && { cause }),
      });
    }
  }
}

function isDamaged(error: unknown): error is OciError | SociIndexError {
  if (error instanceof OciError) return error.code === 'DIGEST_MISMATCH' || error.code === 'SIZE_MISMATCH';
  if (!(error instanceof SociIndexError) || error instanceof OversizedLayerError) return false;
  return error.code === 'LAYER_INVALID' || error.code === 'LAYER_MISMATCH';
}
