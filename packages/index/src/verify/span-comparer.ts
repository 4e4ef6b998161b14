import { digestOf } from '@soci/oci';
import { inflateSpan, type Span, ZtocError } from '@soci/ztoc';
import { SociIndexError } from '../errors.ts';

/** A span that does not match the layer. */
export interface SpanFault {
  readonly span: number;
  readonly code: 'span-digest-mismatch' | 'content-mismatch';
  /** Uncompressed offset of the first different byte, or the start of the span if it cannot be decompressed. */
  readonly offset: number;
  readonly message: string;
}

/** Verifies spans while a layer is streamed: checks every digest, and decompresses and compares the selected spans. */
export class SpanComparer {
  readonly #spans: readonly Span[];
  readonly #chosen: ReadonlySet<number>;
  readonly #onFault: (fault: SpanFault) => void;
  readonly #compressed = new ByteWindow();
  readonly #uncompressed = new ByteWindow();
  /** Next span to check the digest of. */
  #next = 0;
  /** Spans to compare when their uncompressed data arrives. Kept compressed, because decompressed they could be huge. */
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
        throw new SociIndexError('LIMIT_EXCEEDED', `span ${id} has ${length} bytes, the limit is ${maxSpanLength}`);
      }
    }
    this.#spans = spans;
    this.#chosen = chosen;
    this.#onFault = onFault;
  }

  /** Number of spans whose digest matches. */
  get matching(): number {
    return this.#matching;
  }

  /** Number of spans that were decompressed and compared. */
  get read(): number {
    return this.#read;
  }

  /** Accepts the next compressed bytes of the layer. */
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

  /** Accepts the next uncompressed bytes of the layer. */
  pushUncompressed(chunk: Uint8Array): void {
    this.#uncompressed.append(chunk);
    this.#compare();
  }

  #check(span: Span, bytes: Uint8Array): void {
    const { id, digest, compressedStart, compressedEnd, uncompressedStart } = span;
    if (digestOf(bytes) !== digest) {
      this.#onFault({
        code: 'span-digest-mismatch',
        span: id,
        offset: uncompressedStart,
        message: `span ${id} (bytes ${compressedStart} to ${compressedEnd} of the layer) does not match its digest ${digest}`,
      });
      return;
    }
    this.#matching += 1;
    if (this.#chosen.has(id)) this.#waiting.push({ span, bytes: bytes.slice() });
  }

  #compare(): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const { span, bytes } = first;
      this.#uncompressed.dropBefore(span.uncompressedStart);
      if (this.#uncompressed.end < span.uncompressedEnd) return;
      this.#waiting.shift();
      this.#compareSpan(span, bytes, this.#uncompressed.view(span.uncompressedStart, span.uncompressedEnd));
    }
    // Data before the next span is no longer needed.
    this.#uncompressed.dropBefore(this.#spans[this.#next]?.uncompressedStart ?? this.#uncompressed.end);
  }

  #compareSpan(span: Span, bytes: Uint8Array, uncompressed: Uint8Array): void {
    const { id, uncompressedStart } = span;
    this.#read += 1;
    const fault = { code: 'content-mismatch', span: id } as const;
    let inflated = bytes;
    try {
      inflated = inflateSpan(span, bytes);
    } catch (error) {
      if (!(error instanceof ZtocError)) throw error;
      const message = `cannot decompress span ${id} from its checkpoint: ${error.message}`;
      this.#onFault({ ...fault, offset: uncompressedStart, message });
      return;
    }
    if (Buffer.compare(uncompressed, inflated) === 0) return;
    const offset = uncompressedStart + uncompressed.findIndex((byte, i) => byte !== inflated[i]);
    const message = `span ${id} differs from the decompressed layer at offset ${offset}`;
    this.#onFault({ ...fault, offset, message });
  }
}

/** A window of a stream: bytes are appended at its end and dropped at its start, with little copying. */
export class ByteWindow {
  #bytes = new Uint8Array(0);
  /** Start of the window in `#bytes`. */
  #start = 0;
  /** Start of the window in the stream. */
  #base = 0;
  #length = 0;

  /** Offset in the stream of the first byte past the window. */
  get end(): number {
    return this.#base + this.#length;
  }

  append(chunk: Uint8Array): void {
    const needed = this.#length + chunk.length;
    if (this.#start + needed > this.#bytes.length) {
      const larger = needed * 2 > this.#bytes.length ? new Uint8Array(Math.max(needed * 2, 1 << 16)) : this.#bytes;
      larger.set(this.#bytes.subarray(this.#start, this.#start + this.#length));
      this.#bytes = larger;
      this.#start = 0;
    }
    this.#bytes.set(chunk, this.#start + this.#length);
    this.#length = needed;
  }

  /** Returns the bytes from `start` to `end` (offsets in the stream). Valid until the next `append`. */
  view(start: number, end: number): Uint8Array {
    return this.#bytes.subarray(this.#start + start - this.#base, this.#start + end - this.#base);
  }

  /** Drops the bytes before `offset`. An offset past the end drops all bytes. */
  dropBefore(offset: number): void {
    const count = Math.min(offset - this.#base, this.#length);
    if (count <= 0) return;
    this.#base += count;
    this.#start += count;
    this.#length -= count;
  }
}
