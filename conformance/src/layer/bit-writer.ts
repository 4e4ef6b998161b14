/** Bits packed into bytes as deflate packs them: the first bit is the lowest of the first byte (RFC 1951, 3.1.1). */
export class BitWriter {
  #bytes = new Uint8Array(1 << 16);
  #length = 0;
  #hold = 0;
  #count = 0;

  /** The low `width` bits of `value`, lowest first; at most 16. */
  bits(value: number, width: number): void {
    this.#hold |= value << this.#count;
    this.#count += width;
    while (this.#count >= 8) {
      this.#push(this.#hold & 0xff);
      this.#hold >>>= 8;
      this.#count -= 8;
    }
  }

  /** Fills up the current byte with the low bits of `fill`. */
  align(fill = 0): void {
    if (this.#count > 0) this.bits(fill & (0xff >>> this.#count), 8 - this.#count);
  }

  /** Whole bytes; the writer must stand at the start of one. */
  bytes(bytes: Uint8Array): void {
    for (const byte of bytes) this.#push(byte);
  }

  /** All that was written, whole bytes only. */
  take(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #push(byte: number): void {
    if (this.#length === this.#bytes.length) {
      const larger = new Uint8Array(this.#length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[this.#length++] = byte;
  }
}
