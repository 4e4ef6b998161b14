import { byteAt } from '../byte-strings.ts';
import { ZtocError } from '../errors.ts';
import type { DeflateStream } from '../inflate/deflate-stream.ts';
import { Inflater } from '../inflate/inflater.ts';
import type { GzipCheckpoint, SpanStart } from './checkpoints.ts';
import { checksumMismatch, MemberChecksum, MemberHeaderReader } from './gzip-member.ts';

/**
 * Receives the output of a {@link GzipDecoder}, in the order of the layer. All views are valid only during the call.
 */
export interface GzipListener {
  /** Decompressed bytes. */
  output(bytes: Uint8Array): void;
  /** Compressed bytes of the current span, and the offset of the first one in the layer. */
  spanInput?(bytes: Uint8Array, offset: number): void;
  /** A new span starts. The window is a view: copy it to keep it. */
  checkpoint?(checkpoint: GzipCheckpoint): void;
  /**
   * A span could start here. The window is a view: copy it to keep it.
   * @returns The minimum output between this point and the next candidate, in bytes.
   */
  candidate?(checkpoint: GzipCheckpoint): number;
  /** With the span size at this index of `otherSpanSizes`, a span would start here. */
  otherSpan?(index: number, start: SpanStart): void;
  /**
   * Returns whether the consumer still reads the output. This matters for members with a header that zlib accepts and
   * Go rejects (long names, zlib format): the reference reads the layer with zlib to its end, but with Go only to the
   * end of the tar archive.
   */
  wantsOutput?(): boolean;
}

/** Options of {@link GzipDecoder}. */
export interface GzipDecoderOptions {
  /** Minimum bytes of output between checkpoints. @default no checkpoints */
  readonly spanSize?: number;
  /**
   * Minimum bytes of output between the start of a span and the first candidate in it. {@link GzipListener.candidate}
   * returns the distance to each further candidate.
   * @default no candidates
   */
  readonly candidateDistance?: number;
  /** Other span sizes, in bytes of output. {@link GzipListener.otherSpan} receives their spans. @default none */
  readonly otherSpanSizes?: readonly number[];
  /**
   * Starts at this checkpoint, in the middle of a member. If the checkpoint has a partly used byte, that byte must be
   * the first one pushed. The checksum of that member is not verified.
   * @default starts at the header of a member
   */
  readonly start?: GzipCheckpoint;
  /** Decodes the deflate streams, without `start`. {@link GzipDecoder.close} closes it. @default a new {@link Inflater} */
  readonly inflater?: DeflateStream;
}

type State = 'header' | 'deflate' | 'trailer';

const MAX_TRAILER_SIZE = 8;

/**
 * Decompresses a gzip layer of any number of members, pushed in chunks of any size, and reports where its spans start.
 *
 * A checkpoint is possible before any deflate block, until the final block of a member has started. One is taken if
 * there is no output yet, or if the output since the last one exceeds the span size. These are the points at which
 * zlib's `inflate(Z_BLOCK)` stops for the reference (ztoc/compression/gzip_zinfo.c, `generate_zinfo_from_fp`). The
 * decoder checks everything: header flags and checksums, CRC-32 and length of each member, and that only members
 * follow.
 *
 * @see RFC 1951, RFC 1952
 */
export class GzipDecoder {
  readonly #inflater: DeflateStream;
  readonly #listener: GzipListener;
  readonly #spanSize: number;
  #candidateDistance: number;
  #state: State = 'header';
  #received = 0;
  #header = new MemberHeaderReader(0);
  readonly #trailer = new Uint8Array(MAX_TRAILER_SIZE);
  #trailerFilled = 0;
  #checksum: MemberChecksum;
  /** Offset of the first byte not yet reported to a span; undefined before the first checkpoint. */
  #spanInputOffset: number | undefined;
  /** Output offsets of the start of the current span, and of the last candidate in it or its start. */
  #spanStart = 0;
  #lastCandidate = 0;
  /** The next boundary with more output than this is needed. */
  #boundaryOffset: number;
  readonly #otherSpanSizes: readonly number[];
  /** Output offset of the start of the current span, for each of the other span sizes. */
  readonly #otherSpanStarts: number[];
  /** Begins at the start checkpoint, until its partly used byte has been pushed. */
  #begin: ((partByte: number) => void) | undefined;

