import { ZtocError } from '../errors.ts';
import { inflateSpan, requireDigest } from '../spans/inflate-span.ts';
import type { Span } from '../spans/list-spans.ts';
import type { RandomAccessSource } from './random-access-source.ts';

/** Bounds on what reading may hold in memory; all in bytes. */
export interface SpanStoreLimits {
  /** Output of spans that is kept for the next read. */
  readonly cacheSize: number;
  /** What one request asks for, of spans that stand side by side. A span larger than this is fetched alone. */
  readonly maxFetchSize: number;
  /** What one span may inflate to. */
  readonly maxSpanSize: number;
}

/** Spans that stand side by side, fetched at once: their bytes in the layer. */
interface FetchedRun {
  readonly start: number;
  readonly bytes: Uint8Array;
  readonly firstId: number;
  readonly lastId: number;
}

/**
 * Fetches spans, verifies and inflates them, and keeps the last ones. What two readers want at once is fetched once.
 */
export class SpanStore {
  readonly #source: RandomAccessSource;
  readonly #limits: SpanStoreLimits;
  readonly #cache: SpanCache;
  /** Requests under way, by each span that they will bring, with the signal of the reader that asked. */
  readonly #fetches = new Map<
    number,
    { readonly run: Promise<FetchedRun>; readonly signal: AbortSignal | undefined }
  >();

  /**
   * @param source The layer.
   * @param limits What may be held in memory.
   */
  constructor(source: RandomAccessSource, limits: SpanStoreLimits) {
    this.#source = source;
    this.#limits = limits;
    this.#cache = new SpanCache(limits.cacheSize);
  }

  /**
   * Gives the output of each span, in order. Outputs are shared with other readers: not to be changed.
   * @param spans Spans that continue each other.
   * @throws {ZtocError} `SPAN_DIGEST_MISMATCH`, `GZIP_*`, `LIMIT_EXCEEDED`, `SOURCE_READ_FAILED`.
   */
  async *outputs(spans: readonly Span[], signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void, void> {
    let run: FetchedRun | undefined;
    for (const [i, span] of spans.entries()) {
      signal?.throwIfAborted();
      let output = this.#cache.get(span.id);
      if (output === undefined) {
        this.#requireInflatable(span);
        if (run === undefined || !holds(run, span)) run = await this.#await(spans, i, signal);
        // Whoever waited for the same request may have been quicker.
        output = this.#cache.get(span.id) ?? this.#open(span, run);
      }
      yield output;
    }
  }

  #requireInflatable(span: Span): void {
    const { maxSpanSize } = this.#limits;
    if (outputLength(span) > maxSpanSize) {
      throw new ZtocError(
        'LIMIT_EXCEEDED',
        `span ${span.id} inflates to ${outputLength(span)} bytes, and maxSpanSize allows ${maxSpanSize}`,
        { offset: span.compressedStart },
      );
    }
  }

  /** The run that brings span `i`: one under way, or a new one. */
  async #await(spans: readonly Span[], i: number, signal: AbortSignal | undefined): Promise<FetchedRun> {
    for (;;) {
      signal?.throwIfAborted();
      const underWay = this.#fetches.get(spans[i].id);
      if (underWay === undefined) return this.#fetch(this.#takeRun(spans, i), signal);
      try {
        return await abortable(underWay.run, signal);
      } catch (error) {
        signal?.throwIfAborted();
        // If the reader that asked gave up, and this one did not, ask again.
        if (!underWay.signal?.aborted) throw error;
      }
    }
  }

  /** The spans from `i` on that are worth one request: neither known nor under way, and not too large together. */
  #takeRun(spans: readonly Span[], i: number): readonly Span[] {
    let end = i + 1;
    while (end < spans.length) {
      const { id, compressedEnd } = spans[end];
      if (compressedEnd - spans[i].compressedStart > this.#limits.maxFetchSize) break;
      if (this.#fetches.has(id) || this.#cache.get(id) !== undefined) break;
      end++;
    }
    return spans.slice(i, end);
  }

  async #fetch(spans: readonly Span[], signal: AbortSignal | undefined): Promise<FetchedRun> {
    const first = spans[0];
    const last = spans[spans.length - 1];
    const start = first.compressedStart;
    const run = this.#read(start, last.compressedEnd - start, signal).then((bytes) => ({
      start,
      bytes,
      firstId: first.id,
      lastId: last.id,
    }));
    for (const { id } of spans) this.#fetches.set(id, { run, signal });
    try {
      return await run;
    } finally {
      for (const { id } of spans) this.#fetches.delete(id);
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
      throw new ZtocError('SOURCE_READ_FAILED', `${length} bytes at ${offset} of the layer could not be read`, {
        cause: error,
        offset,
      });
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

function holds(run: FetchedRun, { id }: Span): boolean {
  return id >= run.firstId && id <= run.lastId;
}

function outputLength(span: Span): number {
  return span.uncompressedEnd - span.uncompressedStart;
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
export class SpanCache {
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
