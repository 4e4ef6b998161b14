import type { ByteRange, CallOptions } from '@soci/oci';
import type { RemoteBlob } from './remote-blob.ts';
import { streamRange } from './stream-range.ts';

/** Memory for the bytes of parts that arrived and are not consumed. */
export interface PartMemory {
  /** Counts bytes that arrived, or a negative number of bytes that were consumed. */
  add(bytes: number): void;
  /** Returns whether the part may receive more. If not, it waits until {@link BlobPart.resume} is called. */
  hasRoomFor(part: BlobPart): boolean;
}

/**
 * A part of a blob that is read into memory. Received bytes can be consumed while the rest is still arriving. Without
 * memory for more, it stops reading from its connection.
 */
export class BlobPart {
  /** Number of bytes. */
  readonly length: number;
  /** Number of bytes that arrived. */
  received = 0;
  /** Resolves when nothing arrives any more. Never rejects. */
  readonly settled: Promise<void>;
  /** Milliseconds from the request to the first bytes. Undefined before these. */
  delay: number | undefined;
  /** Milliseconds that {@link BlobPart.read} waited for bytes. */
  waited = 0;
  readonly #chunks: Uint8Array[] = [];
  readonly #memory: PartMemory;
  #paused: (() => void) | undefined;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  /** Starts reading. */
  constructor(blob: RemoteBlob, range: ByteRange, memory: PartMemory, call: CallOptions) {
    this.length = range.length;
    this.#memory = memory;
    this.settled = this.#receive(blob, range, call);
  }

  /** Whether all bytes that arrived are consumed. */
  get isEmpty(): boolean {
    return this.#chunks.length === 0;
  }

  /** Continues to receive, if the part waits for memory. */
  resume(): void {
    this.#paused?.();
    this.#paused = undefined;
  }

  /** Continues to receive, if the part waits for memory and there is some. */
  resumeIfRoom(): void {
    if (this.#paused !== undefined && this.#memory.hasRoomFor(this)) this.resume();
  }

  /** Yields the bytes as they arrived. They are not kept. @throws the error of the request */
  async *read(): AsyncGenerator<Uint8Array, void, undefined> {
    for (let left = this.length; left > 0; ) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        left -= chunk.length;
        // The consumer may detach the chunk.
        const { length } = chunk;
        yield chunk;
        this.#memory.add(-length);
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
        this.received += chunk.length;
        this.#memory.add(chunk.length);
        this.#wake?.();
        if (this.received < this.length && !this.#memory.hasRoomFor(this)) {
          await new Promise<void>((resolve) => {
            this.#paused = resolve;
          });
        }
      }
    } catch (error) {
      this.#failure = { error };
      this.#wake?.();
    }
  }
}
