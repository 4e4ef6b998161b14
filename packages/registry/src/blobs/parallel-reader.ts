import type { ByteRange, CallOptions } from '@soci/oci';
import { PART_SIZE, type ReadAheadPool } from './read-ahead-pool.ts';
import type { RemoteBlob } from './remote-blob.ts';
import { streamRange } from './stream-range.ts';

/** Minimum number of remaining parts for which several connections are worthwhile. */
const MIN_PARTS_LEFT = 3;

/** Minimum speed-up over one connection, below which no more parts are requested. */
const MIN_SPEEDUP = 1.25;

/**
 * Reads the rest of a blob with several concurrent requests, each into a buffer of the {@link ReadAheadPool}, and
 * yields it in order. The next part is requested when the consumer has finished the first. If one connection was at
 * least as fast, no more parts are requested, and the caller reads the rest.
 */
export class ParallelReader {
  readonly #blob: RemoteBlob;
  readonly #readAhead: ReadAheadPool | undefined;
  readonly #parts: BlobPart[] = [];
  readonly #abort = new AbortController();
  /** Shared by all parts: a signal per part would leave hundreds of listeners on the caller's signal. */
  readonly #signal: AbortSignal;
  #buffers: readonly Uint8Array[] = [];
  /** Offset of the next part. */
  #position = 0;
  #isEnding = false;

  constructor(blob: RemoteBlob, { signal }: CallOptions) {
    this.#blob = blob;
    this.#readAhead = blob.options.readAhead;
    this.#signal = signal === undefined ? this.#abort.signal : AbortSignal.any([signal, this.#abort.signal]);
  }

  /**
   * Starts reading at `position`, with one request per available buffer. {@link ParallelReader.close} must be called
   * afterwards.
   *
   * @returns false if too little memory is available, or too little of the blob remains
   */
  start(position: number): boolean {
    const partsLeft = Math.ceil((this.#blob.size - position) / PART_SIZE);
    if (partsLeft < MIN_PARTS_LEFT) return false;
    this.#buffers = this.#readAhead?.acquire(partsLeft) ?? [];
    this.#position = position;
    for (const buffer of this.#buffers) this.#request(buffer);
    return this.#buffers.length > 0;
  }

  /**
   * Yields views of the buffers, valid until the next iteration.
   *
   * @param rate - Rate of one connection, in bytes per millisecond.
   * @throws the failure of a part, when its turn comes
   */
  async *read(rate: number): AsyncGenerator<Uint8Array, void, undefined> {
    const round = this.#parts.length;
    let measuredFrom = 0;
    let count = 0;
    for (let part = this.#parts[0]; part !== undefined; part = this.#parts[0]) {
      yield* part.read();
      await part.settled;
      this.#parts.shift();
      count += 1;
      // The first round includes opening the connections, so measure from the second one.
      if (count === round) measuredFrom = performance.now();
      else if (count % round === 0) {
        this.#isEnding = ((count - round) * PART_SIZE) / (performance.now() - measuredFrom) < rate * MIN_SPEEDUP;
      }
      this.#request(part.buffer);
    }
  }

  /** Aborts running requests, and releases the buffers when nothing writes to them any more. */
  async close(): Promise<void> {
    this.#abort.abort();
    await Promise.all(this.#parts.map((part) => part.settled));
    this.#readAhead?.release(this.#buffers);
    this.#buffers = [];
  }

  #request(buffer: Uint8Array): void {
    const range = { offset: this.#position, length: Math.min(buffer.length, this.#blob.size - this.#position) };
    if (range.length === 0 || this.#isEnding) return;
    this.#parts.push(new BlobPart(this.#blob, range, buffer, { signal: this.#signal }));
    this.#position += range.length;
  }
}

/** A part of a blob that is read into a buffer. Received bytes can be consumed while the rest is still arriving. */
export class BlobPart {
  /** The buffer, filled from its start. */
  readonly buffer: Uint8Array;
  /** Resolves when nothing is written to the buffer any more. Never rejects. */
  readonly settled: Promise<void>;
  readonly #length: number;
  #filled = 0;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  /** Starts reading. The range must fit into the buffer. */
  constructor(blob: RemoteBlob, range: ByteRange, buffer: Uint8Array, call: CallOptions) {
    this.buffer = buffer;
    this.#length = range.length;
    this.settled = this.#fill(blob, range, call);
  }

  /** Yields views of the buffer with the bytes received so far. @throws the error of the request */
  async *read(): AsyncGenerator<Uint8Array, void, undefined> {
    let position = 0;
    while (position < this.#length) {
      while (this.#filled === position) {
        if (this.#failure !== undefined) throw this.#failure.error;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      const from = position;
      position = this.#filled;
      yield this.buffer.subarray(from, position);
    }
  }

  async #fill(blob: RemoteBlob, range: ByteRange, call: CallOptions): Promise<void> {
    try {
      for await (const chunk of streamRange(blob, range, { maxSkip: 0, reuseChunks: true, ...call })) {
        this.buffer.set(chunk, this.#filled);
        this.#filled += chunk.length;
        this.#wake?.();
      }
    } catch (error) {
      this.#failure = { error };
      this.#wake?.();
    }
  }
}
