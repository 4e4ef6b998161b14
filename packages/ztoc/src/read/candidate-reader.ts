import { ZtocError } from '../errors.ts';
import { type GzipCheckpoint, WINDOW_SIZE } from '../gzip/checkpoints.ts';
import { GzipDecoder } from '../gzip/gzip-decoder.ts';
import { type Span, spansOfRange } from '../spans/list-spans.ts';
import { type RandomAccessSource, readFrom } from './random-access-source.ts';
import { checkSpanSize, DEFAULT_MAX_FETCH_SIZE, DEFAULT_MAX_SPAN_SIZE, type OpenZtocOptions } from './span-store.ts';

/** Minimum number of bytes of the layer that are decoded at a time. Less than this is decoded after the end of a range. */
const MIN_STEP = 8 << 10;
/** Most layers inflate to less than this number of times their size. */
const MAX_USUAL_RATIO = 8;
/** Minimum number of bytes of output between two points. */
const MIN_POINT_DISTANCE = 64 << 10;

/** Minimum number of bytes of output between two points that are kept, except for the last point before the end of a range. */
const KEPT_POINT_DISTANCE = 192 << 10;

/** Bytes before the end of a range that are kept: the parts of an ELF file are often read from the last to the first. */
const KEPT_OUTPUT = 32 << 10;

/** Maximum number of points that are kept: 8 MiB, because each needs 32 KiB. */
const MAX_POINTS = 256;

/**
 * Reads ranges of a gzip layer from the nearest candidate before them, without verification. Decodes only what it has to,
 * and keeps little output: instead it keeps points on the way at which decoding can start again. A reader of files in the order
 * of the layer then decodes each byte about once. Reads run one after the other.
 */
export class CandidateReader {
  readonly #spans: readonly Span[];
  readonly #source: RandomAccessSource;
  readonly #maxFetchSize: number;
  readonly #maxSpanSize: number;
  #lastRead: Promise<unknown> = Promise.resolve();
  /** Points at which decoding can start: the newest ones, in any order. */
  readonly #points: GzipCheckpoint[] = [];
  /** Index of the next point. */
  #nextPoint = 0;
  /** Memory for the bytes of the layer that are fetched. */
  #buffer: Uint8Array | undefined;
  /** The output that was decoded last, and its offset. */
  #output: { readonly start: number; readonly bytes: Uint8Array } = { start: 0, bytes: new Uint8Array(0) };
  /** The bytes of the layer that were fetched last. */
  #fetched: { readonly start: number; readonly bytes: Uint8Array } = { start: 0, bytes: new Uint8Array(0) };

  /** @param spans Spans of the layer that start at candidates. @param source The layer. */
  constructor(spans: readonly Span[], source: RandomAccessSource, options: OpenZtocOptions) {
    this.#spans = spans;
    this.#source = source;
    this.#maxFetchSize = options.maxFetchSize ?? DEFAULT_MAX_FETCH_SIZE;
    this.#maxSpanSize = options.maxSpanSize ?? DEFAULT_MAX_SPAN_SIZE;
  }

  /**
   * Reads a range of the uncompressed stream. Do not change the result: it is kept for the next read.
   * @throws {ZtocError} `GZIP_*`, `LIMIT_EXCEEDED`, `SOURCE_READ_FAILED`; `ZTOC_INVALID` if the range ends after the layer.
   */
  read(offset: number, length: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const result = this.#lastRead.then(() => this.#read(offset, length, signal));
    this.#lastRead = result.catch(() => {});
    return result;
  }

  async #read(offset: number, length: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const known = offset - this.#output.start;
    if (known >= 0 && known + length <= this.#output.bytes.length) {
      return this.#output.bytes.subarray(known, known + length);
    }
    const spans = spansOfRange(this.#spans, offset, length);
    for (const span of spans) checkSpanSize(span, this.#maxSpanSize);
    const [first] = spans;
    if (first?.checkpoint === undefined) return new Uint8Array(0);
    const end = (spans.at(-1) as Span).compressedEnd;
    const start = this.#pointBefore(offset, first.checkpoint);
    const keptFrom = Math.max(start.outputOffset, Math.min(offset, offset + length - KEPT_OUTPUT));
    const inflater = new RangeInflater(start, keptFrom, offset + length - keptFrom);
    try {
      let at = start.inputOffset - (start.bits === 0 ? 0 : 1);
      while (!inflater.isDone && at < end) {
        const bytes = await this.#fetch(at, end, signal);
        inflater.push(bytes);
        at += bytes.length;
      }
    } finally {
      inflater.close();
    }
    if (!inflater.isDone) {
      const message = `the layer ends before byte ${offset + length} of its content: the zTOC does not describe this layer`;
      throw new ZtocError('GZIP_TRUNCATED', message, { offset: end });
    }
    for (const point of inflater.points) this.#keep(point);
    this.#output = { start: keptFrom, bytes: inflater.range };
    return inflater.range.subarray(offset - keptFrom);
  }

  /** Returns the last known point that is not after an offset. @param candidate The candidate before it. */
  #pointBefore(offset: number, candidate: GzipCheckpoint): GzipCheckpoint {
    let nearest = candidate;
    for (const point of this.#points) {
      if (point.outputOffset <= offset && point.outputOffset > nearest.outputOffset) nearest = point;
    }
    return nearest;
  }

