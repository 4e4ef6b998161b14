import { byteAt } from '../byte-strings.ts';
import { ZtocError } from '../errors.ts';
import { adler32, crc32 } from '../hashes.ts';

/** Flags of a member's header (RFC 1952, 2.3.1). */
const FLAG_HEADER_CRC = 0x02;
const FLAG_EXTRA = 0x04;
const FLAG_NAME = 0x08;
const FLAG_COMMENT = 0x10;
const RESERVED_FLAGS = 0xe0;

/** Longest name or comment, without its zero byte, that Go's reader takes (compress/gzip/gunzip.go, `readString`). */
const MAX_NAME_SIZE = 511;

/** What wraps a deflate stream: gzip, or zlib (RFC 1950), which zlib's inflate also takes. */
export type MemberFormat = 'gzip' | 'zlib';

/** Which part of the header the next byte belongs to. */
type Part = 'magic' | 'fixed' | 'extra-size' | 'extra' | 'name' | 'comment' | 'crc' | 'done';

/** Bytes between the magic and the optional parts. */
const FIXED_SIZE = 8;

/** Of a zlib header: the method is deflate, the window at most 32 KiB, no preset dictionary is asked for. */
const ZLIB_METHOD = 8;
const ZLIB_MAX_WINDOW = 7;
const ZLIB_DICTIONARY_FLAG = 0x20;

/**
 * Reads a member's header, in pieces of any size. It refuses what zlib refuses when it looks for both formats, as the
 * reference lets it (inflate.c, `HEAD` to `HCRC`); what only Go's reader refuses is kept in
 * {@link MemberHeader.refusedByGo} for the caller to judge.
 */
export class MemberHeader {
  readonly #start: number;
  #part: Part = 'magic';
  #format: MemberFormat = 'gzip';
  #firstByte = 0;
  /** Bytes of the current part read so far. */
  #count = 0;
  #flags = 0;
  #extraSize = 0;
  #crc = 0;
  #expectedCrc = 0;
  #hasLongName = false;

  /** @param start Offset of the header in the layer, for errors. */
  constructor(start: number) {
    this.#start = start;
  }

  /** Whether no byte of the header has been read. */
  get isEmpty(): boolean {
    return this.#part === 'magic' && this.#count === 0;
  }

  /** Whether the whole header has been read. */
  get done(): boolean {
    return this.#part === 'done';
  }

  /** What wraps the member; known once the header is done. */
  get format(): MemberFormat {
    return this.#format;
  }

