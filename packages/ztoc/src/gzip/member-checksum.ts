import { adler32 } from '../hash/adler32.ts';
import { crc32 } from '../hash/crc32.ts';

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
