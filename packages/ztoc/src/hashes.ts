import type { Hash } from 'node:crypto';
import { sha256 as portableSha256 } from '@noble/hashes/sha2.js';

/** An incremental SHA-256 hash. Bytes are read during the call and may be overwritten afterwards. */
export interface Sha256 {
  /** Adds bytes and returns this hash, for chaining. */
  update(bytes: Uint8Array): this;
  /** Returns the 32 bytes of the hash. Do not add bytes afterwards. */
  digest(): Uint8Array;
}

const nodeCrypto = /* @__PURE__ */ nodeBuiltin('node:crypto');
const nativeCrc32 = /* @__PURE__ */ nodeBuiltin('node:zlib')?.crc32;

/** Creates a SHA-256 hash: native if the runtime has one, otherwise in JavaScript (about a sixth of the speed). */
export function createSha256(): Sha256 {
  return nodeCrypto ? nodeCrypto.createHash('sha256') : portableSha256.create();
}

/** Returns a hash of the same bytes, to which other bytes can be added. @param hash A hash of {@link createSha256}. */
export function copySha256(hash: Sha256): Sha256 {
  if ('copy' in hash) return (hash as Hash).copy();
  return (hash as ReturnType<typeof portableSha256.create>).clone();
}

/**
 * Formats a hash as an OCI digest.
 * @param hash The 32 bytes of a SHA-256.
 * @returns `sha256:` and 64 lower-case hexadecimal digits.
 */
export function formatDigest(hash: Uint8Array): string {
  let digest = 'sha256:';
  for (const byte of hash) digest += (byte + 0x100).toString(16).slice(1);
  return digest;
}

/** Returns the digest of bytes as `sha256:<hex>`. */
export function digestOf(bytes: Uint8Array): string {
  return formatDigest(createSha256().update(bytes).digest());
}

/**
 * Computes the CRC-32 of gzip (RFC 1952, section 8): native if the runtime has one, otherwise with a lookup table. For a few
 * kilobytes: the inflater has a faster one for its output.
 * @param bytes Bytes to add.
 * @param seed CRC of the preceding bytes. @default 0, no preceding bytes
 * @returns An unsigned 32-bit integer.
 */
export function crc32(bytes: Uint8Array, seed = 0): number {
  return nativeCrc32 ? nativeCrc32(bytes, seed) : crc32ByTable(bytes, seed);
}

/** The effect of each byte on the CRC. Created on first use. */
let crcTable: Int32Array | undefined;

function makeCrcTable(): Int32Array {
  return Int32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    return crc;
  });
}

function crc32ByTable(bytes: Uint8Array, seed: number): number {
  crcTable ??= makeCrcTable();
  let crc = ~seed;
  for (const byte of bytes) crc = (crc >>> 8) ^ (crcTable[(crc ^ byte) & 0xff] as number);
  return ~crc >>> 0;
}

/** Largest prime below 2^16. */
const ADLER_MODULUS = 65_521;

/** Number of bytes that can be added before the sums could exceed 2^53. */
const BYTES_BETWEEN_REDUCTIONS = 1 << 16;

/**
 * Computes the Adler-32 of zlib streams (RFC 1950, section 8.2).
 * @param bytes Bytes to add.
 * @param seed Checksum of the preceding bytes. @default 1, no preceding bytes
 * @returns An unsigned 32-bit integer.
 */
export function adler32(bytes: Uint8Array, seed = 1): number {
  let low = seed & 0xffff;
  let high = seed >>> 16;
  for (let at = 0; at < bytes.length; ) {
    for (const end = Math.min(bytes.length, at + BYTES_BETWEEN_REDUCTIONS); at < end; at++) {
      low += bytes[at] as number;
      high += low;
    }
    low %= ADLER_MODULUS;
    high %= ADLER_MODULUS;
  }
  return high * 2 ** 16 + low;
}

/**
 * Returns a built-in module of Node.js or a compatible runtime, or `undefined` elsewhere. It is loaded at run time, so
 * that the main entry has no imports that a browser or a bundler cannot resolve.
 */
function nodeBuiltin<Id extends 'node:crypto' | 'node:zlib'>(
  id: Id,
): ReturnType<typeof process.getBuiltinModule<Id>> | undefined {
  // `process` is absent in browsers, and a bundler's polyfill of it has no such method.
  if (typeof process !== 'object' || typeof process.getBuiltinModule !== 'function') return undefined;
  return process.getBuiltinModule(id);
}
