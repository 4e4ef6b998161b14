/** Largest prime below 2^16. */
const MODULUS = 65_521;

/** How many bytes can be added before the sums would pass 2^53. */
const BYTES_BETWEEN_REDUCTIONS = 1 << 16;

/**
 * Adler-32 as zlib streams have it (RFC 1950, section 8.2).
 * @param bytes What to add.
 * @param seed The checksum of what came before. @default 1, nothing came before
 * @returns An unsigned 32-bit integer.
 */
export function adler32(bytes: Uint8Array, seed = 1): number {
  let low = seed & 0xffff;
  let high = seed >>> 16;
  for (let at = 0; at < bytes.length; ) {
    for (const end = Math.min(bytes.length, at + BYTES_BETWEEN_REDUCTIONS); at < end; at++) {
      low += bytes[at];
      high += low;
    }
    low %= MODULUS;
    high %= MODULUS;
  }
  return high * 2 ** 16 + low;
}
