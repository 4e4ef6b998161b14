import { byteAt } from '../byte-strings.ts';
import { ZtocError } from '../errors.ts';
import { Inflater } from '../inflate/inflater.ts';
import type { GzipCheckpoint } from './checkpoints.ts';
import { MemberChecksum, MemberHeaderReader } from './gzip-member.ts';

/** What a {@link GzipDecoder} tells as it goes, in the order of the layer. All views are valid only during the call. */
export interface GzipListener {
  /** More decompressed bytes. */
  output(bytes: Uint8Array): void;
  /** More compressed bytes of the span that the last checkpoint began. */
  spanInput?(bytes: Uint8Array): void;
  /** A new span begins. The window is a view: copy what is to be kept. */
  checkpoint?(checkpoint: GzipCheckpoint): void;
  /**
   * Whether a reader of the output would read on from here. It decides about members whose header zlib takes and Go does
   * not (long names, zlib's own format): the reference reads a layer with both, but with Go only as far as the tar archive
   * goes.
   */
  wantsOutput?(): boolean;
}

/** A {@link GzipListener.checkpoint} every so many bytes of output; see {@link GzipDecoder}. */
export interface GzipDecoderOptions {
  /** Spans get more than this many bytes of output, up to the next deflate block. @default no checkpoints */
  readonly spanSize?: number;
  /**
   * Starts in the middle of a member, where this checkpoint was made; the first byte pushed is then the checkpoint's
   * partly used one, if it has one. Checksums of that member cannot be checked.
   * @default at a member's header
   */
  readonly start?: GzipCheckpoint;
}

type State = 'header' | 'deflate' | 'trailer';

const MAX_TRAILER_SIZE = 8;

/**
 * Decompresses a gzip layer of any number of members, pushed in chunks of any size, and says where its spans begin.
 *
 * A checkpoint may stand before any deflate block until a member's final block has been begun. It is taken when nothing
 * has been output yet, or when more than the span size has been output since the last one taken: what zlib's
 * `inflate(Z_BLOCK)` shows the reference (ztoc/compression/gzip_zinfo.c, `generate_zinfo_from_fp`). Everything is
 * checked: header flags and checksums, CRC-32 and length of each member, and that nothing but members follows.
 *
 * @see RFC 1951, RFC 1952
 */
export class GzipDecoder {
  readonly #inflater = new Inflater();
  readonly #listener: GzipListener;
  readonly #spanSize: number | undefined;
  #state: State = 'header';
  #received = 0;
  #header = new MemberHeaderReader(0);
  readonly #trailer = new Uint8Array(MAX_TRAILER_SIZE);
  #trailerFilled = 0;
  #checksum = new MemberChecksum(undefined);
  /** Offset of the first byte that no span has been given yet; undefined before the first checkpoint. */
  #spanInputOffset: number | undefined;
  /** Whether the inflater stops at every block header, because nothing had been output at the last. */
  #stopsAtOnce = true;
  /** The checkpoint's partly used byte is still to come. */
  #awaited: GzipCheckpoint | undefined;

  constructor(listener: GzipListener, options: GzipDecoderOptions = {}) {
    this.#listener = listener;
    this.#spanSize = options.spanSize;
    this.#inflater.stopAfter(options.spanSize === undefined ? Number.POSITIVE_INFINITY : -1);
    if (options.start !== undefined) {
      this.#state = 'deflate';
      if (options.start.bits > 0) this.#awaited = options.start;
      else this.#inflater.beginAt(options.start.window, 0, 0);
    }
  }

  /** Frees what decoding needs, whether it went well or not. Nothing else may be called afterwards. */
  close(): void {
    this.#inflater.close();
  }

  /** Bytes of output made so far, over all members. */
  get outputOffset(): number {
    return this.#inflater.outputOffset;
  }

  /**
   * Takes the next bytes of the layer; they may be overwritten afterwards.
   * @throws {ZtocError} `GZIP_HEADER_INVALID`, `GZIP_DATA_INVALID`, `GZIP_CHECKSUM_MISMATCH`, with the offset in the layer.
   */
  push(bytes: Uint8Array): void {
    this.#received += bytes.length;
    let at = 0;
    if (this.#awaited !== undefined && bytes.length > 0) {
      this.#inflater.beginAt(this.#awaited.window, this.#awaited.bits, byteAt(bytes, 0));
      this.#awaited = undefined;
      at = 1;
    }
    while (at < bytes.length) {
      at += this.#inflater.feed(bytes, at, this.#spanInputOffset ?? Number.POSITIVE_INFINITY);
      this.#decode();
      // The last byte may be shared with a span that begins in it.
      this.#giveSpanInput(this.#inflater.inputOffset - 1);
    }
  }

