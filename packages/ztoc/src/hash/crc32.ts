import { nodeBuiltin } from './node-builtin.ts';

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
