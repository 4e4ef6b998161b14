/**
 * Packs bits into bytes as deflate does: the first bit is the lowest bit of the first byte (RFC 1951, section 3.1.1).
 */
export class BitWriter {
  #bytes = new Uint8Array(1 << 16);
  #length = 0;
  #hold = 0;
  #count = 0;

  /** Writes the low `width` bits of `value`, lowest first. At most 16 bits. */
  bits(value: number, width: number): void {
    this.#hold |= value << this.#count;
    this.#count += width;
    while (this.#count >= 8) {
      this.#push(this.#hold & 0xff);
      this.#hold >>>= 8;
      this.#count -= 8;
    }
  }

  /** Fills the current byte with the low bits of `fill`. */
  align(fill = 0): void {
    if (this.#count > 0) this.bits(fill & (0xff >>> this.#count), 8 - this.#count);
  }

  /** Writes whole bytes. The writer must be at a byte boundary. */
  bytes(bytes: Uint8Array): void {
    for (const byte of bytes) this.#push(byte);
  }

  /** Returns all complete bytes. */
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
