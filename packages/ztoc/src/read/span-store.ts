import { ZtocError } from '../errors.ts';
import type { SpanCandidates } from '../gzip/candidate-list.ts';
import { digestOf } from '../hashes.ts';
import { inflateSpan } from '../spans/inflate-span.ts';
import type { Span } from '../spans/list-spans.ts';
import { type RandomAccessSource, readFrom } from './random-access-source.ts';

/** Options of `openZtoc`. Memory limits are in bytes. */
export interface OpenZtocOptions {
  /** Size of the cache for inflated spans, in bytes. 0 disables it. @default 32 MiB, eight spans of the default size */
  readonly cacheSize?: number | undefined;
  /** Maximum size of one read of adjacent spans, in bytes. A larger span is read alone. @default 8 MiB */
  readonly maxFetchSize?: number | undefined;
  /**
   * Maximum uncompressed size of a span, in bytes. A larger span fails with `LIMIT_EXCEEDED`. A layer with one deflate
   * block is one span.
   * @default 1 GiB
   */
  readonly maxSpanSize?: number | undefined;
  /**
   * Maximum size of a file or range that is read into one array, in bytes. A larger one fails with `LIMIT_EXCEEDED`: use
   * `openFile`.
   * @default 1 GiB
   */
  readonly maxFileSize?: number | undefined;
  /**
   * Candidates from the build of the zTOC with the span size `auto`. Spans then start at each of them, too, so that less of the
   * layer is read, and less of it is inflated. Such spans have no digests: content is **not verified**. They are not cached.
   * @default none
   */
  readonly candidates?: SpanCandidates | undefined;
}

const DEFAULT_CACHE_SIZE = 32 << 20;
/** Default of `maxFetchSize`. */
export const DEFAULT_MAX_FETCH_SIZE = 8 << 20;
/** Default of `maxSpanSize`. A span is the span size plus one deflate block, which encoders keep far smaller than this. */
export const DEFAULT_MAX_SPAN_SIZE = 2 ** 30;

/** Bytes of adjacent spans that were fetched with one read. */
interface FetchedRun {
  readonly start: number;
  readonly bytes: Uint8Array;
  readonly lastId: number;
}

/**
 * Fetches, verifies and inflates spans, and caches the most recent ones. Concurrent requests for a span share one read. A
 * span with a wrong digest is read again once: a cache or proxy on the way may have damaged it.
 */
export class SpanStore {
  readonly #source: RandomAccessSource;
  readonly #maxFetchSize: number;
  readonly #maxSpanSize: number;
  readonly #cache: SpanCache;
  /** Reads in progress, by the ID of each span that they fetch, with the signal of the caller that started them. */
  readonly #fetches = new Map<number, { run: Promise<FetchedRun>; signal: AbortSignal | undefined }>();

  /** @param source The layer. */
  constructor(source: RandomAccessSource, options: OpenZtocOptions) {
    this.#source = source;
    this.#maxFetchSize = options.maxFetchSize ?? DEFAULT_MAX_FETCH_SIZE;
    this.#maxSpanSize = options.maxSpanSize ?? DEFAULT_MAX_SPAN_SIZE;
    this.#cache = new SpanCache(options.cacheSize ?? DEFAULT_CACHE_SIZE);
  }

  /**
   * Yields each span with its inflated bytes, in order. The bytes are shared with other callers: do not change them.
   * @param spans Adjacent spans.
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
        checkSpanSize(span, this.#maxSpanSize);
        if (run === undefined || span.id > run.lastId) run = await this.#fetchRun(span, spans.slice(i + 1), signal);
        // Another caller that waited for the same read may have inflated the span already.
        output = this.#cache.get(span.id) ?? this.#inflate(span, await this.#verify(span, run, signal));
      }
      yield [span, output];
    }
  }

  /** Returns the run that contains a span, from a read in progress or a new one. */
  async #fetchRun(span: Span, following: readonly Span[], signal: AbortSignal | undefined): Promise<FetchedRun> {
    for (;;) {
      signal?.throwIfAborted();
      const pending = this.#fetches.get(span.id);
      if (pending === undefined) return this.#fetch(span, this.#endOfRun(span, following), signal);
      try {
        return await abortable(pending.run, signal);
      } catch (error) {
        signal?.throwIfAborted();
        // If only the caller that started the read aborted it, read again.
        if (!pending.signal?.aborted) throw error;
      }
    }
  }

  /**
   * Returns the last span to fetch together with the first: not cached, not being fetched, and within the size limit.
   */
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
    const reading = readFrom(this.#source, start, last.compressedEnd - start, signal);
    const run = reading.then((bytes) => ({ start, bytes, lastId: last.id }));
    for (let { id } = first; id <= last.id; id++) this.#fetches.set(id, { run, signal });
    try {
      return await run;
    } finally {
      for (let { id } = first; id <= last.id; id++) this.#fetches.delete(id);
    }
  }

  /** Returns the bytes of a span with the right digest, if it has one, from a run or from a second read. */
  async #verify(span: Span, run: FetchedRun, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const { id, digest, compressedStart: start, compressedEnd: end } = span;
    const bytes = run.bytes.subarray(start - run.start, end - run.start);
    const first = digestOf(bytes);
    if (first === digest) return bytes;
    const again = await readFrom(this.#source, start, end - start, signal);
    const second = digestOf(again);
    if (second === digest) return again;
    const found =
      first === second ? `${first} in both reads` : `${second} in the second read and ${first} in the first`;
    const message = `span ${id} (bytes ${start} to ${end} of the layer) has digest ${found}, expected ${digest}. The layer is damaged or does not belong to the zTOC.`;
    throw new ZtocError('SPAN_DIGEST_MISMATCH', message, { offset: start });
  }

  /** Inflates a span and caches the result. */
  #inflate(span: Span, bytes: Uint8Array): Uint8Array {
    const inflated = inflateSpan(span, bytes);
    // Uncompressed bytes are copied: a view would keep the whole run in memory.
    const output = inflated === bytes ? bytes.slice() : inflated;
    this.#cache.add(span.id, output);
    return output;
  }
}

/** @throws {ZtocError} `LIMIT_EXCEEDED` if the span has more than `maxSize` uncompressed bytes. */
export function checkSpanSize(
  { id, compressedStart, uncompressedStart, uncompressedEnd }: Span,
  maxSize: number,
): void {
  const size = uncompressedEnd - uncompressedStart;
  if (size <= maxSize) return;
  const message = `span ${id} has ${size} uncompressed bytes, more than maxSpanSize (${maxSize})`;
  throw new ZtocError('LIMIT_EXCEEDED', message, { offset: compressedStart });
}

/** Waits for a promise, or throws the reason of the signal as soon as it is aborted. */
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

/** LRU cache of inflated spans, limited by total size. */
class SpanCache {
  readonly #maxSize: number;
  /** A map iterates in insertion order: the first item is the least recently used. */
  readonly #outputs = new Map<number, Uint8Array>();
  #size = 0;

  /** @param maxSize Maximum total size in bytes; 0 disables the cache. */
  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  /** Returns the inflated bytes of a span, if cached. */
  get(id: number): Uint8Array | undefined {
    const output = this.#outputs.get(id);
    if (output !== undefined) {
      this.#outputs.delete(id);
      this.#outputs.set(id, output);
    }
    return output;
  }

  /** Adds the inflated bytes of a span, and evicts the least recently used ones. */
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
