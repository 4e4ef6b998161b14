import type { CheckpointSource } from '../encoding/encode-ztoc.ts';
import { ZtocError } from '../errors.ts';
import { CheckpointPacker, type GzipCheckpoint } from '../gzip/checkpoints.ts';
import { GzipDecoder } from '../gzip/gzip-decoder.ts';
import { createSha256, formatDigest, type Sha256 } from '../hashes.ts';
import type { ZtocLimits } from '../limits.ts';
import { packSpanTable } from '../spans/list-spans.ts';
import { type TarContents, TarScanner } from '../tar/tar-scanner.ts';
import type { Compression, Ztoc } from '../ztoc.ts';

/** What reading a layer to its end gives, for a zTOC to be made of. */
export interface LayerParts extends Pick<Ztoc, 'compression' | 'spanDigests'> {
  readonly checkpoints: CheckpointSource;
  readonly contents: TarContents;
}

/** Reads a layer once, in chunks, and gathers what its zTOC needs; one for each kind of compression. */
export interface LayerReader {
  /** Bytes of the uncompressed stream seen so far. */
  readonly uncompressedBytes: number;
  /** Spans begun so far. */
  readonly spans: number;
  /** Takes the layer's next bytes, which may be overwritten afterwards. */
  push(bytes: Uint8Array): void;
  /** Says that the layer has ended. */
  finish(): LayerParts;
  /** Frees what reading needs, whether it went well or not. Nothing else may be called afterwards. */
  close(): void;
}

/** The bounds and the span size that a reader keeps to. */
export interface LayerReaderOptions extends Required<ZtocLimits> {
  readonly spanSize: number;
}

/** Reads a gzip layer: decompresses it into the tar scanner, and takes a checkpoint where a span begins. */
export class GzipLayerReader implements LayerReader {
  readonly #decoder: GzipDecoder;
  readonly #scanner: TarScanner;
  readonly #checkpoints: CheckpointPacker;
  readonly #digester = new SpanDigester();
  readonly #maxUncompressedSize: number;
  readonly #maxEmptySpans: number;

  constructor(options: LayerReaderOptions) {
    this.#maxUncompressedSize = options.maxUncompressedSize;
    this.#maxEmptySpans = options.maxEmptySpans;
    this.#scanner = new TarScanner(options);
    this.#checkpoints = new CheckpointPacker(options.spanSize, options.maxSpans);
    this.#decoder = new GzipDecoder(
      {
        output: (bytes) => this.#takeOutput(bytes),
        spanInput: (bytes) => this.#digester.update(bytes),
        checkpoint: (checkpoint) => this.#beginSpan(checkpoint),
        wantsOutput: () => !this.#scanner.done,
      },
      { spanSize: options.spanSize },
    );
  }

  get uncompressedBytes(): number {
    return this.#decoder.outputOffset;
  }

  get spans(): number {
    return this.#checkpoints.count;
  }

  push(bytes: Uint8Array): void {
    this.#decoder.push(bytes);
  }

  finish(): LayerParts {
    this.#decoder.finish();
    const contents = this.#scanner.finish();
    return {
      compression: 'gzip',
      spanDigests: this.#digester.finish(),
      checkpoints: this.#checkpoints,
      contents,
    };
  }

  close(): void {
    this.#decoder.close();
  }

  #beginSpan(checkpoint: GzipCheckpoint): void {
    const { inputOffset, outputOffset } = checkpoint;
    if (outputOffset === 0 && this.#checkpoints.count > this.#maxEmptySpans) {
      throw new ZtocError(
        'LIMIT_EXCEEDED',
        `the layer begins with more than ${this.#maxEmptySpans} empty blocks by byte ${inputOffset}: recompress it, or raise maxEmptySpans`,
        { offset: inputOffset },
      );
    }
    this.#checkpoints.add(checkpoint);
    this.#digester.begin();
  }

  #takeOutput(bytes: Uint8Array): void {
    if (this.#decoder.outputOffset > this.#maxUncompressedSize) {
      throw new ZtocError(
        'LIMIT_EXCEEDED',
        `the layer inflates to more than ${this.#maxUncompressedSize} bytes: raise maxUncompressedSize if that is meant`,
      );
    }
    this.#scanner.push(bytes);
  }
}

