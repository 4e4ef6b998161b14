import { byteAt } from '../byte-strings.ts';
import type { TarInteger } from '../ztoc.ts';

/**
 * Reads a numeric field of a tar header: octal digits, or GNU's base-256 where the first byte's top bit is set.
 * Gives undefined where Go's reader reports a malformed number (archive/tar/strconv.go, `parseNumeric`).
 */
export function parseNumberField(block: Uint8Array, start: number, length: number): TarInteger | undefined {
  const end = start + length;
  return byteAt(block, start) & 0x80 ? parseBase256(block, start, end) : parseOctal(block, start, end);
}

/**
 * Reads octal digits between any NULs and spaces; a field of only those is 0, and a NUL after digits ends them
 * (archive/tar/strconv.go, `parseOctal`).
 */
export function parseOctal(block: Uint8Array, start: number, end: number): number | undefined {
  while (start < end && isPadding(byteAt(block, start))) start++;
  while (start < end && isPadding(byteAt(block, end - 1))) end--;
  let value = 0;
  for (let at = start; at < end && block[at] !== 0; at++) {
    const digit = byteAt(block, at) - 0x30;
    if (digit < 0 || digit > 7) return undefined;
    value = value * 8 + digit;
  }
  return value;
}

/** The exact integer as a `number` where that is safe, else the `bigint` itself. */
function toTarInteger(value: bigint): TarInteger {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

/** Two's complement, most significant byte first, with the marker bit ignored and the one below it as the sign. */
function parseBase256(block: Uint8Array, start: number, end: number): TarInteger | undefined {
  const inversion = byteAt(block, start) & 0x40 ? 0xff : 0;
  let value = (byteAt(block, start) ^ inversion) & 0x7f;
  for (let at = start + 1; at < end; at++) {
    value = value * 256 + (byteAt(block, at) ^ inversion);
    if (value >= Number.MAX_SAFE_INTEGER) return parseWideBase256(block, start, end, inversion);
  }
  return inversion ? -value - 1 : value;
}

function parseWideBase256(block: Uint8Array, start: number, end: number, inversion: number): TarInteger | undefined {
  let value = BigInt((byteAt(block, start) ^ inversion) & 0x7f);
  for (let at = start + 1; at < end; at++) value = (value << 8n) | BigInt(byteAt(block, at) ^ inversion);
  if (value >= 2n ** 63n) return undefined;
  return toTarInteger(inversion ? ~value : value);
}

function isPadding(byte: number): boolean {
  return byte === 0x20 || byte === 0;
}

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