  /** Why Go's reader would refuse the header that zlib takes, if it would. */
  get refusedByGo(): string | undefined {
    if (this.#format === 'zlib') return 'is that of a zlib stream';
    return this.#hasLongName ? `has a name or comment of more than ${MAX_NAME_SIZE} bytes` : undefined;
  }

  /**
   * Reads on.
   * @returns How many of the bytes belong to the header.
   * @throws {ZtocError} `GZIP_HEADER_INVALID`
   */
  push(bytes: Uint8Array): number {
    let at = 0;
    while (at < bytes.length && this.#part !== 'done') this.#take(byteAt(bytes, at++));
    return at;
  }

  #take(byte: number): void {
    if (this.#part === 'crc') {
      this.#expectedCrc |= byte << (8 * this.#count);
      if (++this.#count === 2) this.#checkCrc();
      return;
    }
    if (this.#part === 'magic' || this.#part === 'fixed' || this.#flags & FLAG_HEADER_CRC) {
      this.#crc = crc32(Uint8Array.of(byte), this.#crc);
    }
    const position = this.#count++;
    switch (this.#part) {
      case 'magic':
        if (position === 0) this.#takeFirst(byte);
        else this.#takeMagic(this.#firstByte, byte);
        break;
      case 'fixed':
        this.#takeFixed(position, byte);
        break;
      case 'extra-size':
        this.#extraSize |= byte << (8 * position);
        if (position === 1) this.#enter(this.#extraSize > 0 ? 'extra' : this.#after('extra'));
        break;
      case 'extra':
        if (this.#count === this.#extraSize) this.#enter(this.#after('extra'));
        break;
      default:
        if (byte === 0) this.#enter(this.#after(this.#part));
        else if (this.#count > MAX_NAME_SIZE) this.#hasLongName = true;
    }
  }

  #takeFirst(byte: number): void {
    const canBeZlib = (byte & 15) === ZLIB_METHOD && byte >> 4 <= ZLIB_MAX_WINDOW;
    if (byte !== 0x1f && !canBeZlib) this.#fail(`begins with byte ${hex(byte)}, not with 1f 8b`);
    this.#firstByte = byte;
  }

  #takeMagic(first: number, second: number): void {
    if (first === 0x1f && second === 0x8b) {
      this.#enter('fixed');
      return;
    }
    if (first === 0x1f || ((first << 8) | second) % 31 !== 0 || second & ZLIB_DICTIONARY_FLAG) {
      this.#fail(`begins with bytes ${hex(first)} ${hex(second)}, not with 1f 8b`);
    }
    this.#format = 'zlib';
    this.#part = 'done';
  }

  #takeFixed(position: number, byte: number): void {
    if (position === 0 && byte !== 8) this.#fail(`names compression method ${byte}, where only 8 (deflate) is defined`);
    if (position === 1) {
      if (byte & RESERVED_FLAGS) this.#fail(`sets flags that are reserved (${hex(byte)})`);
      this.#flags = byte;
    }
    if (position === FIXED_SIZE - 1) this.#enter(this.#after('fixed'));
  }

  /** What follows a part, by the flags. */
  #after(part: Part): Part {
    if (part === 'fixed' && this.#flags & FLAG_EXTRA) return 'extra-size';
    if ((part === 'fixed' || part === 'extra') && this.#flags & FLAG_NAME) return 'name';
    if (part !== 'comment' && this.#flags & FLAG_COMMENT) return 'comment';
    return this.#flags & FLAG_HEADER_CRC ? 'crc' : 'done';
  }

  #enter(part: Part): void {
    this.#part = part;
    this.#count = 0;
  }

  #checkCrc(): void {
    if (this.#expectedCrc !== (this.#crc & 0xffff)) this.#fail('does not match its own checksum');
    this.#part = 'done';
  }

  #fail(reason: string): never {
    const what = this.#start === 0 ? 'the layer is not gzip' : 'what follows the gzip member is not another one';
    throw new ZtocError('GZIP_HEADER_INVALID', `${what}: the header at byte ${this.#start} ${reason}`, {
      offset: this.#start,
    });
  }
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

/** What stands behind a member's deflate stream, and is compared with what came out of it. */
export interface MemberChecksum {
  /** Bytes of it. */
  readonly trailerSize: number;
  /** Adds output of the member. */
  update(output: Uint8Array): void;
  /** @returns What is wrong, in words that go on with "is not that of the member's data"; `undefined` if nothing is. */
  compare(trailer: DataView): string | undefined;
}

/** CRC-32 and length (RFC 1952, 2.3.1). */
export class GzipChecksum implements MemberChecksum {
  readonly trailerSize = 8;
  #crc = 0;
  #size = 0;

  update(output: Uint8Array): void {
    this.#crc = crc32(output, this.#crc);
    this.#size += output.length;
  }

  compare(trailer: DataView): string | undefined {
    if (trailer.getUint32(0, true) !== this.#crc) return 'the CRC-32';
    return trailer.getUint32(4, true) === this.#size % 2 ** 32 ? undefined : 'the length';
  }
}

/** Adler-32 (RFC 1950, 2.2). */
export class ZlibChecksum implements MemberChecksum {
  readonly trailerSize = 4;
  #adler = 1;

  update(output: Uint8Array): void {
    this.#adler = adler32(output, this.#adler);
  }

  compare(trailer: DataView): string | undefined {
    return trailer.getUint32(0, false) === this.#adler ? undefined : 'the Adler-32';
  }
}

/** Of a member that was not read from its start, so that nothing can be compared. */
export class NoChecksum implements MemberChecksum {
  readonly trailerSize = 8;

  update(): void {}

  compare(): undefined {}
}
