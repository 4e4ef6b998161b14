import { byteAt } from '../byte-strings.ts';
import { ZtocError } from '../errors.ts';
import { adler32, crc32 } from '../hashes.ts';

/** What wraps a deflate stream: gzip, or zlib (RFC 1950), which zlib's inflate also takes. */
export type MemberFormat = 'gzip' | 'zlib';

/** What a member's header says. */
export interface MemberHeader {
  readonly format: MemberFormat;
  /** Why Go's reader would refuse the header that zlib takes, if it would: the rest of a sentence. */
  readonly refusedByGo: string | undefined;
}

/** Flags of a member's header (RFC 1952, 2.3.1). */
const FLAG_HEADER_CRC = 0x02;
const FLAG_EXTRA = 0x04;
const FLAG_NAME = 0x08;
const FLAG_COMMENT = 0x10;
const RESERVED_FLAGS = 0xe0;

/** Longest name or comment, without its zero byte, that Go's reader takes (compress/gzip/gunzip.go, `readString`). */
const MAX_NAME_SIZE = 511;

/** Of a zlib header: the method is deflate, the window at most 32 KiB, no preset dictionary is asked for. */
const ZLIB_METHOD = 8;
const ZLIB_MAX_WINDOW = 7;
const ZLIB_DICTIONARY_FLAG = 0x20;

/**
 * Reads a member's header, in pieces of any size. It refuses what zlib refuses when it looks for both formats, as the
 * reference lets it (inflate.c, `HEAD` to `HCRC`); what only Go's reader refuses is left to the caller to judge.
 */
export class MemberHeaderReader {
  readonly #start: number;
  readonly #parser = this.#parse();
  #hasCrc = false;
  #crc = 0;
  /** Bytes of the extra field to pass over. */
  #extraLeft = 0;
  /** Whether a text is passed over, up to its zero byte, and how much of it was. */
  #isInText = false;
  #textSize = 0;

  /** Whether no byte of the header has been read. */
  isEmpty = true;
  /** What the header says, once all of it has been read. */
  header: MemberHeader | undefined;

  /** @param start Offset of the header in the layer, for errors. */
  constructor(start: number) {
    this.#start = start;
    this.#parser.next(0);
  }

  /** Reads on. @returns How many of the bytes belong to the header. @throws {ZtocError} `GZIP_HEADER_INVALID` */
  push(bytes: Uint8Array): number {
    let at = 0;
    while (at < bytes.length && this.header === undefined) {
      if (this.#isInText || this.#extraLeft > 0) at += this.#passOver(bytes.subarray(at));
      if (at === bytes.length) break;
      const step = this.#parser.next(byteAt(bytes, at++));
      if (step.done) this.header = step.value;
      this.isEmpty = false;
    }
    return at;
  }

  /** Passes over bytes that say nothing. @returns how many */
  #passOver(bytes: Uint8Array): number {
    const zero = this.#isInText ? bytes.indexOf(0) : -1;
    const end = this.#isInText ? (zero < 0 ? bytes.length : zero) : Math.min(this.#extraLeft, bytes.length);
    if (this.#hasCrc) this.#crc = crc32(bytes.subarray(0, end), this.#crc);
    if (this.#isInText) this.#textSize += end;
    else this.#extraLeft -= end;
    return end;
  }

  /** Takes the header's bytes one by one. */
  *#parse(): Generator<void, MemberHeader, number> {
    const first = yield;
    const canBeZlib = (first & 15) === ZLIB_METHOD && first >> 4 <= ZLIB_MAX_WINDOW;
    if (first !== 0x1f && !canBeZlib) this.#fail(`begins with byte ${hex(first)}, not with 1f 8b`);
    const second = yield;
    if (first !== 0x1f || second !== 0x8b) {
      if (first === 0x1f || ((first << 8) | second) % 31 !== 0 || second & ZLIB_DICTIONARY_FLAG) {
        this.#fail(`begins with bytes ${hex(first)} ${hex(second)}, not with 1f 8b`);
      }
      return { format: 'zlib', refusedByGo: 'is that of a zlib stream' };
    }
    const method = yield;
    if (method !== 8) this.#fail(`names compression method ${method}, where only 8 (deflate) is defined`);
    const flags = yield;
    if (flags & RESERVED_FLAGS) this.#fail(`sets flags that are reserved (${hex(flags)})`);
    this.#crc = crc32(Uint8Array.of(first, second, method, flags));
    this.#hasCrc = (flags & FLAG_HEADER_CRC) !== 0;

    // The time, the compressor's flags and its system.
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
      if (expected !== (this.#crc & 0xffff)) this.#fail('does not match its own checksum');
    }
    const hasLongName = nameSize > MAX_NAME_SIZE || commentSize > MAX_NAME_SIZE;
    const refusedByGo = hasLongName ? `has a name or comment of more than ${MAX_NAME_SIZE} bytes` : undefined;
    return { format: 'gzip', refusedByGo };
  }

  /** The next byte, as part of the header's checksum if it has one. */
  *#next(): Generator<void, number, number> {
    const byte = yield;
    if (this.#hasCrc) this.#crc = crc32(Uint8Array.of(byte), this.#crc);
    return byte;
  }

  /** Passes over a text and the zero byte that ends it. @returns the bytes of the text */
  *#skipText(): Generator<void, number, number> {
    this.#textSize = 0;
    this.#isInText = true;
    yield* this.#next();
    this.#isInText = false;
    return this.#textSize;
  }

  #fail(reason: string): never {
    const what = this.#start === 0 ? 'the layer is not gzip' : 'what follows the gzip member is not another one';
    const message = `${what}: the header at byte ${this.#start} ${reason}`;
    throw new ZtocError('GZIP_HEADER_INVALID', message, { offset: this.#start });
  }
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

/** What is behind a member's deflate stream, compared with what came out of it. */
export class MemberChecksum {
  /** Bytes of the trailer: CRC-32 and length (RFC 1952, 2.3.1), or Adler-32 (RFC 1950, 2.2). */
  readonly trailerSize: number;
  readonly #format: MemberFormat | undefined;
  #sum: number;
  #size = 0;

  /** @param format What wraps the member; `undefined` if it was not read from its start, so that nothing can be compared. */
  constructor(format: MemberFormat | undefined) {
    this.#format = format;
    this.#sum = format === 'zlib' ? 1 : 0;
    this.trailerSize = format === 'zlib' ? 4 : 8;
  }

  /** Adds output of the member. */
  update(output: Uint8Array): void {
    if (this.#format === 'gzip') this.#sum = crc32(output, this.#sum);
    else if (this.#format === 'zlib') this.#sum = adler32(output, this.#sum);
    this.#size += output.length;
  }

  /** @returns What is wrong, in words that go on with "is not that of the member's data"; `undefined` if nothing is. */
  compare(trailer: DataView): string | undefined {
    if (this.#format === undefined) return undefined;
    if (this.#format === 'zlib') return trailer.getUint32(0, false) === this.#sum ? undefined : 'the Adler-32';
    if (trailer.getUint32(0, true) !== this.#sum) return 'the CRC-32';
    return trailer.getUint32(4, true) === this.#size % 2 ** 32 ? undefined : 'the length';
  }
}
