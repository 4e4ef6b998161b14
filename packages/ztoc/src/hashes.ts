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
 * Computes the CRC-32 of gzip (RFC 1952, section 8): native if the runtime has one, otherwise with lookup tables.
 * @param bytes Bytes to add.
 * @param seed CRC of the preceding bytes. @default 0, no preceding bytes
 * @returns An unsigned 32-bit integer.
 */
export function crc32(bytes: Uint8Array, seed = 0): number {
  return nativeCrc32 ? nativeCrc32(bytes, seed) : crc32ByTables(bytes, seed);
}

/** Created on first use: 8 KiB that most runtimes never need. */
let tables: Int32Array | undefined;

/**
 * Creates the tables for eight bytes per step. Entry `256 * k + byte` is the effect of a byte on the CRC when `k` zero
 * bytes follow it ("slicing by 8": Kounavis and Berry, A Systematic Approach to Building High Performance
 * Software-Based CRC Generators, 2005).
 */
function makeTables(): Int32Array {
  const all = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    all[byte] = crc;
  }
  for (let at = 256; at < all.length; at++) {
    const crc = at32(all, at - 256);
    all[at] = (crc >>> 8) ^ at32(all, crc & 0xff);
  }
  return all;
}

function crc32ByTables(bytes: Uint8Array, seed: number): number {
  tables ??= makeTables();
  const table = tables;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let crc = ~seed;
  let at = 0;
  for (const end = bytes.length - 7; at < end; at += 8) {
    const low = crc ^ view.getInt32(at, true);
    const high = view.getInt32(at + 4, true);
    crc =
      at32(table, 0x700 | (low & 0xff)) ^
      at32(table, 0x600 | ((low >>> 8) & 0xff)) ^
      at32(table, 0x500 | ((low >>> 16) & 0xff)) ^
      at32(table, 0x400 | (low >>> 24)) ^
      at32(table, 0x300 | (high & 0xff)) ^
      at32(table, 0x200 | ((high >>> 8) & 0xff)) ^
      at32(table, 0x100 | ((high >>> 16) & 0xff)) ^
      at32(table, high >>> 24);
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ at32(table, (crc ^ view.getUint8(at)) & 0xff);
  return ~crc >>> 0;
}

/** Returns the element at an index that must exist. */
function at32(table: Int32Array, index: number): number {
  return table[index] as number;
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
