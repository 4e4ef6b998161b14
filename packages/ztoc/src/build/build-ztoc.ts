import { decodeZtocFiles } from '../encoding/decode-ztoc.ts';
import { encodeParts } from '../encoding/encode-ztoc.ts';
import { withLazyFiles } from '../encoding/lazy-files.ts';
import type { PlainEntryListener } from '../entries/entry-store.ts';
import type { SpanCandidates } from '../gzip/candidate-list.ts';
import type { SpanStart } from '../gzip/checkpoints.ts';
import type { DeflateStream } from '../inflate/deflate-stream.ts';
import { requireWhole, resolveLimits, type ZtocLimits } from '../limits.ts';
import { EncodedNames } from '../runtime/entry-names.ts';
import type { RuntimeFindings } from '../runtime/runtime-problems.ts';
import {
  type Compression,
  DEFAULT_BUILD_TOOL_IDENTIFIER,
  DEFAULT_SPAN_SIZE,
  type FileEntry,
  ZTOC_VERSION,
  type Ztoc,
} from '../ztoc.ts';
import type { LayerHash } from './layer-digests.ts';
import {
  createLayerReader,
  detectCompression,
  type LayerReader,
  type LayerReaderOptions,
  MAGIC_SIZE,
} from './layer-reader.ts';

/** Options of {@link buildZtoc}. */
export interface BuildZtocOptions {
  /**
   * Minimum number of uncompressed bytes between checkpoints; a whole number, at least 1. `auto` builds large spans, and
   * collects `candidates` with which {@link refineZtoc} divides those that a container reads.
   * @default 4 MiB
   */
  readonly spanSize?: number | 'auto';
  /**
   * Size of the layer in bytes, if it is known before. With the span size `auto`, an uncompressed layer above 16 GiB then has
   * larger spans, and does not exceed `maxSpans`; and the candidates of a gzip layer above 150 MiB are further apart from the
   * start, which is faster.
   * @default unknown
   */
  readonly layerSize?: number;
  /**
   * Further span sizes, as `spanSize`. The zTOC does not change. The result tells where spans would start: see
   * {@link measureSpans}.
   * @default none
   */
  readonly otherSpanSizes?: readonly number[];
  /**
   * Tool that builds the zTOC. Part of the encoded zTOC, so it affects the digest.
   * @default 'AWS SOCI CLI v0.2', as in the reference
   */
  readonly buildToolIdentifier?: string;
  /** Compression of the layer. @default 'auto', detected from the first bytes */
  readonly compression?: Compression | 'auto';
  /** Limits for untrusted layers. @default those of {@link ZtocLimits} */
  readonly limits?: ZtocLimits;
  /** Aborts the build between two chunks. The build then throws the reason of the signal. */
  readonly signal?: AbortSignal;
  /**
   * Called for each entry of the layer, in order. Copy what you keep: the bytes of the entry are overwritten afterwards.
   * An error that it throws ends the build.
   */
  readonly onEntry?: (file: FileEntry) => void;
  /**
   * Called instead of `onEntry` for an ordinary entry: one without unusual values, and without PAX records other than those of
   * long names. Passes its type and its name: the bytes of `memory` from `start` to `end`, which are overwritten afterwards. No
   * object is created for such an entry, so layers with many files need less CPU time.
   */
  readonly onPlainEntry?: PlainEntryListener;
  /**
   * A second thread for this layer, of `startSecondThread` in `@soci/ztoc/node`. It decompresses a gzip layer, and computes the
   * digest of an uncompressed one. The result is the same.
   * @default none, the calling thread does everything
   */
  readonly thread?: SecondThread;
  /** Called after each chunk. */
  readonly onProgress?: (progress: ZtocProgress) => void;
}

/** A thread that helps to build one layer at a time. Both methods throw an `Error` if it helps to build another layer. */
export interface SecondThread {
  /** Decompresses a gzip layer. */
  inflate(): DeflateStream;
  /** Computes the digest of a layer. */
  hash(): LayerHash;
}

/** Synchronous chunks would block the event loop: yield to it after this many bytes. */
const BYTES_BETWEEN_YIELDS = 8 << 20;

/**
 * Builds the zTOC of a layer in one pass over its bytes. Memory use is 32 KiB per span plus the metadata of the
 * entries; the layer itself is not kept.
 *
 * The encoded result is byte-identical to that of the reference (`soci` of soci-snapshotter v0.16.1).
 *
 * @param chunks The layer, in order, in chunks of any size. A chunk may be overwritten when the next one is requested.
 * @throws {ZtocError} `GZIP_*` and `TAR_*` if the layer is malformed, `COMPRESSION_UNKNOWN` if it is neither gzip nor
 *   tar, `LIMIT_EXCEEDED`, `OPTION_INVALID`.
 */
export async function buildZtoc(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: BuildZtocOptions = {},
): Promise<BuiltZtoc> {
  const { signal, onProgress } = options;
  const builder = new ZtocBuilder(options);
  try {
    signal?.throwIfAborted();
    for await (const chunk of yieldToEventLoop(chunks)) {
      signal?.throwIfAborted();
      builder.push(chunk);
      onProgress?.(builder.progress);
    }
    signal?.throwIfAborted();
    return builder.finish();
  } catch (error) {
    signal?.throwIfAborted();
    throw builder.findFault() ?? error;
  } finally {
    builder.close();
  }
}