  /** Keeps a point instead of the oldest one. */
  #keep(point: GzipCheckpoint): void {
    if (this.#points.some(({ outputOffset }) => outputOffset === point.outputOffset)) return;
    this.#points[this.#nextPoint] = point;
    this.#nextPoint = (this.#nextPoint + 1) % MAX_POINTS;
  }

  /** Returns bytes of the layer from `at`: at least one, up to `end` at most. */
  async #fetch(at: number, end: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
    signal?.throwIfAborted();
    const { start, bytes } = this.#fetched;
    if (at >= start && at < start + bytes.length) return bytes.subarray(at - start, end - start);
    const length = Math.min(end - at, this.#maxFetchSize);
    if (this.#buffer === undefined || this.#buffer.length < length) this.#buffer = new Uint8Array(length);
    this.#fetched = { start: 0, bytes: new Uint8Array(0) };
    const fetched = await readFrom(this.#source, at, length, signal, this.#buffer);
    this.#fetched = { start: at, bytes: fetched };
    return fetched;
  }
}

/** Inflates one range of a layer, and remembers points before its end at which decoding can start. */
class RangeInflater {
  readonly range: Uint8Array;
  readonly #start: GzipCheckpoint;
  readonly #end: number;
  readonly #decoder: GzipDecoder;
  readonly #kept: GzipCheckpoint[] = [];
  /** The last point. Its window is overwritten by the next one, unless it is kept. */
  #last: GzipCheckpoint | undefined;
  #position: number;
  #filled = 0;

  constructor(start: GzipCheckpoint, offset: number, length: number) {
    this.range = new Uint8Array(length);
    this.#start = start;
    this.#end = offset + length;
    this.#position = start.outputOffset;
    this.#decoder = new GzipDecoder(
      {
        output: (bytes) => this.#take(bytes),
        checkpoint: (point) => this.#remember(point),
      },
      { start, spanSize: MIN_POINT_DISTANCE },
    );
  }

  get isDone(): boolean {
    return this.#filled === this.range.length;
  }

  /** Points between the start and the end of the range: some at a distance, and the last one. */
  get points(): readonly GzipCheckpoint[] {
    return this.#last === undefined ? this.#kept : [...this.#kept, this.#last];
  }

  /** Decodes until the range is complete. */
  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && !this.isDone; ) {
      const step = Math.max(MIN_STEP, Math.floor((this.#end - this.#position) / MAX_USUAL_RATIO));
      this.#decoder.push(bytes.subarray(at, at + step));
      this.#decoder.flush();
      at += step;
    }
  }

  close(): void {
    this.#decoder.close();
  }

  #take(bytes: Uint8Array): void {
    const wanted = this.#end - this.range.length + this.#filled;
    const from = Math.max(0, wanted - this.#position);
    const taken = bytes.subarray(from, Math.max(from, this.#end - this.#position));
    this.range.set(taken, this.#filled);
    this.#filled += taken.length;
    this.#position += bytes.length;
  }

  #remember({ inputOffset, outputOffset, bits, window }: GzipCheckpoint): void {
    const start = this.#start;
    if (outputOffset === 0 || start.outputOffset + outputOffset > this.#end) return;
    const copy = this.#last?.window ?? new Uint8Array(WINDOW_SIZE);
    copy.set(window);
    const point = {
      inputOffset: start.inputOffset + inputOffset,
      outputOffset: start.outputOffset + outputOffset,
      bits,
      window: copy,
    };
    const previous = this.#kept.at(-1) ?? start;
    if (point.outputOffset - previous.outputOffset < KEPT_POINT_DISTANCE) this.#last = point;
    else {
      this.#kept.push(point);
      this.#last = undefined;
    }
  }
}
