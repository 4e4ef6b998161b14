import { type BytePool, byteAt, NO_BYTES } from '../byte-strings.ts';
import type { TarInteger } from '../ztoc.ts';
import { parseNumberField, parseOctal } from './numbers.ts';
import { BLOCK_SIZE, invalidHeader } from './tar-format.ts';

/*
 * Fields of a header block as name, offset and size
 * (archive/tar/format.go; POSIX.1-2017, pax, "ustar Interchange Format"):
 *
 *   all formats      name 0 100, mode 100 8, uid 108 8, gid 116 8, size 124 12, mtime 136 12, checksum 148 8,
 *                    type 156 1, link name 157 100
 *   ustar star gnu   magic 257 6, version 263 2, user 265 32, group 297 32, device major 329 8, device minor 337 8
 *   ustar            prefix 345 155
 *   star             prefix 345 131, access time 476 12, change time 488 12, trailer 508 4
 *   gnu              access time 345 12, change time 357 12
 */
const CHECKSUM_START = 148;
const CHECKSUM_END = 156;
const PREFIX_START = 345;
const USTAR_PREFIX_SIZE = 155;
const STAR_PREFIX_SIZE = 131;

/** Numeric fields of a header block. Its strings are read on demand by {@link readName} and similar functions. */
export interface HeaderBlock {
  readonly typeFlag: number;
  readonly size: TarInteger;
  readonly mode: TarInteger;
  readonly uid: TarInteger;
  readonly gid: TarInteger;
  /** Seconds since 1970. */
  readonly modTime: TarInteger;
  readonly devMajor: TarInteger;
  readonly devMinor: TarInteger;
  /** Whether the format has user and group names. */
  readonly hasOwnerNames: boolean;
  /** Size of the prefix in bytes. The prefix is joined to the name with a slash. 0 without a prefix. */
  readonly prefixSize: number;
}

type Format = 'v7' | 'ustar' | 'star' | 'gnu';

/** Reports whether a block is all zeros. Two such blocks end an archive. */
export function isZeroBlock(block: Uint8Array): boolean {
  for (let at = 0; at < BLOCK_SIZE; at++) if (block[at] !== 0) return false;
  return true;
}

/**
 * Parses a header block. Throws `TAR_INVALID` if Go's reader rejects it: for a wrong checksum, or a malformed number in
 * any field of its format (archive/tar/reader.go, `readHeader`). `offset` is the position of the block in the stream.
 */
export function parseHeaderBlock(block: Uint8Array, offset: number): HeaderBlock {
  if (!hasValidChecksum(block)) throw invalidHeader(offset, 'has a wrong checksum');
  const format = formatOf(block);
  const isV7 = format === 'v7';
  if (format === 'star') {
    readNumber(block, 476, 12, 'access time', offset);
    readNumber(block, 488, 12, 'change time', offset);
  }
  return {
    typeFlag: byteAt(block, 156),
    size: readNumber(block, 124, 12, 'size', offset),
    mode: readNumber(block, 100, 8, 'mode', offset),
    uid: readNumber(block, 108, 8, 'user id', offset),
    gid: readNumber(block, 116, 8, 'group id', offset),
    modTime: readNumber(block, 136, 12, 'modification time', offset),
    devMajor: isV7 ? 0 : readNumber(block, 329, 8, 'major device number', offset),
    devMinor: isV7 ? 0 : readNumber(block, 337, 8, 'minor device number', offset),
    hasOwnerNames: !isV7,
    prefixSize: prefixSizeOf(block, format),
  };
}

/** Reads the name, including the prefix. */
export function readName(block: Uint8Array, header: HeaderBlock, pool: BytePool, offset: number): Uint8Array {
  const { prefixSize } = header;
  const nameSize = stringSize(block, 0, 100);
  if (prefixSize === 0) return pool.copy(block, 0, nameSize, offset);
  const name = pool.allocate(prefixSize + 1 + nameSize, offset);
  name.set(block.subarray(PREFIX_START, PREFIX_START + prefixSize));
  name[prefixSize] = 0x2f;
  name.set(block.subarray(0, nameSize), prefixSize + 1);
  return name;
}

