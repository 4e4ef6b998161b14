/** The part of a stream that is still needed: bytes are added at its end and dropped at its start, each copied few times. */
export class ByteWindow {
  #bytes = new Uint8Array(0);
  /** Where in `#bytes` the window starts, and how much of the stream lies before that. */
  #start = 0;
  #base = 0;
  #length = 0;

  /** Offset in the stream of the first byte past the window. */
  get end(): number {
    return this.#base + this.#length;
  }

  append(chunk: Uint8Array): void {
    const needed = this.#length + chunk.length;
    if (this.#start + needed > this.#bytes.length) {
      const roomy = needed * 2 > this.#bytes.length ? new Uint8Array(Math.max(needed * 2, 1 << 16)) : this.#bytes;
      roomy.set(this.#bytes.subarray(this.#start, this.#start + this.#length));
      this.#bytes = roomy;
      this.#start = 0;
    }
    this.#bytes.set(chunk, this.#start + this.#length);
    this.#length = needed;
  }

  /** The bytes from `start` to `end`, offsets in the stream; valid until the next `append`. */
  view(start: number, end: number): Uint8Array {
    return this.#bytes.subarray(this.#start + start - this.#base, this.#start + end - this.#base);
  }

  /** Drops what lies before `offset`, which may be past the end: what comes up to it is dropped as it comes. */
  dropBefore(offset: number): void {
    const count = Math.min(offset - this.#base, this.#length);
    if (count <= 0) return;
    this.#base += count;
    this.#start += count;
    this.#length -= count;
  }
}
