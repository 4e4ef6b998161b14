import { byteAt } from '../byte-strings.ts';
import { ZtocError } from '../errors.ts';
import { adler32, crc32 } from '../hashes.ts';
import type { DeflateStream } from '../inflate/deflate-stream.ts';

/** Wrapper of a deflate stream: gzip, or zlib (RFC 1950), which zlib's inflate also accepts. */
export type MemberFormat = 'gzip' | 'zlib';

/** Parsed header of a member. */
export interface MemberHeader {
  readonly format: MemberFormat;
  /** Why Go's reader rejects a header that zlib accepts, as the predicate of a sentence; undefined if it accepts it. */
  readonly rejectedByGo: string | undefined;
}

/** Flags in the header of a member (RFC 1952, 2.3.1). */
const FLAG_HEADER_CRC = 0x02;
const FLAG_EXTRA = 0x04;
const FLAG_NAME = 0x08;
const FLAG_COMMENT = 0x10;
const RESERVED_FLAGS = 0xe0;

/** Longest name or comment, without its zero byte, that Go's reader accepts (compress/gzip/gunzip.go, `readString`). */
const MAX_NAME_SIZE = 511;

/** Required values of a zlib header: method deflate, window of at most 32 KiB, no preset dictionary. */
const ZLIB_METHOD = 8;
const ZLIB_MAX_WINDOW = 7;
const ZLIB_DICTIONARY_FLAG = 0x20;

/**
 * Parses the header of a member, in pieces of any size. It rejects what zlib rejects when it detects both formats, as
 * in the reference (inflate.c, `HEAD` to `HCRC`). A header that only Go's reader rejects is reported to the caller.
 */
export class MemberHeaderReader {
  readonly #start: number;
  readonly #parser = this.#parse();
  #hasCrc = false;
  #crc = 0;
  /** Bytes of the extra field that are still to be skipped. */
  #extraLeft = 0;
  /** Whether a zero-terminated text is being skipped, and its size so far. */
  #isInText = false;
  #textSize = 0;

  /** Whether no byte of the header has been read. */
  isEmpty = true;
  /** The parsed header, once it is complete. */
  header: MemberHeader | undefined;

  /** @param start Offset of the header in the layer, for error messages. */
  constructor(start: number) {
    this.#start = start;
    this.#parser.next(0);
  }

