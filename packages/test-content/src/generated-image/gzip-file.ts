import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { constants, crc32, deflateRawSync } from 'node:zlib';

/** Bytes and their deflate blocks, which can follow any other blocks, any number of times. */
export interface Stretch {
  readonly plain: Uint8Array;
  readonly deflated: Buffer;
}

/** Compresses bytes that are written many times. */
export function stretchOf(plain: Uint8Array): Stretch {
  return { plain, deflated: deflateRawSync(plain, { level: 6, finishFlush: constants.Z_FULL_FLUSH }) };
}

const HEADER = Buffer.from('1f8b08000000000000ff', 'hex');
/** An empty last block. */
const LAST = Buffer.from('0300', 'hex');
/** Size of a write to the file. */
const BUFFERED = 8 << 20;

/** Writes a gzip file with one member from compressed blocks: gigabytes in seconds. */
export class GzipFile {
  readonly #file: FileHandle;
  readonly #hash: Hash = createHash('sha256');
  #pieces: Buffer[] = [HEADER];
  #buffered = HEADER.length;
  #crc = 0;
  #plainSize = 0;
  /** Size of the file so far, in bytes. */
  size = HEADER.length;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async create(path: string): Promise<GzipFile> {
    return new GzipFile(await open(path, 'wx'));
  }

  /** Uncompressed size, in bytes. */
  get plainSize(): number {
    return this.#plainSize;
  }

  /** Appends blocks. */
  async write({ plain, deflated }: Stretch): Promise<void> {
    this.#crc = crc32(plain, this.#crc);
    this.#plainSize += plain.length;
    await this.#append(deflated);
  }

  /** Finishes the file. @returns Its digest. */
  async finish(): Promise<string> {
    const trailer = Buffer.alloc(8);
    trailer.writeUInt32LE(this.#crc, 0);
    trailer.writeUInt32LE(this.#plainSize % 2 ** 32, 4);
    await this.#append(Buffer.concat([LAST, trailer]));
    await this.#flush();
    await this.#file.close();
    return `sha256:${this.#hash.digest('hex')}`;
  }

  async #append(bytes: Buffer): Promise<void> {
    this.#pieces.push(bytes);
    this.#buffered += bytes.length;
    this.size += bytes.length;
    if (this.#buffered >= BUFFERED) await this.#flush();
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#buffered = 0;
    this.#hash.update(bytes);
    await this.#file.writeFile(bytes);
  }
}
