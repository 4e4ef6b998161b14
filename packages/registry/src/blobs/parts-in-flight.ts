import type { ByteRange, CallOptions } from '@soci/oci';
import { PART_SIZE, type ReadAhead } from './read-ahead.ts';
import { readSpan } from './read-span.ts';
import type { RemoteBlob } from './remote-blob.ts';

/** Parts that must be left of a blob for several connections to be worth their beginning. */
const MIN_PARTS_LEFT = 3;

/** Times as fast as one connection that several must be to be kept. */
const MIN_GAIN = 1.25;

/**
 * Reads the rest of a blob by several requests in flight, each into a buffer of {@link ReadAhead}, and hands it out in
 * order. The next part is asked for when the receiver is done with the first. Where that turns out to be no faster than
 * one connection was, no more parts are asked for, and the rest of the blob is left.
 */
export class PartsInFlight {
  readonly #blob: RemoteBlob;
  readonly #readAhead: ReadAhead | undefined;
  readonly #parts: BlobPart[] = [];
  readonly #abort = new AbortController();
  /** Of all parts: one for each would be left behind by hundreds on the caller's signal. */
  readonly #signal: AbortSignal;
  #lent: readonly Uint8Array[] = [];
  /** Where the next part begins. */
  #position = 0;
  #isEnding = false;

  constructor(blob: RemoteBlob, { signal }: CallOptions) {
    this.#blob = blob;
    this.#readAhead = blob.options.readAhead;
    this.#signal = signal === undefined ? this.#abort.signal : AbortSignal.any([signal, this.#abort.signal]);
  }

  /**
   * Begins to read from a position on, one request for each buffer that is to be had. {@link PartsInFlight.close} must be
   * called in the end.
   *
   * @returns false where there is too little memory, or too little left of the blob.
   */
  begin(position: number): boolean {
    const partsLeft = Math.ceil((this.#blob.size - position) / PART_SIZE);
    if (partsLeft < MIN_PARTS_LEFT) return false;
    this.#lent = this.#readAhead?.lend(partsLeft) ?? [];
    this.#position = position;
    for (const buffer of this.#lent) this.#ask(buffer);
    return this.#lent.length > 0;
  }

  /**
   * Hands out views of the buffers: they hold until the next is asked for.
   *
   * @param rate - Bytes a millisecond that one connection gave.
   * @throws What a part failed with, in its turn.
   */
  async *read(rate: number): AsyncGenerator<Uint8Array, void, undefined> {
    const round = this.#parts.length;
    let warm = 0;
    let count = 0;
    for (let part = this.#parts[0]; part !== undefined; part = this.#parts[0]) {
      yield* part.read();
      await part.settled;
      this.#parts.shift();
      count += 1;
      // The first round pays for new connections; what comes after is the measure.
      if (count === round) warm = performance.now();
      else if (count % round === 0) {
        this.#isEnding = ((count - round) * PART_SIZE) / (performance.now() - warm) < rate * MIN_GAIN;
      }
      this.#ask(part.buffer);
    }
  }

  /** Ends what is in flight, and gives the memory back when nobody writes to it any more. */
  async close(): Promise<void> {
    this.#abort.abort();
    await Promise.all(this.#parts.map((part) => part.settled));
    this.#readAhead?.takeBack(this.#lent);
    this.#lent = [];
  }

  #ask(buffer: Uint8Array): void {
    const span = { offset: this.#position, length: Math.min(buffer.length, this.#blob.size - this.#position) };
    if (span.length === 0 || this.#isEnding) return;
    this.#parts.push(new BlobPart(this.#blob, span, buffer, { signal: this.#signal }));
    this.#position += span.length;
  }
}

/** Part of a blob on its way into a buffer; what has come may be taken while the rest is still coming. */
export class BlobPart {
  /** What the part is read into, from its start. */
  readonly buffer: Uint8Array;
  /** Resolves when nothing is written to the buffer any more; never rejects. */
  readonly settled: Promise<void>;
  readonly #length: number;
  #filled = 0;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  /** Begins to read. The span must fit into the buffer. */
  constructor(blob: RemoteBlob, span: ByteRange, buffer: Uint8Array, call: CallOptions) {
    this.buffer = buffer;
    this.#length = span.length;
    this.settled = this.#fill(blob, span, call);
  }

  /** Hands out views of the buffer, as much as has come each time. @throws What reading failed with. */
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

  async #fill(blob: RemoteBlob, span: ByteRange, call: CallOptions): Promise<void> {
    try {
      for await (const chunk of readSpan(blob, span, { maxSkip: 0, reuseChunks: true, ...call })) {
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
