import type { ByteRange, CallOptions } from '@soci/oci';
import type { RemoteBlob } from './remote-blob.ts';
import { streamRange } from './stream-range.ts';

/** A part of a blob that is read into memory. Received bytes can be consumed while the rest is still arriving. */
export class BlobPart {
  /** Number of bytes. */
  readonly length: number;
  /** Resolves when nothing arrives any more. Never rejects. */
  readonly settled: Promise<void>;
  /** Milliseconds from the request to the first bytes. Undefined before these. */
  delay: number | undefined;
  /** Milliseconds that {@link BlobPart.read} waited for bytes. */
  waited = 0;
  readonly #chunks: Uint8Array[] = [];
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  /** Starts reading. */
  constructor(blob: RemoteBlob, range: ByteRange, call: CallOptions) {
    this.length = range.length;
    this.settled = this.#receive(blob, range, call);
  }

  /** Yields the bytes as they arrived. They are not kept. @throws the error of the request */
  async *read(): AsyncGenerator<Uint8Array, void, undefined> {
    for (let left = this.length; left > 0; ) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        left -= chunk.length;
        yield chunk;
        continue;
      }
      if (this.#failure !== undefined) throw this.#failure.error;
      const startedAt = performance.now();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.waited += performance.now() - startedAt;
    }
  }

  async #receive(blob: RemoteBlob, range: ByteRange, call: CallOptions): Promise<void> {
    const requestedAt = performance.now();
    try {
      for await (const chunk of streamRange(blob, range, { maxSkip: 0, ...call })) {
        this.delay ??= performance.now() - requestedAt;
        this.#chunks.push(chunk);
        this.#wake?.();
      }
    } catch (error) {
      this.#failure = { error };
      this.#wake?.();
    }
  }
}
