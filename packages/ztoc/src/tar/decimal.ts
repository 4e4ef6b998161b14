import type { TarInteger } from '../ztoc.ts';
import { toTarInteger } from './number-field.ts';

const DECIMAL = /^[+-]?\d+$/;

/** Digits, with a sign, that a `number` surely holds. */
const MAX_EXACT_LENGTH = 15;

/** Digits of 2^63, the longest that a 64-bit integer has. */
const MAX_DIGITS = 19;

/**
 * Reads a signed 64-bit decimal integer as Go's `strconv.ParseInt(text, 10, 64)` does: an optional sign, then nothing
 * but digits. Gives undefined for anything else, and beyond 64 bits.
 */
export function parseDecimal(text: string): TarInteger | undefined {
  if (!DECIMAL.test(text)) return undefined;
  // Adding zero makes one of minus zero.
  if (text.length <= MAX_EXACT_LENGTH) return Number(text) + 0;
  const digits = text.replace(/^[+-]?0*/, '');
  if (digits.length > MAX_DIGITS) return undefined;
  const magnitude = BigInt(digits);
  const value = text.startsWith('-') ? -magnitude : magnitude;
  return BigInt.asIntN(64, value) === value ? toTarInteger(value) : undefined;
}