  /**
   * Parses the next bytes.
   * @returns Number of bytes that belong to the header.
   * @throws {ZtocError} `GZIP_HEADER_INVALID`
   */
  push(bytes: Uint8Array): number {
    let at = 0;
    while (at < bytes.length && this.header === undefined) {
      if (this.#isInText || this.#extraLeft > 0) at += this.#skip(bytes.subarray(at));
      if (at === bytes.length) break;
      const step = this.#parser.next(byteAt(bytes, at++));
      if (step.done) this.header = step.value;
      this.isEmpty = false;
    }
    return at;
  }

  /** Skips bytes of a string or of the extra field. @returns the number of skipped bytes */
  #skip(bytes: Uint8Array): number {
    const zero = this.#isInText ? bytes.indexOf(0) : -1;
    const end = this.#isInText ? (zero < 0 ? bytes.length : zero) : Math.min(this.#extraLeft, bytes.length);
    if (this.#hasCrc) this.#crc = crc32(bytes.subarray(0, end), this.#crc);
    if (this.#isInText) this.#textSize += end;
    else this.#extraLeft -= end;
    return end;
  }

  /** Parses the header byte by byte. */
  *#parse(): Generator<void, MemberHeader, number> {
    const first = yield;
    const canBeZlib = (first & 15) === ZLIB_METHOD && first >> 4 <= ZLIB_MAX_WINDOW;
    if (first !== 0x1f && !canBeZlib) this.#fail(`starts with byte ${hex(first)}, not 1f 8b`);
    const second = yield;
    if (first !== 0x1f || second !== 0x8b) {
      if (first === 0x1f || ((first << 8) | second) % 31 !== 0 || second & ZLIB_DICTIONARY_FLAG) {
        this.#fail(`starts with bytes ${hex(first)} ${hex(second)}, not 1f 8b`);
      }
      return { format: 'zlib', rejectedByGo: 'is a zlib header' };
    }
    const method = yield;
    if (method !== 8) this.#fail(`has compression method ${method}, only 8 (deflate) is defined`);
    const flags = yield;
    if (flags & RESERVED_FLAGS) this.#fail(`sets reserved flags (${hex(flags)})`);
    this.#crc = crc32(Uint8Array.of(first, second, method, flags));
    this.#hasCrc = (flags & FLAG_HEADER_CRC) !== 0;

    // Modification time, extra flags and operating system.
    for (let i = 0; i < 6; i++) yield* this.#next();
    if (flags & FLAG_EXTRA) {
      const size = (yield* this.#next()) | ((yield* this.#next()) << 8);
      this.#extraLeft = Math.max(0, size - 1);
      if (size > 0) yield* this.#next();
    }
    const nameSize = flags & FLAG_NAME ? yield* this.#skipText() : 0;
    const commentSize = flags & FLAG_COMMENT ? yield* this.#skipText() : 0;
    if (this.#hasCrc) {
      const expected = (yield) | ((yield) << 8);
      if (expected !== (this.#crc & 0xffff)) this.#fail('has a wrong checksum');
    }
    const hasLongName = nameSize > MAX_NAME_SIZE || commentSize > MAX_NAME_SIZE;
    const rejectedByGo = hasLongName ? `has a name or comment of more than ${MAX_NAME_SIZE} bytes` : undefined;
    return { format: 'gzip', rejectedByGo };
  }

  /** Reads the next byte and adds it to the checksum of the header, if it has one. */
  *#next(): Generator<void, number, number> {
    const byte = yield;
    if (this.#hasCrc) this.#crc = crc32(Uint8Array.of(byte), this.#crc);
    return byte;
  }

  /** Skips a string and its terminating zero byte. @returns the size of the string, in bytes */
  *#skipText(): Generator<void, number, number> {
    this.#textSize = 0;
    this.#isInText = true;
    yield* this.#next();
    this.#isInText = false;
    return this.#textSize;
  }

  #fail(reason: string): never {
    const what = this.#start === 0 ? 'the layer is not gzip' : 'the data after a gzip member is not another member';
    const message = `${what}: the header at byte ${this.#start} ${reason}`;
    throw new ZtocError('GZIP_HEADER_INVALID', message, { offset: this.#start });
  }
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

/** Compares the trailer of a member with the output of its deflate stream. */
export class MemberChecksum {
  /** Size of the trailer in bytes: CRC-32 and length (RFC 1952, 2.3.1), or Adler-32 (RFC 1950, 2.2). */
  readonly trailerSize: number;
  /** Format of the member; `undefined` if it was not read from its start. */
  readonly format: MemberFormat | undefined;
  readonly #crc: Pick<DeflateStream, 'addToCrc' | 'finishCrc'>;
  #adler = 1;
  #size = 0;

  /**
   * @param format Format of the member; `undefined` if it was not read from its start, so that nothing can be compared.
   * @param crc CRC-32 of the member, without output.
   */
  constructor(format: MemberFormat | undefined, crc: Pick<DeflateStream, 'addToCrc' | 'finishCrc'>) {
    this.format = format;
    this.#crc = crc;
    this.trailerSize = format === 'zlib' ? 4 : 8;
  }

  /** Adds output of the member. */
  update(output: Uint8Array): void {
    if (this.format === 'gzip') this.#crc.addToCrc(output);
    else if (this.format === 'zlib') this.#adler = adler32(output, this.#adler);
    this.#size += output.length;
  }

  /** @returns The field that does not match, such as "the CRC-32"; `undefined` if all match. */
  compare(trailer: DataView): ChecksumField | undefined {
    if (this.format === undefined) return undefined;
    if (this.format === 'zlib') return trailer.getUint32(0, false) === this.#adler ? undefined : 'the Adler-32';
    if (trailer.getUint32(0, true) !== this.#crc.finishCrc()) return 'the CRC-32';
    return trailer.getUint32(4, true) === this.#size % 2 ** 32 ? undefined : 'the length';
  }
}

/** A field of the trailer of a member, as the subject of a sentence. */
export type ChecksumField = 'the Adler-32' | 'the CRC-32' | 'the length';

/** Returns the error for a field that does not match. @param offset Offset of the trailer in the layer. */
export function checksumMismatch(field: ChecksumField, offset: number): ZtocError {
  const message = `${field} at byte ${offset} does not match the data of the gzip member. The layer is damaged: fetch it again.`;
  return new ZtocError('GZIP_CHECKSUM_MISMATCH', message, { offset });
}
