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

/** Order of the bytes in words of typed arrays. */
const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

type Format = 'v7' | 'ustar' | 'star' | 'gnu';

/**
 * A header block. One object reads all blocks of an archive: most fields repeat, so it parses only those that changed. Its
 * strings are read on demand by {@link readName} and similar functions.
 */
export class HeaderBlock {
  /** The bytes of the block. */
  readonly bytes = new Uint8Array(BLOCK_SIZE);
  typeFlag = 0;
  size: TarInteger = 0;
  mode: TarInteger = 0;
  uid: TarInteger = 0;
  gid: TarInteger = 0;
  /** Seconds since 1970. */
  modTime: TarInteger = 0;
  devMajor: TarInteger = 0;
  devMinor: TarInteger = 0;
  /** Whether the format has user and group names. */
  hasOwnerNames = false;
  /** Size of the prefix in bytes. The prefix is joined to the name with a slash. 0 without a prefix. */
  prefixSize = 0;

  readonly #words = new Int32Array(this.bytes.buffer);
  #format: Format = 'v7';
  /** Sums of the bytes at even and at odd positions, in 16 bits each. */
  #sums = 0;
  /** Which fields differ from those that were parsed. At first, all are zeros, which is a valid number. */
  #hasNewMode = false;
  #hasNewIds = false;
  #hasNewTime = false;
  #hasNewDevices = false;
  #hasNewFormat = false;

  /** Whether all bytes are zeros. Two such blocks end an archive. */
  isZero(): boolean {
    return this.#sums === 0;
  }

  /** Copies the next block: 512 bytes of `source` from `start`. */
  load(source: DataView, start: number): void {
    this.#sums = 0;
    this.#copy(source, start, 0, 100);
    if (this.#copy(source, start, 100, 108)) this.#hasNewMode = true;
    if (this.#copy(source, start, 108, 124)) this.#hasNewIds = true;
    this.#copy(source, start, 124, 136);
    if (this.#copy(source, start, 136, 148)) this.#hasNewTime = true;
    this.#copy(source, start, 148, 256);
    if (this.#copy(source, start, 256, 348)) this.#hasNewDevices = this.#hasNewFormat = true;
    if (this.#copy(source, start, 348, BLOCK_SIZE)) this.#hasNewFormat = true;
  }

  /**
   * Parses the numbers of the block. Throws `TAR_INVALID` if Go's reader rejects it: for a wrong checksum, or a malformed number
   * in any field of its format (archive/tar/reader.go, `readHeader`). `offset` is the position of the block in the stream.
   */
  parse(offset: number): void {
    const block = this.bytes;
    if (!this.#hasValidChecksum()) throw invalidHeader(offset, 'has a wrong checksum');
    if (this.#hasNewFormat) this.#format = formatOf(block);
    const isV7 = this.#format === 'v7';
    if (this.#format === 'star') {
      readNumber(block, 476, 12, 'access time', offset);
      readNumber(block, 488, 12, 'change time', offset);
    }
    this.typeFlag = byteAt(block, 156);
    this.size = readNumber(block, 124, 12, 'size', offset);
    if (this.#hasNewMode) this.mode = readNumber(block, 100, 8, 'mode', offset);
    if (this.#hasNewIds) {
      this.uid = readNumber(block, 108, 8, 'user id', offset);
      this.gid = readNumber(block, 116, 8, 'group id', offset);
    }
    if (this.#hasNewTime) this.modTime = readNumber(block, 136, 12, 'modification time', offset);
    if (this.#hasNewDevices) {
      this.devMajor = isV7 ? 0 : readNumber(block, 329, 8, 'major device number', offset);
      this.devMinor = isV7 ? 0 : readNumber(block, 337, 8, 'minor device number', offset);
    }
    this.hasOwnerNames = !isV7;
    this.prefixSize = prefixSizeOf(block, this.#format);
    this.#hasNewMode = this.#hasNewIds = this.#hasNewTime = this.#hasNewDevices = this.#hasNewFormat = false;
  }

  /** Copies the bytes from `first` to `end`. Returns whether they differ from those of the previous block. */
  #copy(source: DataView, start: number, first: number, end: number): boolean {
    const words = this.#words;
    let sums = this.#sums;
    let difference = 0;
    // Four bytes at a time, because this dominates the run time for small files: two sums of 256 bytes fit in 32 bits.
    for (let at = first / 4; at < end / 4; at++) {
      const word = source.getInt32(start + 4 * at, IS_LITTLE_ENDIAN);
      sums = (sums + (word & 0x00ff00ff) + ((word >>> 8) & 0x00ff00ff)) | 0;
      difference |= word ^ (words[at] as number);
      words[at] = word;
    }
    this.#sums = sums;
    return difference !== 0;
  }

  /** The checksum counts its own field as spaces. Bytes are unsigned, or signed as in the tar of SunOS. */
  #hasValidChecksum(): boolean {
    const block = this.bytes;
    const stored = parseOctal(block, CHECKSUM_START, CHECKSUM_END);
    let unsigned = (this.#sums & 0xffff) + (this.#sums >>> 16);
    for (let at = CHECKSUM_START; at < CHECKSUM_END; at++) unsigned += 0x20 - byteAt(block, at);
    if (stored === unsigned) return true;
    let highBytes = 0;
    for (let at = 0; at < BLOCK_SIZE; at++) {
      if (byteAt(block, at) >= 0x80 && (at < CHECKSUM_START || at >= CHECKSUM_END)) highBytes++;
    }
    return stored === unsigned - highBytes * 0x100;
  }
}

/** Reads the name, including the prefix. */
export function readName({ bytes, prefixSize }: HeaderBlock, pool: BytePool, offset: number): Uint8Array {
  const nameSize = stringSize(bytes, 0, 100);
  if (prefixSize === 0) return pool.copy(bytes, 0, nameSize, offset);
  const name = pool.allocate(prefixSize + 1 + nameSize, offset);
  name.set(bytes.subarray(PREFIX_START, PREFIX_START + prefixSize));
  name[prefixSize] = 0x2f;
  name.set(bytes.subarray(0, nameSize), prefixSize + 1);
  return name;
}

/** Reads the link name field, which entries other than links can also have. */
export function readLinkName({ bytes }: HeaderBlock, pool: BytePool, offset: number): Uint8Array {
  return pool.copy(bytes, 157, stringSize(bytes, 157, 100), offset);
}

/** Reads the user name; empty in a v7 header. */
export function readUserName({ bytes, hasOwnerNames }: HeaderBlock, pool: BytePool, offset: number): Uint8Array {
  return hasOwnerNames ? pool.intern(bytes, 265, stringSize(bytes, 265, 32), offset) : NO_BYTES;
}

/** Reads the group name; empty in a v7 header. */
export function readGroupName({ bytes, hasOwnerNames }: HeaderBlock, pool: BytePool, offset: number): Uint8Array {
  return hasOwnerNames ? pool.intern(bytes, 297, stringSize(bytes, 297, 32), offset) : NO_BYTES;
}

/** Returns the size of the string at `start`: up to a NUL, or the whole field. */
export function stringSize(bytes: Uint8Array, start: number, length: number): number {
  let size = 0;
  while (size < length && bytes[start + size] !== 0) size++;
  return size;
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