  constructor(listener: GzipListener, options: GzipDecoderOptions = {}) {
    this.#listener = listener;
    this.#spanSize = options.spanSize ?? Number.POSITIVE_INFINITY;
    this.#candidateDistance = options.candidateDistance ?? Number.POSITIVE_INFINITY;
    this.#otherSpanSizes = options.otherSpanSizes ?? [];
    this.#otherSpanStarts = this.#otherSpanSizes.map(() => 0);
    this.#boundaryOffset = options.spanSize === undefined ? Number.POSITIVE_INFINITY : -1;
    const { start } = options;
    if (start === undefined) {
      this.#inflater = options.inflater ?? new Inflater();
    } else {
      const inflater = new Inflater();
      this.#inflater = inflater;
      this.#state = 'deflate';
      if (start.bits === 0) inflater.beginAt(start.window, 0, 0);
      else this.#begin = (partByte) => inflater.beginAt(start.window, start.bits, partByte);
    }
    this.#checksum = new MemberChecksum(undefined, this.#inflater);
    this.#inflater.stopAfter(this.#boundaryOffset);
  }

  /** Frees the inflater, after success or failure. Call nothing else afterwards. */
  close(): void {
    this.#inflater.close();
  }

  /** Bytes of the layer used so far, including a partly used one. */
  get inputOffset(): number {
    return this.#inflater.inputOffset;
  }

  /** Bytes of output so far, over all members. */
  get outputOffset(): number {
    return this.#inflater.outputOffset;
  }

  /**
   * Accepts the next bytes of the layer. The caller may overwrite them afterwards.
   * @throws {ZtocError} `GZIP_HEADER_INVALID`, `GZIP_DATA_INVALID`, `GZIP_CHECKSUM_MISMATCH`, with the offset in the
   * layer.
   */
  push(bytes: Uint8Array): void {
    this.#received += bytes.length;
    let at = 0;
    if (this.#begin !== undefined && bytes.length > 0) {
      this.#begin(byteAt(bytes, 0));
      this.#begin = undefined;
      at = 1;
    }
    while (at < bytes.length) {
      const count = this.#inflater.feed(bytes, at, this.#spanInputOffset ?? Number.POSITIVE_INFINITY);
      at += count;
      this.#decode(count === 0);
    }
  }

  /** Decodes everything that was pushed. Only necessary if another thread decodes. @throws {ZtocError} As {@link push}. */
  catchUp(): void {
    while (this.#inflater.isBehind) this.#decode(true);
  }

  /** Passes pending output to the listener. */
  flush(): void {
    this.#deliver(this.#inflater.takeOutput());
  }

  #deliver(output: Uint8Array): void {
    if (output.length === 0) return;
    this.#checksum.update(output);
    this.#listener.output(output);
  }

