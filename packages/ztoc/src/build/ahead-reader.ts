import type { DecodedBlocks, GzipDecoder, InputBetween } from '../gzip/gzip-decoder.ts';

/** Another thread that decodes blocks of a layer ahead of this one. It has the bytes of the layer. */
export interface BlocksAhead {
  /** Bytes of the layer that it wants to have ahead of the decoder. */
  readonly lead: number;
  /** Bytes of the layer to decode between two calls of {@link findStart}. */
  readonly stepSize: number;
  readonly inputBetween: InputBetween;
  /**
   * Returns where decoded blocks may start, at `position` or after it, and requests such blocks if it has no such blocks.
   * @param size Bytes of the layer so far.
   * @param ratio Bytes of output for each byte of the layer so far.
   */
  findStart(position: number, size: number, ratio: number): number | undefined;
  /** Returns the decoded blocks, from the one that starts there, for each member. `start` is their offset in the layer. */
  takeBlocks(): Iterable<DecodedBlocks & { readonly start: number }>;
  /** Forgets the decoded blocks. */
  discard(): void;
}

/** Decodes a layer on this thread, except for the blocks that another one has decoded before this one arrives there. */
export class AheadReader {
  readonly #decoder: GzipDecoder;
  readonly #ahead: BlocksAhead;
  /** Bytes of the layer that were read, and decoded. */
  #size = 0;
  #position = 0;

  constructor(decoder: GzipDecoder, ahead: BlocksAhead) {
    this.#decoder = decoder;
    this.#ahead = ahead;
  }

  /** The other thread has received the next bytes of the layer. */
  push(length: number): void {
    this.#size += length;
    this.#decodeTo(this.#size - this.#ahead.lead);
  }

  /** Decodes the rest of the bytes that were pushed. */
  catchUp(): void {
    this.#decodeTo(this.#size);
  }

  #decodeTo(limit: number): void {
    const ahead = this.#ahead;
    while (this.#position < limit) {
      const ratio = this.#position === 0 ? 1 : this.#decoder.outputOffset / this.#position;
      const start = ahead.findStart(this.#position, this.#size, ratio) ?? Number.POSITIVE_INFINITY;
      this.#pushTo(Math.min(this.#position + ahead.stepSize, this.#size, start));
      if (this.#position === start) this.#useBlocks();
    }
  }

  #useBlocks(): void {
    if (this.#decoder.isBetweenBlocks) {
      for (const blocks of this.#ahead.takeBlocks()) {
        // The trailer of the last member, and the header of this one.
        this.#pushTo(blocks.start);
        if (!this.#decoder.isBetweenBlocks) break;
        this.#decoder.continueAfter(blocks);
        this.#position = this.#decoder.inputOffset;
      }
    }
    this.#ahead.discard();
  }

  #pushTo(end: number): void {
    while (this.#position < end) {
      const bytes = this.#ahead.inputBetween(this.#position, end);
      this.#decoder.push(bytes);
      this.#position += bytes.length;
    }
  }
}
