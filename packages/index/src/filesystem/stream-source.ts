import { type RandomAccessSource, type SourceReadOptions, ZtocError } from '@soci/ztoc';

/** Time after which the stream is closed if nothing reads on, in milliseconds. */
const IDLE_TIMEOUT = 5000;

/**
 * Random access to content that can only be read from its start, such as a decompressed layer. Keeps the stream open for a
 * while: reads in ascending order need one pass. Reads run one after the other.
 */
export class StreamSource implements RandomAccessSource {
  readonly size: number;
  readonly #open: () => AsyncIterable<Uint8Array>;
  #chunks: AsyncIterator<Uint8Array> | undefined;
  /** The bytes after the last read of the current chunk, and their offset. */
  #rest: Uint8Array = new Uint8Array(0);
  #position = 0;
  #lastRead: Promise<unknown> = Promise.resolve();
  #idle: NodeJS.Timeout | undefined;

  /** @param open - Opens the content. @param size - Size of the content in bytes. */
  constructor(open: () => AsyncIterable<Uint8Array>, size: number) {
    this.#open = open;
    this.size = size;
  }

  read(offset: number, length: number, { signal, buffer }: SourceReadOptions = {}): Promise<Uint8Array> {
    const result = this.#lastRead.then(() =>
      this.#read(offset, buffer?.subarray(0, length) ?? new Uint8Array(length), signal),
    );
    this.#lastRead = result.catch(() => {});
    return result;
  }

  async #read(offset: number, bytes: Uint8Array, signal: AbortSignal | undefined): Promise<Uint8Array> {
    clearTimeout(this.#idle);
    if (offset < this.#position) await this.#close();
    const { length } = bytes;
    try {
      for (let filled = 0; filled < length; ) {
        signal?.throwIfAborted();
        if (this.#rest.length === 0) this.#rest = await this.#readNext();
        const skipped = Math.min(offset + filled - this.#position, this.#rest.length);
        const taken = this.#rest.subarray(skipped, skipped + length - filled);
        bytes.set(taken, filled);
        filled += taken.length;
        this.#position += skipped + taken.length;
        this.#rest = this.#rest.subarray(skipped + taken.length);
      }
    } catch (error) {
      await this.#close();
      throw error;
    }
    this.#idle = setTimeout(() => {
      this.#lastRead = this.#lastRead.then(() => this.#close());
    }, IDLE_TIMEOUT).unref();
    return bytes;
  }

  async #readNext(): Promise<Uint8Array> {
    this.#chunks ??= this.#open()[Symbol.asyncIterator]();
    const next = await this.#chunks.next();
    if (!next.done) return next.value;
    throw new ZtocError('SOURCE_READ_FAILED', `the content ends at byte ${this.#position} of ${this.size}`);
  }

  async #close(): Promise<void> {
    const chunks = this.#chunks;
    this.#chunks = undefined;
    this.#rest = new Uint8Array(0);
    this.#position = 0;
    await chunks?.return?.().catch(() => {});
  }
}
