/** The outputs of spans used last, as many as fit a number of bytes. */
export class SpanCache {
  readonly #maxSize: number;
  /** A map iterates in the order of insertion: the first is the one used longest ago. */
  readonly #outputs = new Map<number, Uint8Array>();
  #size = 0;

  /** @param maxSize Bytes of output to keep; 0 keeps none. */
  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  /** The output of a span, if it is still here. */
  get(id: number): Uint8Array | undefined {
    const output = this.#outputs.get(id);
    if (output !== undefined) {
      this.#outputs.delete(id);
      this.#outputs.set(id, output);
    }
    return output;
  }

  /** Keeps an output, and lets go of those used longest ago. */
  add(id: number, output: Uint8Array): void {
    if (output.length > this.#maxSize || this.#outputs.has(id)) return;
    this.#outputs.set(id, output);
    this.#size += output.length;
    for (const [oldest, { length }] of this.#outputs) {
      if (this.#size <= this.#maxSize) break;
      this.#outputs.delete(oldest);
      this.#size -= length;
    }
  }
}
