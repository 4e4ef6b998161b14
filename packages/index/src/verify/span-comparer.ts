import { digestOf } from '@soci/oci';
import { inflateSpan, type Span, ZtocError } from '@soci/ztoc';
import { SociIndexError } from '../errors.ts';

/** A span that does not read back as the layer has it. */
export interface SpanFault {
  readonly span: number;
  readonly code: 'span-digest-mismatch' | 'content-mismatch';
  /** Where in the uncompressed stream the first wrong byte lies; the span's start where it cannot be inflated. */
  readonly offset: number;
  readonly message: string;
}

/** Reads spans back while a layer passes by: checks each digest, inflates and compares those chosen, one at a time. */
export class SpanComparer {
  readonly #spans: readonly Span[];
  readonly #chosen: ReadonlySet<number>;
  readonly #onFault: (fault: SpanFault) => void;
  readonly #compressed = new ByteWindow();
  readonly #straight = new ByteWindow();
  /** The span whose compressed bytes are awaited, and those read whose straight bytes are: inflated they could be huge. */
  #next = 0;
  readonly #waiting: { readonly span: Span; readonly bytes: Uint8Array }[] = [];
  #matching = 0;
  #read = 0;

  constructor(
    spans: readonly Span[],
    chosen: ReadonlySet<number>,
    maxSpanLength: number,
    onFault: (fault: SpanFault) => void,
  ) {
    for (const { id, compressedStart, compressedEnd, uncompressedStart, uncompressedEnd } of spans) {
      const length = Math.max(compressedEnd - compressedStart, uncompressedEnd - uncompressedStart);
      if (length > maxSpanLength) {
        throw new SociIndexError('LIMIT_EXCEEDED', `span ${id} has ${length} bytes: the limit is ${maxSpanLength}`);
      }
    }
    this.#spans = spans;
    this.#chosen = chosen;
    this.#onFault = onFault;
  }

  /** Spans whose digest was right. */
  get matching(): number {
    return this.#matching;
  }

  /** Spans that were inflated and compared. */
  get read(): number {
    return this.#read;
  }

  /** Takes the next bytes of the layer. */
  pushCompressed(chunk: Uint8Array): void {
    this.#compressed.append(chunk);
    for (let span = this.#spans[this.#next]; span !== undefined; span = this.#spans[this.#next]) {
      if (this.#compressed.end < span.compressedEnd) {
        this.#compressed.dropBefore(span.compressedStart);
        return;
      }
      this.#check(span, this.#compressed.view(span.compressedStart, span.compressedEnd));
      this.#next += 1;
    }
    this.#compressed.dropBefore(this.#compressed.end);
    this.#compare();
  }

  /** Takes the next bytes of the layer, decompressed. */
  pushStraight(piece: Uint8Array): void {
    this.#straight.append(piece);
    this.#compare();
  }

  #check(span: Span, bytes: Uint8Array): void {
    const { id, digest, compressedStart, compressedEnd, uncompressedStart } = span;
    if (digestOf(bytes) !== digest) {
      this.#onFault({
        code: 'span-digest-mismatch',
        span: id,
        offset: uncompressedStart,
        message: `span ${id}, bytes ${compressedStart} to ${compressedEnd} of the layer, does not have the digest ${digest}`,
      });
      return;
    }
    this.#matching += 1;
    if (this.#chosen.has(id)) this.#waiting.push({ span, bytes: bytes.slice() });
  }

  #compare(): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const { span, bytes } = first;
      this.#straight.dropBefore(span.uncompressedStart);
      if (this.#straight.end < span.uncompressedEnd) return;
      this.#waiting.shift();
      this.#compareSpan(span, bytes, this.#straight.view(span.uncompressedStart, span.uncompressedEnd));
    }
    // Nothing before the span whose compressed bytes are still awaited will be compared.
    this.#straight.dropBefore(this.#spans[this.#next]?.uncompressedStart ?? this.#straight.end);
  }

  #compareSpan(span: Span, bytes: Uint8Array, straight: Uint8Array): void {
    const { id, uncompressedStart } = span;
    this.#read += 1;
    const fault = { code: 'content-mismatch', span: id } as const;
    let inflated = bytes;
    try {
      inflated = inflateSpan(span, bytes);
    } catch (error) {
      if (!(error instanceof ZtocError)) throw error;
      const message = `span ${id} cannot be inflated from its checkpoint: ${error.message}`;
      this.#onFault({ ...fault, offset: uncompressedStart, message });
      return;
    }
    if (Buffer.compare(straight, inflated) === 0) return;
    const offset = uncompressedStart + straight.findIndex((byte, i) => byte !== inflated[i]);
    const message = `span ${id} differs from the layer, decompressed from its start, at offset ${offset} of the archive`;
    this.#onFault({ ...fault, offset, message });
  }
}

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