/** Reads the link name field, which entries other than links can also have. */
export function readLinkName(block: Uint8Array, pool: BytePool, offset: number): Uint8Array {
  return pool.copy(block, 157, stringSize(block, 157, 100), offset);
}

/** Reads the user name; empty in a v7 header. */
export function readUserName(block: Uint8Array, header: HeaderBlock, pool: BytePool, offset: number): Uint8Array {
  return header.hasOwnerNames ? pool.intern(block, 265, stringSize(block, 265, 32), offset) : NO_BYTES;
}

/** Reads the group name; empty in a v7 header. */
export function readGroupName(block: Uint8Array, header: HeaderBlock, pool: BytePool, offset: number): Uint8Array {
  return header.hasOwnerNames ? pool.intern(block, 297, stringSize(block, 297, 32), offset) : NO_BYTES;
}

/** Returns the size of the string at `start`: up to a NUL, or the whole field. */
export function stringSize(bytes: Uint8Array, start: number, length: number): number {
  let size = 0;
  while (size < length && bytes[start + size] !== 0) size++;
  return size;
}

/** The block whose checksum is computed, as words and as bytes. */
const WORDS = new Int32Array(BLOCK_SIZE / 4);
const BYTES = new Uint8Array(WORDS.buffer);

/** The checksum counts its own field as spaces. Bytes are unsigned, or signed as in the tar of SunOS. */
function hasValidChecksum(block: Uint8Array): boolean {
  const stored = parseOctal(block, CHECKSUM_START, CHECKSUM_END);
  let unsigned = (CHECKSUM_END - CHECKSUM_START) * 0x20;
  // Four bytes at a time, because the checksum dominates the run time for small files: two sums of 256 bytes fit in 32 bits.
  BYTES.set(block);
  let sums = 0;
  for (let at = 0; at < WORDS.length; at++) {
    const word = WORDS[at] as number;
    sums = (sums + (word & 0x00ff00ff) + ((word >>> 8) & 0x00ff00ff)) | 0;
  }
  unsigned += (sums & 0xffff) + (sums >>> 16);
  for (let at = CHECKSUM_START; at < CHECKSUM_END; at++) unsigned -= byteAt(block, at);
  if (stored === unsigned) return true;
  let highBytes = 0;
  for (let at = 0; at < BLOCK_SIZE; at++) {
    if (byteAt(block, at) >= 0x80 && (at < CHECKSUM_START || at >= CHECKSUM_END)) highBytes++;
  }
  return stored === unsigned - highBytes * 0x100;
}

function formatOf(block: Uint8Array): Format {
  if (hasText(block, 257, 'ustar\0')) return hasText(block, 508, 'tar\0') ? 'star' : 'ustar';
  return hasText(block, 257, 'ustar  \0') ? 'gnu' : 'v7';
}

function hasText(block: Uint8Array, start: number, text: string): boolean {
  for (let at = 0; at < text.length; at++) if (block[start + at] !== text.charCodeAt(at)) return false;
  return true;
}

function prefixSizeOf(block: Uint8Array, format: Format): number {
  if (format === 'v7') return 0;
  if (format === 'star') return stringSize(block, PREFIX_START, STAR_PREFIX_SIZE);
  const size = stringSize(block, PREFIX_START, USTAR_PREFIX_SIZE);
  if (format === 'ustar') return size;
  return hasGnuTimes(block) || !isAscii(block, PREFIX_START, size) ? 0 : size;
}

/**
 * Reports whether the times of a GNU header are numbers. Go before 1.8 wrote a prefix over them. If they are not numbers,
 * Go's reader therefore reads them as a prefix (https://go.dev/issue/12594).
 */
function hasGnuTimes(block: Uint8Array): boolean {
  for (const start of [345, 357]) {
    if (block[start] !== 0 && parseNumberField(block, start, 12) === undefined) return false;
  }
  return true;
}

function isAscii(block: Uint8Array, start: number, length: number): boolean {
  for (let at = start; at < start + length; at++) if (byteAt(block, at) >= 0x80) return false;
  return true;
}

function readNumber(block: Uint8Array, start: number, length: number, field: string, offset: number): TarInteger {
  const value = parseNumberField(block, start, length);
  if (value === undefined) throw invalidHeader(offset, `has a malformed ${field}`);
  return value;
}
