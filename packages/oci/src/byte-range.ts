import type { ByteRange } from './content.ts';
import { OciError } from './errors.ts';

/**
 * Checks that `range` lies within content of `size` bytes.
 *
 * @throws OciError `RANGE_INVALID`
 */
export function checkRange({ offset, length }: ByteRange, size: number, digest: string): void {
  const whole = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (!whole || length > size - offset) {
    throw new OciError(
      'RANGE_INVALID',
      `${length} bytes from ${offset} do not lie within the ${size} bytes of ${digest}`,
    );
  }
}