  /** Ends the layer. @throws {ZtocError} `GZIP_TRUNCATED` unless a member has just ended. */
  finish(): void {
    this.catchUp();
    this.flush();
    const { inputOffset } = this.#inflater;
    const isBetweenMembers = this.#state === 'header' && this.#header.isEmpty && inputOffset > 0;
    if (!isBetweenMembers) {
      const message = `the gzip layer ends at byte ${this.#received}, in the middle of ${DESCRIPTIONS[this.#state]}. Fetch it again.`;
      throw new ZtocError('GZIP_TRUNCATED', message, { offset: this.#received });
    }
    this.#emitSpanInput(inputOffset);
  }

  /** @param waits Waits until another thread makes progress. */
  #decode(waits: boolean): void {
    const inflater = this.#inflater;
    let mayWait = waits;
    while (true) {
      if (this.#state === 'deflate') {
        if (!this.#inflate(mayWait)) break;
        mayWait = false;
      } else {
        if (inflater.pendingInput.length === 0) break;
        if (this.#state === 'header') this.#readHeader();
        else this.#readTrailer();
      }
    }
    // The last byte may be shared with a span that starts in it.
    this.#emitSpanInput(inflater.inputOffset - 1);
  }

  #readHeader(): void {
    const inflater = this.#inflater;
    inflater.skipInput(this.#header.push(inflater.pendingInput));
    if (this.#header.header === undefined) return;
    const { format, rejectedByGo } = this.#header.header;
    if (rejectedByGo !== undefined && (this.#listener.wantsOutput?.() ?? true)) {
      const message = `gzip readers reject the header that ends at byte ${inflater.inputOffset}: it ${rejectedByGo}. Recompress the layer with gzip.`;
      throw new ZtocError('GZIP_HEADER_INVALID', message, { offset: inflater.inputOffset });
    }
    inflater.beginMember(format === 'gzip');
    this.#state = 'deflate';
    this.#checksum = new MemberChecksum(format, inflater);
  }

  /** Decodes until the inflater stops. @returns Whether decoding can continue now */
  #inflate(waits: boolean): boolean {
    const inflater = this.#inflater;
    const status = inflater.run(waits);
    switch (status) {
      case 'need-input':
        return false;
      case 'need-output':
        this.flush();
        inflater.makeRoom();
        return true;
      case 'at-boundary': {
        // Errors of the output come before those of the checkpoint.
        this.flush();
        const { inputOffset, outputOffset, unusedBits: bits, window } = inflater;
        this.#takeCheckpoint({ inputOffset, outputOffset, bits, window });
        return true;
      }
      case 'at-end':
        this.flush();
        inflater.makeRoom();
        inflater.endMember();
        this.#state = 'trailer';
        this.#trailerFilled = 0;
        return true;
    }
    this.flush();
    const offset = inflater.inputOffset;
    const message = `corrupt deflate data near byte ${offset} of the layer: ${status.fault}`;
    throw new ZtocError('GZIP_DATA_INVALID', message, { offset });
  }

  #takeCheckpoint(checkpoint: GzipCheckpoint): void {
    const { inputOffset, outputOffset, bits } = checkpoint;
    if (outputOffset === 0 || outputOffset - this.#spanStart > this.#spanSize) {
      this.#emitSpanInput(inputOffset);
      this.#listener.checkpoint?.(checkpoint);
      this.#spanInputOffset = inputOffset - (bits === 0 ? 0 : 1);
      this.#spanStart = outputOffset;
      this.#lastCandidate = outputOffset;
    } else if (outputOffset - this.#lastCandidate > this.#candidateDistance) {
      this.#candidateDistance = this.#listener.candidate?.(checkpoint) ?? Number.POSITIVE_INFINITY;
      this.#lastCandidate = outputOffset;
    }
    let next = Math.min(this.#spanStart + this.#spanSize, this.#lastCandidate + this.#candidateDistance);
    for (const [index, spanSize] of this.#otherSpanSizes.entries()) {
      if (outputOffset === 0 || outputOffset - (this.#otherSpanStarts[index] as number) > spanSize) {
        this.#listener.otherSpan?.(index, { inputOffset, outputOffset, bits });
        this.#otherSpanStarts[index] = outputOffset;
      }
      next = Math.min(next, (this.#otherSpanStarts[index] as number) + spanSize);
    }
    // Without output every block header is a checkpoint. The inflater therefore stops once more after the first output.
    this.#boundaryOffset = outputOffset === 0 ? -1 : next;
    this.#inflater.stopAfter(this.#boundaryOffset);
  }

  #emitSpanInput(end: number): void {
    if (this.#spanInputOffset === undefined) return;
    while (this.#spanInputOffset < end) {
      const bytes = this.#inflater.inputBetween(this.#spanInputOffset, end);
      this.#listener.spanInput?.(bytes, this.#spanInputOffset);
      this.#spanInputOffset += bytes.length;
    }
  }

  #readTrailer(): void {
    const inflater = this.#inflater;
    const { trailerSize } = this.#checksum;
    const bytes = inflater.pendingInput.subarray(0, trailerSize - this.#trailerFilled);
    this.#trailer.set(bytes, this.#trailerFilled);
    this.#trailerFilled += bytes.length;
    inflater.skipInput(bytes.length);
    if (this.#trailerFilled < trailerSize) return;
    const trailer = new DataView(this.#trailer.buffer);
    const offset = inflater.inputOffset - trailerSize;
    const mismatch = this.#checksum.compare(trailer);
    if (mismatch !== undefined) throw checksumMismatch(mismatch, offset);
    this.#header = new MemberHeaderReader(inflater.inputOffset);
    this.#state = 'header';
  }
}

const DESCRIPTIONS: Readonly<Record<State, string>> = {
  header: 'the header of a member',
  deflate: 'compressed data',
  trailer: 'the checksum of a member',
};
