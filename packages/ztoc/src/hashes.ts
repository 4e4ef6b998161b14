import { sha256 as portableSha256 } from '@noble/hashes/sha2.js';

/** A SHA-256 under way. Bytes are taken in during the call and may be overwritten after it. */
export interface Sha256 {
  /** Adds bytes and returns this hash, for chaining. */
  update(bytes: Uint8Array): this;
  /** The 32 bytes of the hash. The hash takes no more bytes afterwards. */
  digest(): Uint8Array;
}

const nodeCrypto = /* @__PURE__ */ nodeBuiltin('node:crypto');

/** Starts a SHA-256: the runtime's native one where there is one, else one in JavaScript (about a sixth of the speed). */
export function createSha256(): Sha256 {
  return nodeCrypto ? nodeCrypto.createHash('sha256') : portableSha256.create();
}

/** Bytes of a SHA-256. */
const HASH_SIZE = 32;

/**
 * Writes a hash the way OCI does.
 * @param hash The 32 bytes of a SHA-256.
 * @returns `sha256:` and 64 lower-case hexadecimal digits.
 */
export function formatDigest(hash: Uint8Array): string {
  let digest = 'sha256:';
  for (let i = 0; i < HASH_SIZE; i++) digest += (hash[i] + 0x100).toString(16).slice(1);
  return digest;
}

const nativeCrc32 = /* @__PURE__ */ nodeBuiltin('node:zlib')?.crc32;

/**
 * CRC-32 as gzip has it (RFC 1952, section 8): the runtime's native one where there is one, else by tables.
 * @param bytes What to add.
 * @param seed The CRC of what came before. @default 0, nothing came before
 * @returns An unsigned 32-bit integer.
 */
export function crc32(bytes: Uint8Array, seed = 0): number {
  return nativeCrc32 ? nativeCrc32(bytes, seed) : crc32ByTables(bytes, seed);
}

let tables: readonly Int32Array[] | undefined;

/**
 * Table `k` maps a byte to its effect on the CRC when `k` zero bytes follow it, so that eight bytes are taken in one
 * step ("slicing by 8": Kounavis and Berry, A Systematic Approach to Building High Performance Software-Based CRC
 * Generators, 2005). Made on first use: 8 KiB that most runtimes never need.
 */
function makeTables(): readonly Int32Array[] {
  const first = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    first[byte] = crc;
  }
  const all = [first];
  for (let k = 1; k < 8; k++) all.push(all[k - 1].map((crc) => (crc >>> 8) ^ first[crc & 0xff]));
  return all;
}

function crc32ByTables(bytes: Uint8Array, seed: number): number {
  tables ??= makeTables();
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables;
  let crc = ~seed;
  let at = 0;
  for (const end = bytes.length - 7; at < end; at += 8) {
    const low = crc ^ (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24));
    crc =
      t7[low & 0xff] ^
      t6[(low >>> 8) & 0xff] ^
      t5[(low >>> 16) & 0xff] ^
      t4[low >>> 24] ^
      t3[bytes[at + 4]] ^
      t2[bytes[at + 5]] ^
      t1[bytes[at + 6]] ^
      t0[bytes[at + 7]];
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[at]) & 0xff];
  return ~crc >>> 0;
}

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

/**
 * A module of Node itself (or of a runtime that has the same ones), or `undefined` where there is none.
 * Asked for at run time, so that the package's core imports nothing a browser or a bundler would miss.
 */
export function nodeBuiltin<Id extends 'node:crypto' | 'node:zlib'>(
  id: Id,
): ReturnType<typeof process.getBuiltinModule<Id>> | undefined {
  // `process` is absent in browsers, and a bundler's stand-in for it has no such method.
  if (typeof process !== 'object' || typeof process.getBuiltinModule !== 'function') return undefined;
  return process.getBuiltinModule(id);
}