async function* yieldToEventLoop(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  if (Symbol.asyncIterator in chunks) return yield* chunks;
  let bytes = 0;
  for (const chunk of chunks) {
    yield chunk;
    bytes += chunk.length;
    if (bytes < BYTES_BETWEEN_YIELDS) continue;
    bytes = 0;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

/** Progress of a build. */
export interface ZtocProgress {
  /** Bytes of the layer read so far. */
  readonly bytes: number;
  /** Bytes of the uncompressed stream produced so far. */
  readonly uncompressedBytes: number;
  /** Spans started so far. */
  readonly spans: number;
}

/** Result of {@link buildZtoc}. */
export interface BuiltZtoc {
  /**
   * The decoded zTOC. Its `checkpoints` are a view of `bytes`. Its `files` are decoded from `bytes` when they are first
   * read, and need several times the memory of the zTOC: use `onEntry` if you need each entry only once. Reading them
   * throws `LIMIT_EXCEEDED` for more than two million files: see `maxFilesMemory` of `DecodeZtocLimits`.
   */
  readonly ztoc: Ztoc;
  /** Number of entries, without decoding them. */
  readonly entryCount: number;
  /** The encoded zTOC, as `encodeZtoc` returns it: a view of a buffer that may be larger. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** `sha256:<hex>` of the whole layer. Compare it with the descriptor of the layer. */
  readonly layerDigest: string;
  /** Size of the layer in bytes. */
  readonly layerSize: number;
  /** What soci-snapshotter rejects in the zTOC, or shows differently than an unpacked layer: see {@link findRuntimeProblems}. */
  readonly runtime: RuntimeFindings;
  /** Points at which {@link refineZtoc} can start spans; for gzip layers and the span size `auto` only. Up to 40 MB. */
  readonly candidates?: SpanCandidates;
  /** For each of `otherSpanSizes`, where the spans would start; for gzip layers only. */
  readonly otherSpans?: readonly (readonly SpanStart[])[];
}

/** Builds a zTOC from chunks that are pushed into it. */
class ZtocBuilder {
  readonly #options: LayerReaderOptions;
  readonly #buildToolIdentifier: string;
  #reader: LayerReader | undefined;
  /** First bytes of the layer, kept until they suffice to detect the compression. */
  #head = new Uint8Array(0);
  #size = 0;
  /** True during a call, and after one that failed. */
  #isReading = false;

  constructor(options: BuildZtocOptions) {
    const { spanSize, layerSize, buildToolIdentifier, compression, limits, otherSpanSizes = [] } = options;
    this.#buildToolIdentifier = buildToolIdentifier ?? DEFAULT_BUILD_TOOL_IDENTIFIER;
    this.#options = {
      spanSize: spanSize === 'auto' ? 'auto' : requireWhole('spanSize', spanSize ?? DEFAULT_SPAN_SIZE, 1),
      layerSize: requireWhole('layerSize', layerSize ?? 0, 0),
      otherSpanSizes: otherSpanSizes.map((size) => requireWhole('otherSpanSizes', size, 1)),
      onEntry: options.onEntry,
      onPlainEntry: options.onPlainEntry,
      ...resolveLimits(limits),
      thread: options.thread,
    };
    if (compression !== undefined && compression !== 'auto') {
      this.#reader = createLayerReader(compression, this.#options);
    }
  }

  /** Progress of the build. */
  get progress(): ZtocProgress {
    return {
      bytes: this.#size,
      uncompressedBytes: this.#reader?.uncompressedBytes ?? 0,
      spans: this.#reader?.spans ?? 0,
    };
  }

  /** Accepts the next bytes of the layer. The caller may overwrite them afterwards. */
  push(bytes: Uint8Array): void {
    this.#isReading = true;
    this.#size += bytes.length;
    if (this.#reader !== undefined) {
      this.#reader.push(bytes);
    } else {
      this.#head = concatenate(this.#head, bytes);
      if (this.#head.length >= MAGIC_SIZE) this.#startReader();
    }
    this.#isReading = false;
  }

  /** Ends the layer. Do not push afterwards. */
  finish(): BuiltZtoc {
    this.#isReading = true;
    const reader = this.#reader ?? this.#startReader();
    const parts = reader.finish();
    const { layerDigest, spanDigests } = parts;
    const head = {
      ...parts.head,
      spanDigests,
      version: ZTOC_VERSION,
      buildToolIdentifier: this.#buildToolIdentifier,
      compressedArchiveSize: this.#size,
      maxSpanId: spanDigests.length - 1,
    };
    const { bytes, checkpoints } = encodeParts(head, parts.entries, parts.checkpoints);
    const ztoc = { ...head, checkpoints };
    return {
      ztoc: withLazyFiles(ztoc, bytes),
      entryCount: parts.entries.count,
      bytes,
      layerDigest,
      layerSize: this.#size,
      runtime: parts.checker.finish(ztoc, decodeZtocFiles(bytes), new EncodedNames(bytes)),
      ...(parts.candidates && { candidates: parts.candidates }),
      ...(parts.otherSpans && { otherSpans: parts.otherSpans }),
    };
  }

  /**
   * After an error elsewhere: returns the first fault of the bytes that were pushed before, if any. This thread has not read all of
   * them if another one helps.
   */
  findFault(): unknown {
    if (this.#isReading) return undefined;
    try {
      this.#reader?.catchUp();
    } catch (fault) {
      return fault;
    }
    return undefined;
  }

  /** Frees the decoder, after success or failure. Call nothing else afterwards. */
  close(): void {
    this.#reader?.close();
  }

  #startReader(): LayerReader {
    const head = this.#head;
    this.#head = new Uint8Array(0);
    this.#reader = createLayerReader(detectCompression(head), this.#options);
    this.#reader.push(head);
    return this.#reader;
  }
}

function concatenate(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
