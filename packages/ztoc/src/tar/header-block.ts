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

/** Fields of a header that repeat, as bits. A device field is a number in some formats only. */
const FIELDS = { mode: 1, ids: 2, modTime: 4, devices: 8, format: 16 } as const;

/** For each four bytes of a block, the fields that they belong to. */
const FIELDS_OF_WORDS = new Uint8Array(BLOCK_SIZE / 4)
  .fill(FIELDS.mode, 100 / 4, 108 / 4)
  .fill(FIELDS.ids, 108 / 4, 124 / 4)
  .fill(FIELDS.modTime, 136 / 4, 148 / 4)
  .fill(FIELDS.format | FIELDS.devices, 256 / 4, 348 / 4)
  .fill(FIELDS.format, 348 / 4);

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
  /** Which {@link FIELDS} differ from those that were parsed. At first, all are zeros, which are valid numbers. */
  #changes = 0;

  /** Whether all bytes are zeros. Two such blocks end an archive. */
  isZero(): boolean {
    return this.#sums === 0;
  }

  /** Copies the next block: 512 bytes of `source` from `start`. */
  load(source: DataView, start: number): void {
    const words = this.#words;
    let sums = 0;
    // Four bytes at a time, because this dominates the run time for small files: two sums of 256 bytes fit in 32 bits.
    for (let at = 0; at < words.length; at++) {
      const word = source.getInt32(start + 4 * at, IS_LITTLE_ENDIAN);
      sums = (sums + (word & 0x00ff00ff) + ((word >>> 8) & 0x00ff00ff)) | 0;
      if (word === words[at]) continue;
      words[at] = word;
      this.#changes |= FIELDS_OF_WORDS[at] as number;
    }
    this.#sums = sums;
  }

  /**
   * Parses the numbers of the block. Throws `TAR_INVALID` if Go's reader rejects it: for a wrong checksum, or a malformed number
   * in any field of its format (archive/tar/reader.go, `readHeader`). `offset` is the position of the block in the stream.
   */
  parse(offset: number): void {
    const block = this.bytes;
    const changes = this.#changes;
    if (!this.#hasValidChecksum()) throw invalidHeader(offset, 'has a wrong checksum');
    if (changes & FIELDS.format) this.#format = formatOf(block);
    const isV7 = this.#format === 'v7';
    if (this.#format === 'star') {
      readNumber(block, 476, 12, 'access time', offset);
      readNumber(block, 488, 12, 'change time', offset);
    }
    this.typeFlag = byteAt(block, 156);
    this.size = readNumber(block, 124, 12, 'size', offset);
    if (changes & FIELDS.mode) this.mode = readNumber(block, 100, 8, 'mode', offset);
    if (changes & FIELDS.ids) {
      this.uid = readNumber(block, 108, 8, 'user id', offset);
      this.gid = readNumber(block, 116, 8, 'group id', offset);
    }
    if (changes & FIELDS.modTime) this.modTime = readNumber(block, 136, 12, 'modification time', offset);
    if (changes & FIELDS.devices) {
      this.devMajor = isV7 ? 0 : readNumber(block, 329, 8, 'major device number', offset);
      this.devMinor = isV7 ? 0 : readNumber(block, 337, 8, 'minor device number', offset);
    }
    this.hasOwnerNames = !isV7;
    this.prefixSize = prefixSizeOf(block, this.#format);
    this.#changes = 0;
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