/** Reads an uncompressed layer, whose spans are plain cuts (ztoc/compression/tar_zinfo.go). */
export class PlainLayerReader implements LayerReader {
  readonly #options: LayerReaderOptions;
  readonly #scanner: TarScanner;
  readonly #digester = new SpanDigester();
  #size = 0;
  #spans = 0;

  constructor(options: LayerReaderOptions) {
    this.#options = options;
    this.#scanner = new TarScanner(options);
  }

  get uncompressedBytes(): number {
    return this.#size;
  }

  get spans(): number {
    return this.#spans;
  }

  push(bytes: Uint8Array): void {
    this.#scanner.push(bytes);
    const { spanSize, maxUncompressedSize } = this.#options;
    let at = 0;
    while (at < bytes.length) {
      const offset = this.#size % spanSize;
      if (offset === 0) this.#beginSpan();
      const count = Math.min(bytes.length - at, spanSize - offset);
      this.#digester.update(bytes.subarray(at, at + count));
      at += count;
      this.#size += count;
    }
    if (this.#size > maxUncompressedSize) {
      throw new ZtocError(
        'LIMIT_EXCEEDED',
        `the layer has more than ${maxUncompressedSize} bytes: raise maxUncompressedSize if that is meant`,
      );
    }
  }

  finish(): LayerParts {
    const table = packSpanTable({ spanSize: this.#options.spanSize, size: this.#size });
    return {
      compression: 'uncompressed',
      contents: this.#scanner.finish(),
      spanDigests: this.#digester.finish(),
      checkpoints: { size: table.length, moveTo: (target) => target.set(table) },
    };
  }

  close(): void {}

  #beginSpan(): void {
    if (this.#spans === this.#options.maxSpans) {
      throw new ZtocError(
        'LIMIT_EXCEEDED',
        `the layer has more than ${this.#options.maxSpans} spans by byte ${this.#size}: use a larger span size, or raise maxSpans`,
        { offset: this.#size },
      );
    }
    this.#spans += 1;
    this.#digester.begin();
  }
}

/** Digests of a layer's spans, one after the other. */
export class SpanDigester {
  readonly #digests: string[] = [];
  #current: Sha256 | undefined;

  /** Ends the span under way, if there is one, and begins the next. */
  begin(): void {
    this.#end();
    this.#current = createSha256();
  }

  /** Adds bytes to the span under way. */
  update(bytes: Uint8Array): void {
    this.#current?.update(bytes);
  }

  /** Ends the last span. @returns `sha256:<hex>` of each span */
  finish(): readonly string[] {
    this.#end();
    return this.#digests;
  }

  #end(): void {
    if (this.#current !== undefined) this.#digests.push(formatDigest(this.#current.digest()));
    this.#current = undefined;
  }
}

/** How many of a layer's first bytes {@link detectCompression} looks at. */
export const MAGIC_SIZE = 6;

/** Formats that a layer may be in and a zTOC cannot describe, by their first bytes. */
const OTHER_FORMATS: readonly (readonly [name: string, magic: readonly number[]])[] = [
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['lz4', [0x04, 0x22, 0x4d, 0x18]],
  ['zip', [0x50, 0x4b, 0x03, 0x04]],
];

/**
 * Tells a layer's compression from its first bytes. What is nothing that is known here is taken for a tar archive, which
 * the tar scanner will confirm or refuse.
 *
 * @param head The first {@link MAGIC_SIZE} bytes, or all there are.
 * @throws {ZtocError} `COMPRESSION_UNKNOWN` naming the format, where it is one that zTOCs do not cover.
 */
export function detectCompression(head: Uint8Array): Compression {
  const begins = (magic: readonly number[]) => magic.every((byte, i) => head[i] === byte);
  if (begins([0x1f, 0x8b])) return 'gzip';
  const isZlib = (head[0] & 0x8f) === 0x08 && ((head[0] << 8) | head[1]) % 31 === 0;
  const format = OTHER_FORMATS.find(([, magic]) => begins(magic))?.[0] ?? (isZlib ? 'zlib' : undefined);
  if (format === undefined) return 'uncompressed';
  throw new ZtocError(
    'COMPRESSION_UNKNOWN',
    `the layer begins like ${format} data at byte 0, and a zTOC can only describe gzip and uncompressed layers: recompress it with gzip`,
    { offset: 0 },
  );
}
