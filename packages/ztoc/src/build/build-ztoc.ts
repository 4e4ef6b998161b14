import { encodeWith } from '../encoding/encode-ztoc.ts';
import { createSha256, formatDigest } from '../hashes.ts';
import { requireWhole, resolveLimits, type ZtocLimits } from '../limits.ts';
import {
  type Compression,
  DEFAULT_BUILD_TOOL_IDENTIFIER,
  DEFAULT_SPAN_SIZE,
  ZTOC_VERSION,
  type Ztoc,
} from '../ztoc.ts';
import {
  createLayerReader,
  detectCompression,
  type LayerReader,
  type LayerReaderOptions,
  MAGIC_SIZE,
} from './layer-reader.ts';

/** Options of {@link buildZtoc}. */
export interface BuildZtocOptions {
  /** Bytes of uncompressed data between checkpoints, at the least; a whole number from 1. @default 4 MiB */
  readonly spanSize?: number;
  /** Who made the zTOC; part of its bytes, so of its digest. @default 'AWS SOCI CLI v0.2', that of the reference */
  readonly buildToolIdentifier?: string;
  /** How the layer is compressed. @default 'auto', by its first bytes */
  readonly compression?: Compression | 'auto';
  /** Bounds on what a hostile layer may cost. @default those named in `ZtocLimits` */
  readonly limits?: ZtocLimits;
  /** Ends the build between two chunks: it then throws the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called after each chunk. */
  readonly onProgress?: (progress: ZtocProgress) => void;
}

/** Chunks that come at once hold up everything else in the process: a pause after this many bytes of them. */
const BYTES_BETWEEN_PAUSES = 8 << 20;

/**
 * Builds the zTOC of a layer in one pass over its bytes. Nothing of the layer is kept but 32 KiB a span and the names of
 * its entries, so memory does not grow with the layer's size.
 *
 * The result is, byte for byte once encoded, the reference's (`soci` of soci-snapshotter v0.16.1).
 *
 * @param chunks The layer, in order, in chunks of any size. A chunk may be overwritten once the next one is asked for.
 * @throws {ZtocError} `GZIP_*` and `TAR_*` when the layer is malformed, `COMPRESSION_UNKNOWN` when it is neither gzip nor
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
    for await (const chunk of pausing(chunks)) {
      signal?.throwIfAborted();
      builder.push(chunk);
      onProgress?.(builder.progress);
    }
    signal?.throwIfAborted();
    return builder.finish();
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    builder.close();
  }
}

async function* pausing(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  if (Symbol.asyncIterator in chunks) return yield* chunks;
  let bytes = 0;
  for (const chunk of chunks) {
    yield chunk;
    bytes += chunk.length;
    if (bytes < BYTES_BETWEEN_PAUSES) continue;
    bytes = 0;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

/** How far a build is. */
export interface ZtocProgress {
  /** Bytes of the layer read so far. */
  readonly bytes: number;
  /** Bytes of the uncompressed stream seen so far. */
  readonly uncompressedBytes: number;
  /** Spans begun so far. */
  readonly spans: number;
}

/** A zTOC, and what it was made from. */
export interface BuiltZtoc {
  /** What it says. Its `checkpoints` are a view of `bytes`. */
  readonly ztoc: Ztoc;
  /** The zTOC encoded, as `encodeZtoc` does it; a view of a buffer that may be a little larger. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** `sha256:<hex>` of the whole layer: compare it with the descriptor that named the layer. */
  readonly layerDigest: string;
  /** Bytes of the layer. */
  readonly layerSize: number;
}

/** Builds a zTOC from chunks that are pushed. */
class ZtocBuilder {
  readonly #options: LayerReaderOptions;
  readonly #buildToolIdentifier: string;
  readonly #layerHash = createSha256();
  #reader: LayerReader | undefined;
  /** The layer's first bytes, until they are enough to tell its compression. */
  #head = new Uint8Array(0);
  #size = 0;

  constructor({ spanSize, buildToolIdentifier, compression, limits }: BuildZtocOptions) {
    this.#buildToolIdentifier = buildToolIdentifier ?? DEFAULT_BUILD_TOOL_IDENTIFIER;
    this.#options = { spanSize: requireWhole('spanSize', spanSize ?? DEFAULT_SPAN_SIZE, 1), ...resolveLimits(limits) };
    if (compression !== undefined && compression !== 'auto') {
      this.#reader = createLayerReader(compression, this.#options);
    }
  }

  /** How far the build is. */
  get progress(): ZtocProgress {
    return {
      bytes: this.#size,
      uncompressedBytes: this.#reader?.uncompressedBytes ?? 0,
      spans: this.#reader?.spans ?? 0,
    };
  }

  /** Takes the layer's next bytes, which may be overwritten afterwards. */
  push(bytes: Uint8Array): void {
    this.#layerHash.update(bytes);
    this.#size += bytes.length;
    if (this.#reader !== undefined) {
      this.#reader.push(bytes);
      return;
    }
    this.#head = concatenate(this.#head, bytes);
    if (this.#head.length >= MAGIC_SIZE) this.#startReader();
  }

  /** Says that the layer has ended. Nothing may be pushed afterwards. */
  finish(): BuiltZtoc {
    const reader = this.#reader ?? this.#startReader();
    const { checkpoints, contents, ...parts } = reader.finish();
    const encoded = encodeWith(checkpoints, {
      ...parts,
      ...contents,
      version: ZTOC_VERSION,
      buildToolIdentifier: this.#buildToolIdentifier,
      compressedArchiveSize: this.#size,
      maxSpanId: parts.spanDigests.length - 1,
    });
    return { ...encoded, layerDigest: formatDigest(this.#layerHash.digest()), layerSize: this.#size };
  }

  /** Frees what building needs, whether it went well or not. Nothing else may be called afterwards. */
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
