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

/** Creates the reader for a kind of compression. */
export function createLayerReader(compression: Compression, options: LayerReaderOptions): LayerReader {
  return compression === 'gzip' ? new GzipLayerReader(options) : new PlainLayerReader(options);
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
 * Tells a layer's compression from its first bytes. Unknown bytes are taken for a tar archive, which the tar scanner
 * confirms or refuses.
 *
 * @param head The first {@link MAGIC_SIZE} bytes, or all there are.
 * @throws {ZtocError} `COMPRESSION_UNKNOWN` naming the format if it is one that zTOCs do not cover.
 */
export function detectCompression(head: Uint8Array): Compression {
  const begins = (magic: readonly number[]) => magic.every((byte, i) => head[i] === byte);
  if (begins([0x1f, 0x8b])) return 'gzip';
  const [first = 0, second = 0] = head;
  const isZlib = (first & 0x8f) === 0x08 && ((first << 8) | second) % 31 === 0;
  const format = OTHER_FORMATS.find(([, magic]) => begins(magic))?.[0] ?? (isZlib ? 'zlib' : undefined);
  if (format === undefined) return 'uncompressed';
  const message = `the layer begins like ${format} data at byte 0, and a zTOC can only describe gzip and uncompressed layers: recompress it with gzip`;
  throw new ZtocError('COMPRESSION_UNKNOWN', message, { offset: 0 });
}

/** Decompresses a gzip layer into the tar scanner, and takes a checkpoint at the start of each span. */
class GzipLayerReader implements LayerReader {
  readonly #options: LayerReaderOptions;
  readonly #scanner: TarScanner;
  readonly #checkpoints: CheckpointPacker;
  readonly #digester = new SpanDigester();
  readonly #decoder: GzipDecoder;

  constructor(options: LayerReaderOptions) {
    this.#options = options;
    this.#scanner = new TarScanner(options);
    this.#checkpoints = new CheckpointPacker(options.spanSize, options.maxSpans);
    this.#decoder = new GzipDecoder(
      {
        output: (bytes) => this.#scanner.push(bytes),
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
    return { compression: 'gzip', spanDigests: this.#digester.finish(), checkpoints: this.#checkpoints, contents };
  }

  close(): void {
    this.#decoder.close();
  }

  #beginSpan(checkpoint: GzipCheckpoint): void {
    const { inputOffset: offset, outputOffset } = checkpoint;
    const { maxEmptySpans } = this.#options;
    if (outputOffset === 0 && this.spans > maxEmptySpans) {
      const message = `the layer begins with more than ${maxEmptySpans} empty blocks by byte ${offset}: recompress it, or raise maxEmptySpans`;
      throw new ZtocError('LIMIT_EXCEEDED', message, { offset });
    }
    this.#checkpoints.add(checkpoint);
    this.#digester.begin();
  }
}

/** Cuts an uncompressed layer into spans of equal size (ztoc/compression/tar_zinfo.go). */
class PlainLayerReader implements LayerReader {
  readonly #options: LayerReaderOptions;
  readonly #scanner: TarScanner;
  readonly #digester = new SpanDigester();
  uncompressedBytes = 0;
  spans = 0;

  constructor(options: LayerReaderOptions) {
    this.#options = options;
    this.#scanner = new TarScanner(options);
  }

  push(bytes: Uint8Array): void {
    this.#scanner.push(bytes);
    const { spanSize } = this.#options;
    for (let at = 0; at < bytes.length; ) {
      const offset = this.uncompressedBytes % spanSize;
      if (offset === 0) this.#beginSpan();
      const count = Math.min(bytes.length - at, spanSize - offset);
      this.#digester.update(bytes.subarray(at, at + count));
      at += count;
      this.uncompressedBytes += count;
    }
  }

  finish(): LayerParts {
    const table = packSpanTable({ spanSize: this.#options.spanSize, size: this.uncompressedBytes });
    return {
      compression: 'uncompressed',
      contents: this.#scanner.finish(),
      spanDigests: this.#digester.finish(),
      checkpoints: { size: table.length, moveTo: (target) => target.set(table) },
    };
  }

  close(): void {}

  #beginSpan(): void {
    const { maxSpans } = this.#options;
    const offset = this.uncompressedBytes;
    if (this.spans === maxSpans) {
      const message = `the layer has more than ${maxSpans} spans by byte ${offset}: use a larger span size, or raise maxSpans`;
      throw new ZtocError('LIMIT_EXCEEDED', message, { offset });
    }
    this.spans += 1;
    this.#digester.begin();
  }
}

/** Digests of a layer's spans, one after the other. */
class SpanDigester {
  readonly #digests: string[] = [];
  #current: Sha256 | undefined;

  /** Ends the span under way, if any, and begins the next. */
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
