import { ZtocError } from '../errors.ts';
import { inflateSpan, requireDigest } from '../spans/inflate-span.ts';
import type { Span } from '../spans/list-spans.ts';
import type { RandomAccessSource } from './random-access-source.ts';

/** Bounds on the memory of a `ZtocReader`, in bytes. */
export interface OpenZtocOptions {
  /** Output of spans that is kept for the next read; 0 keeps none. @default 32 MiB, eight spans of the default size */
  readonly cacheSize?: number | undefined;
  /** What one read of the source asks for, over adjacent spans. A larger span is read alone. @default 8 MiB */
  readonly maxFetchSize?: number | undefined;
  /** What one span may inflate to; more is `LIMIT_EXCEEDED`. A layer in one deflate block is one span. @default 1 GiB */
  readonly maxSpanSize?: number | undefined;
  /** What is read into one array; more is `LIMIT_EXCEEDED`: stream it by `openFile`. @default 1 GiB */
  readonly maxFileSize?: number | undefined;
}

const DEFAULT_CACHE_SIZE = 32 << 20;
const DEFAULT_MAX_FETCH_SIZE = 8 << 20;
/** A span is its size and one deflate block, which encoders keep far below this, but need not. */
const DEFAULT_MAX_SPAN_SIZE = 2 ** 30;

/** Spans that stand side by side, fetched at once: their bytes in the layer. */
interface FetchedRun {
  readonly start: number;
  readonly bytes: Uint8Array;
  readonly lastId: number;
}

/**
 * Fetches spans, verifies and inflates them, and keeps the last ones. What two readers want at once is fetched once.
 */
export class SpanStore {
  readonly #source: RandomAccessSource;
  readonly #maxFetchSize: number;
  readonly #maxSpanSize: number;
  readonly #cache: SpanCache;
  /** Requests under way, by each span that they will bring, with the signal of the reader that asked. */
  readonly #fetches = new Map<number, { run: Promise<FetchedRun>; signal: AbortSignal | undefined }>();

  /** @param source The layer. */
  constructor(source: RandomAccessSource, options: OpenZtocOptions) {
    this.#source = source;
    this.#maxFetchSize = options.maxFetchSize ?? DEFAULT_MAX_FETCH_SIZE;
    this.#maxSpanSize = options.maxSpanSize ?? DEFAULT_MAX_SPAN_SIZE;
    this.#cache = new SpanCache(options.cacheSize ?? DEFAULT_CACHE_SIZE);
  }

  /**
   * Gives each span with its output, in order. Outputs are shared with other readers: not to be changed.
   * @param spans Spans that continue each other.
   * @throws {ZtocError} `SPAN_DIGEST_MISMATCH`, `GZIP_*`, `LIMIT_EXCEEDED`, `SOURCE_READ_FAILED`.
   */
  async *outputs(
    spans: readonly Span[],
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly [span: Span, output: Uint8Array], void, void> {
    let run: FetchedRun | undefined;
    for (const [i, span] of spans.entries()) {
      signal?.throwIfAborted();
      let output = this.#cache.get(span.id);
      if (output === undefined) {
        this.#requireInflatable(span);
        if (run === undefined || span.id > run.lastId) run = await this.#await(span, spans.slice(i + 1), signal);
        // Another reader that waited for the same request may have been quicker.
        output = this.#cache.get(span.id) ?? this.#open(span, run);
      }
      yield [span, output];
    }
  }

  #requireInflatable({ id, compressedStart, uncompressedStart, uncompressedEnd }: Span): void {
    const size = uncompressedEnd - uncompressedStart;
    if (size <= this.#maxSpanSize) return;
    const message = `span ${id} inflates to ${size} bytes, and maxSpanSize allows ${this.#maxSpanSize}`;
    throw new ZtocError('LIMIT_EXCEEDED', message, { offset: compressedStart });
  }

  /** The run that brings a span: one under way, or a new one. */
  async #await(span: Span, following: readonly Span[], signal: AbortSignal | undefined): Promise<FetchedRun> {
    for (;;) {
      signal?.throwIfAborted();
      const underWay = this.#fetches.get(span.id);
      if (underWay === undefined) return this.#fetch(span, this.#endOfRun(span, following), signal);
      try {
        return await abortable(underWay.run, signal);
      } catch (error) {
        signal?.throwIfAborted();
        // If the reader that asked gave up, and this one did not, ask again.
        if (!underWay.signal?.aborted) throw error;
      }
    }
  }

  /** The last span that is worth fetching with the first: neither known nor under way, and not too large together. */
  #endOfRun(first: Span, following: readonly Span[]): Span {
    let last = first;
    for (const span of following) {
      if (span.compressedEnd - first.compressedStart > this.#maxFetchSize) break;
      if (this.#fetches.has(span.id) || this.#cache.get(span.id) !== undefined) break;
      last = span;
    }
    return last;
  }

  async #fetch(first: Span, last: Span, signal: AbortSignal | undefined): Promise<FetchedRun> {
    const start = first.compressedStart;
    const reading = this.#read(start, last.compressedEnd - start, signal);
    const run = reading.then((bytes) => ({ start, bytes, lastId: last.id }));
    for (let { id } = first; id <= last.id; id++) this.#fetches.set(id, { run, signal });
    try {
      return await run;
    } finally {
      for (let { id } = first; id <= last.id; id++) this.#fetches.delete(id);
    }
  }

  async #read(offset: number, length: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
    try {
      const bytes = await this.#source.read(offset, length, { signal });
      if (bytes.length === length) return bytes;
      throw new Error(`the source gave ${bytes.length} bytes`);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof ZtocError) throw error;
      const message = `${length} bytes at ${offset} of the layer could not be read`;
      throw new ZtocError('SOURCE_READ_FAILED', message, { cause: error, offset });
    }
  }

  /** Verifies a span, inflates it and keeps the output. */
  #open(span: Span, run: FetchedRun): Uint8Array {
    const bytes = run.bytes.subarray(span.compressedStart - run.start, span.compressedEnd - run.start);
    requireDigest(span, bytes);
    const inflated = inflateSpan(span, bytes);
    // A copy of plain bytes, because a view would keep all of the run.
    const output = inflated === bytes ? bytes.slice() : inflated;
    this.#cache.add(span.id, output);
    return output;
  }
}

/** Waits for a promise, or throws the signal's reason as soon as it is aborted. */
async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  let stopListening = () => {};
  const aborted = new Promise<never>((_, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    stopListening = () => signal.removeEventListener('abort', onAbort);
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    stopListening();
  }
}

/** The outputs of spans used last, as many as fit a number of bytes. */
class SpanCache {
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
