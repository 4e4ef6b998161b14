import { byteAt } from '../byte-strings.ts';
import type { TarInteger } from '../ztoc.ts';

/**
 * Parses a numeric field of a tar header: octal digits, or GNU base-256 if the top bit of the first byte is set.
 * Returns undefined if Go's reader reports a malformed number (archive/tar/strconv.go, `parseNumeric`).
 */
export function parseNumberField(block: Uint8Array, start: number, length: number): TarInteger | undefined {
  const end = start + length;
  return byteAt(block, start) & 0x80 ? parseBase256(block, start, end) : parseOctal(block, start, end);
}

/**
 * Parses octal digits, with NULs and spaces around them. A field of only NULs and spaces is 0. A NUL ends the digits
 * (archive/tar/strconv.go, `parseOctal`).
 */
export function parseOctal(block: Uint8Array, start: number, end: number): number | undefined {
  while (start < end && isPadding(byteAt(block, start))) start++;
  let value = 0;
  let at = start;
  for (; at < end; at++) {
    const digit = byteAt(block, at) - 0x30;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
  }
  if (at < end && block[at] !== 0) for (; at < end; at++) if (!isPadding(byteAt(block, at))) return undefined;
  return value;
}

/** Returns the exact integer: a `number` if it is safe, otherwise the `bigint`. */
function toTarInteger(value: bigint): TarInteger {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

/** Parses two's complement, most significant byte first. The top bit is the marker, the next one the sign. */
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

/** Maximum length of a decimal number, with its sign, that a `number` always represents exactly. */
const MAX_EXACT_LENGTH = 15;

/** Number of digits of 2^63, the maximum of a 64-bit integer. */
const MAX_DIGITS = 19;

/**
 * Parses a signed 64-bit decimal integer as Go's `strconv.ParseInt(text, 10, 64)` does: an optional sign, followed only
 * by digits. Returns undefined for anything else, and if the value does not fit in 64 bits.
 */
export function parseDecimal(text: string): TarInteger | undefined {
  if (!DECIMAL.test(text)) return undefined;
  // Adding zero turns minus zero into zero.
  if (text.length <= MAX_EXACT_LENGTH) return Number(text) + 0;
  const digits = text.replace(/^[+-]?0*/, '');
  if (digits.length > MAX_DIGITS) return undefined;
  const magnitude = BigInt(digits);
  const value = text.startsWith('-') ? -magnitude : magnitude;
  return BigInt.asIntN(64, value) === value ? toTarInteger(value) : undefined;
}
