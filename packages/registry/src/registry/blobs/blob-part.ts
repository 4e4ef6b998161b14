import type { ByteRange, CallOptions } from '@soci/oci';
import { readSpan } from './read-span.ts';
import type { RemoteBlob } from './remote-blob.ts';

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
