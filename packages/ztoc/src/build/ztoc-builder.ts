import { encodeWith } from '../envelope/encode.ts';
import { createSha256, formatDigest } from '../hash/sha256.ts';
import { requireWhole, resolveLimits, type ZtocLimits } from '../limits.ts';
import { type Compression, ZTOC_VERSION, type Ztoc } from '../ztoc.ts';
import { detectCompression, MAGIC_SIZE } from './detect-compression.ts';
import { GzipLayerReader } from './gzip-layer-reader.ts';
import type { LayerReader, LayerReaderOptions } from './layer-reader.ts';
import { PlainLayerReader } from './plain-layer-reader.ts';

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

/** What a {@link ZtocBuilder} has to know; `buildZtoc` fills in the defaults. */
interface ZtocBuilderOptions {
  readonly spanSize: number;
  readonly buildToolIdentifier: string;
  readonly compression: Compression | 'auto';
  readonly limits: ZtocLimits;
}

/** Builds a zTOC from chunks that are pushed. */
export class ZtocBuilder {
  readonly #options: LayerReaderOptions;
  readonly #buildToolIdentifier: string;
  readonly #layerHash = createSha256();
  #reader: LayerReader | undefined;
  /** The layer's first bytes, until they are enough to tell its compression. */
  #head = new Uint8Array(0);
  #size = 0;

  constructor({ spanSize, buildToolIdentifier, compression, limits }: ZtocBuilderOptions) {
    this.#buildToolIdentifier = buildToolIdentifier;
    this.#options = { spanSize: requireWhole('spanSize', spanSize, 1), ...resolveLimits(limits) };
    if (compression !== 'auto') this.#reader = createReader(compression, this.#options);
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
    const { compression, spanDigests, checkpoints, contents } = reader.finish();
    const encoded = encodeWith(checkpoints, {
      version: ZTOC_VERSION,
      buildToolIdentifier: this.#buildToolIdentifier,
      compressedArchiveSize: this.#size,
      uncompressedArchiveSize: contents.uncompressedArchiveSize,
      files: contents.files,
      compression,
      maxSpanId: spanDigests.length - 1,
      spanDigests,
    });
    return {
      ...encoded,
      layerDigest: formatDigest(this.#layerHash.digest()),
      layerSize: this.#size,
    };
  }

  /** Frees what building needs, whether it went well or not. Nothing else may be called afterwards. */
  close(): void {
    this.#reader?.close();
  }

  #startReader(): LayerReader {
    const head = this.#head;
    this.#head = new Uint8Array(0);
    this.#reader = createReader(detectCompression(head), this.#options);
    this.#reader.push(head);
    return this.#reader;
  }
}

function createReader(compression: Compression, options: LayerReaderOptions): LayerReader {
  return compression === 'gzip' ? new GzipLayerReader(options) : new PlainLayerReader(options);
}

function concatenate(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