  /** Hands out what has been decompressed and not yet been told. */
  flush(): void {
    const output = this.#inflater.takeOutput();
    if (output.length === 0) return;
    this.#checksum.update(output);
    this.#listener.output(output);
  }

  /** Says that the layer has ended. @throws {ZtocError} `GZIP_TRUNCATED` unless a member has just ended. */
  finish(): void {
    this.flush();
    const { inputOffset } = this.#inflater;
    const isBetweenMembers = this.#state === 'header' && this.#header.isEmpty && inputOffset > 0;
    if (!isBetweenMembers) {
      const message = `the gzip layer ends at byte ${this.#received}, in the middle of ${DESCRIPTIONS[this.#state]}: fetch it again`;
      throw new ZtocError('GZIP_TRUNCATED', message, { offset: this.#received });
    }
    this.#giveSpanInput(inputOffset);
  }

  #decode(): void {
    while (true) {
      switch (this.#state) {
        case 'header':
          this.#readHeader();
          if (this.#state === 'header') return;
          break;
        case 'deflate':
          if (!this.#inflate()) return;
          break;
        case 'trailer':
          this.#readTrailer();
          if (this.#state === 'trailer') return;
      }
    }
  }

  #readHeader(): void {
    const inflater = this.#inflater;
    inflater.skipInput(this.#header.push(inflater.pendingInput));
    if (this.#header.header === undefined) return;
    const { format, refusedByGo } = this.#header.header;
    if (refusedByGo !== undefined && (this.#listener.wantsOutput?.() ?? true)) {
      const message = `the header that ends at byte ${inflater.inputOffset} ${refusedByGo}, which a reader of gzip layers refuses: recompress the layer with gzip`;
      throw new ZtocError('GZIP_HEADER_INVALID', message, { offset: inflater.inputOffset });
    }
    inflater.beginMember();
    this.#state = 'deflate';
    this.#checksum = new MemberChecksum(format);
  }

  /** @returns Whether there is more to do without more input. */
  #inflate(): boolean {
    const inflater = this.#inflater;
    const answer = inflater.run();
    switch (answer) {
      case 'need-input':
        return false;
      case 'need-output':
        this.flush();
        inflater.makeRoom();
        return true;
      case 'at-boundary':
        this.#takeCheckpoint();
        return true;
      case 'at-end':
        this.flush();
        inflater.makeRoom();
        inflater.endMember();
        this.#state = 'trailer';
        this.#trailerFilled = 0;
        return true;
    }
    const offset = inflater.inputOffset;
    const message = `the deflate data of the layer is corrupt near byte ${offset}: ${answer.fault}`;
    throw new ZtocError('GZIP_DATA_INVALID', message, { offset });
  }

  #takeCheckpoint(): void {
    const { inputOffset, outputOffset, unusedBits, window } = this.#inflater;
    const spanSize = this.#spanSize ?? Number.POSITIVE_INFINITY;
    // While there is no output every block header is one; so the inflater also stops at the first after it.
    if (outputOffset > 0 && outputOffset <= spanSize && this.#stopsAtOnce) {
      this.#stopsAtOnce = false;
      this.#inflater.stopAfter(spanSize);
      return;
    }
    this.#giveSpanInput(inputOffset);
    this.#listener.checkpoint?.({ inputOffset, outputOffset, bits: unusedBits, window });
    this.#spanInputOffset = inputOffset - (unusedBits === 0 ? 0 : 1);
    this.#stopsAtOnce = outputOffset === 0;
    if (!this.#stopsAtOnce) this.#inflater.stopAfter(outputOffset + spanSize);
  }

  #giveSpanInput(end: number): void {
    const start = this.#spanInputOffset;
    if (start === undefined || end <= start) return;
    this.#listener.spanInput?.(this.#inflater.inputBetween(start, end));
    this.#spanInputOffset = end;
  }

  #readTrailer(): void {
    const inflater = this.#inflater;
    const { trailerSize } = this.#checksum;
    const bytes = inflater.pendingInput.subarray(0, trailerSize - this.#trailerFilled);
    this.#trailer.set(bytes, this.#trailerFilled);
    this.#trailerFilled += bytes.length;
    inflater.skipInput(bytes.length);
    if (this.#trailerFilled < trailerSize) return;
    const mismatch = this.#checksum.compare(new DataView(this.#trailer.buffer));
    if (mismatch !== undefined) {
      const offset = inflater.inputOffset - trailerSize;
      const message = `${mismatch} in the checksum at byte ${offset} is not that of the member's data: the layer is damaged, fetch it again`;
      throw new ZtocError('GZIP_CHECKSUM_MISMATCH', message, { offset });
    }
    this.#header = new MemberHeaderReader(inflater.inputOffset);
    this.#state = 'header';
  }
}

const DESCRIPTIONS: Readonly<Record<State, string>> = {
  header: "a member's header",
  deflate: 'compressed data',
  trailer: "a member's checksum",
};
