import { ZtocError } from '../errors.ts';
import { crc32 } from '../hash/crc32.ts';

/** Flags of a member's header (RFC 1952, 2.3.1). */
const FLAG_HEADER_CRC = 0x02;
const FLAG_EXTRA = 0x04;
const FLAG_NAME = 0x08;
const FLAG_COMMENT = 0x10;
const RESERVED_FLAGS = 0xe0;

/** Longest name or comment, without its zero byte, that Go's reader takes (compress/gzip/gunzip.go, `readString`). */
const MAX_NAME_SIZE = 511;

/** Which part of the header the next byte belongs to. */
type Part = 'fixed' | 'extra-size' | 'extra' | 'name' | 'comment' | 'crc' | 'done';

const FIXED_SIZE = 10;

/**
 * Reads a gzip member's header, in pieces of any size. It refuses what zlib refuses (inflate.c, `HEAD` to `HCRC`); what
 * only Go's reader refuses, too long a name, is kept in {@link MemberHeader.hasLongName} for the caller to judge.
 */
export class MemberHeader {
  readonly #start: number;
  #part: Part = 'fixed';
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
    return this.#part === 'fixed' && this.#count === 0;
  }

  /** Whether the whole header has been read. */
  get done(): boolean {
    return this.#part === 'done';
  }

  /** Whether the name or the comment is longer than Go's reader takes. */
  get hasLongName(): boolean {
    return this.#hasLongName;
  }

  /**
   * Reads on.
   * @returns How many of the bytes belong to the header.
   * @throws {ZtocError} `GZIP_HEADER_INVALID`
   */
  push(bytes: Uint8Array): number {
    let at = 0;
    while (at < bytes.length && this.#part !== 'done') this.#take(bytes[at++]);
    return at;
  }

  #take(byte: number): void {
    if (this.#part === 'crc') {
      this.#expectedCrc |= byte << (8 * this.#count);
      if (++this.#count === 2) this.#checkCrc();
      return;
    }
    if (this.#flags & FLAG_HEADER_CRC || this.#part === 'fixed') this.#crc = crc32(Uint8Array.of(byte), this.#crc);
    const position = this.#count++;
    switch (this.#part) {
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

  #takeFixed(position: number, byte: number): void {
    if (position === 0 && byte !== 0x1f) this.#fail(`begins with byte ${byte}, not with 1f 8b`);
    if (position === 1 && byte !== 0x8b) this.#fail(`begins with bytes 31 ${byte}, not with 1f 8b`);
    if (position === 2 && byte !== 8) this.#fail(`names compression method ${byte}, where only 8 (deflate) is defined`);
    if (position === 3) {
      if (byte & RESERVED_FLAGS) this.#fail(`sets flags that are reserved (${byte})`);
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
