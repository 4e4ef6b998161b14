import type { BytePool } from '../byte-strings.ts';
import type { CheckpointSource, EntrySource } from '../encoding/encode-ztoc.ts';
import { SPAN_DIGEST_SIZE } from '../encoding/encoded-size.ts';
import { EntryStore, type PlainEntryListener } from '../entries/entry-store.ts';
import { ZtocError } from '../errors.ts';
import { CandidateList, candidateLimits, type SpanCandidates } from '../gzip/candidate-list.ts';
import { CheckpointPacker, type GzipCheckpoint, PACKED_CHECKPOINT_SIZE, type SpanStart } from '../gzip/checkpoints.ts';
import { GzipDecoder } from '../gzip/gzip-decoder.ts';
import { type ZtocLimits, ZtocSizeLimit } from '../limits.ts';
import { RuntimeChecker } from '../runtime/runtime-problems.ts';
import { packSpanTable } from '../spans/list-spans.ts';
import { BLOCK_SIZE } from '../tar/tar-format.ts';
import {
  type EntryListener,
  NOT_PLAIN,
  type PlainEntries,
  type PlainExtensions,
  TarScanner,
} from '../tar/tar-scanner.ts';
import type { Compression, FileEntry, Ztoc } from '../ztoc.ts';
import type { SecondThread } from './build-ztoc.ts';
import { type DigestedLayer, LayerDigests, type LayerHash } from './layer-digests.ts';

/** Result of reading a layer: its digest, and the parts of its zTOC. */
export interface LayerParts extends DigestedLayer {
  readonly head: Pick<Ztoc, 'compression' | 'uncompressedArchiveSize'>;
  readonly checkpoints: CheckpointSource;
  readonly entries: EntrySource;
  /** Has checked all entries. */
  readonly checker: RuntimeChecker;
  /** Points at which additional spans can start; for gzip and the span size `auto` only. */
  readonly candidates?: SpanCandidates;
  /** For each of `otherSpanSizes`, where spans start; for gzip only. */
  readonly otherSpans?: readonly (readonly SpanStart[])[];
}

/** Reads a layer once, in chunks, and collects the parts of its zTOC. One implementation for each compression. */
export interface LayerReader {
  /** Bytes of the uncompressed stream produced so far. */
  readonly uncompressedBytes: number;
  /** Spans started so far. */
  readonly spans: number;
  /** Accepts the next bytes of the layer. The caller may overwrite them afterwards. */
  push(bytes: Uint8Array): void;
  /** Reads what was pushed but not read yet, because another thread helps. */
  catchUp(): void;
  /** Ends the layer. */
  finish(): LayerParts;
  /** Frees the decoder and the other thread, after success or failure. Call nothing else afterwards. */
  close(): void;
}

/** Span size and limits of a {@link LayerReader}. */
export interface LayerReaderOptions extends Required<ZtocLimits> {
  /** Minimum size of a span in uncompressed bytes; `auto` for large spans and candidates for smaller ones. */
  readonly spanSize: number | 'auto';
  /** Expected size of the layer in bytes; 0 if it is not known. */
  readonly layerSize: number;
  /** Other span sizes, in uncompressed bytes. */
  readonly otherSpanSizes: readonly number[];
  /** Another thread that helps. */
  readonly thread: SecondThread | undefined;
  /** Receives each entry, in addition to the zTOC. */
  readonly onEntry: EntryListener | undefined;
  /** Receives ordinary entries instead of `onEntry`. */
  readonly onPlainEntry: PlainEntryListener | undefined;
}

/**
 * Span sizes of `auto`, in bytes of uncompressed data: docs/decisions/037-how-spans-are-chosen.md. Spans of a gzip layer start
 * large, and `refineZtoc` divides those that a container reads. A span of an uncompressed layer costs only its digest.
 */
export const AUTO_SPAN_SIZE = { gzip: 10 << 20, uncompressed: 1 << 19 } as const;

/** Creates the reader for a compression. */
export function createLayerReader(compression: Compression, options: LayerReaderOptions): LayerReader {
  return compression === 'gzip' ? new GzipLayerReader(options) : new UncompressedLayerReader(options);
}

/** Number of first bytes that {@link detectCompression} needs. */
export const MAGIC_SIZE = 6;

/** Magic numbers of formats that a zTOC cannot describe. */
const UNSUPPORTED_FORMATS: readonly (readonly [name: string, magic: readonly number[]])[] = [
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['lz4', [0x04, 0x22, 0x4d, 0x18]],
  ['zip', [0x50, 0x4b, 0x03, 0x04]],
];

/**
 * Detects the compression of a layer from its first bytes. Unknown bytes are treated as a tar archive, which the tar
 * scanner then accepts or rejects.
 *
 * @param head The first {@link MAGIC_SIZE} bytes, or the whole layer if it is shorter.
 * @throws {ZtocError} `COMPRESSION_UNKNOWN`, with the name of the format, if a zTOC cannot describe it.
 */
export function detectCompression(head: Uint8Array): Compression {
  const begins = (magic: readonly number[]) => magic.every((byte, i) => head[i] === byte);
  if (begins([0x1f, 0x8b])) return 'gzip';
  const [first = 0, second = 0] = head;
  const isZlib = (first & 0x8f) === 0x08 && ((first << 8) | second) % 31 === 0;
  const format = UNSUPPORTED_FORMATS.find(([, magic]) => begins(magic))?.[0] ?? (isZlib ? 'zlib' : undefined);
  if (format === undefined) return 'uncompressed';
  const message = `cannot build a zTOC of ${format} data: only gzip and uncompressed layers are supported. Recompress the layer with gzip.`;
  throw new ZtocError('COMPRESSION_UNKNOWN', message, { offset: 0 });
}

/** Scans the tar stream of a layer, keeps its entries for the zTOC, and checks them. */
class EntryCollector implements PlainEntries {
  readonly entries: EntryStore;
  readonly scanner: TarScanner;
  readonly checker: RuntimeChecker;
  readonly #ztocSize: ZtocSizeLimit;
  readonly #onPlainEntry: PlainEntryListener | undefined;

  /** @param ztocSize Counts the entries. */
  constructor(options: LayerReaderOptions, ztocSize: ZtocSizeLimit) {
    const { onEntry, onPlainEntry } = options;
    this.entries = new EntryStore(options.maxZtocSize);
    this.checker = new RuntimeChecker(this.entries);
    this.#ztocSize = ztocSize;
    this.#onPlainEntry = onPlainEntry;
    const addEntry = (file: FileEntry): void => {
      this.entries.add(file, (size) => ztocSize.add(size, file.uncompressedOffset));
      this.checker.add(file);
      onEntry?.(file);
    };
    const wantsAll = onEntry !== undefined && onPlainEntry === undefined;
    this.scanner = new TarScanner(options, addEntry, wantsAll ? undefined : this);
  }

  readRecords(body: Uint8Array): number {
    return this.entries.readRecords(body);
  }

  add(
    bytes: Uint8Array,
    start: number,
    offset: number,
    before: PlainExtensions,
    pool: Pick<BytePool, 'charge'>,
  ): number {
    const { entries, checker } = this;
    if (!checker.expectsHeader(offset - BLOCK_SIZE)) return NOT_PLAIN;
    const size = entries.addPlain(bytes, start, offset, before);
    if (size === NOT_PLAIN) return NOT_PLAIN;
    pool.charge(entries.lastMetadataSize, offset - BLOCK_SIZE);
    this.#ztocSize.add(entries.lastEncodedSize, offset);
    checker.addPlain(offset + size);
    if (this.#onPlainEntry !== undefined) entries.showLast(this.#onPlainEntry);
    return size;
  }

  /** Frees memory. */
  close(): void {
    this.entries.close();
  }
}

/** Bytes of a layer that are hashed and decoded at a time. While they are hashed, another thread can decode as much. */
const PIECE_SIZE = 1 << 16;

/** Decompresses a gzip layer into the tar scanner, and records a checkpoint at the start of each span. */
class GzipLayerReader implements LayerReader {
  readonly #options: LayerReaderOptions;
  readonly #ztocSize: ZtocSizeLimit;
  readonly #collector: EntryCollector;
  readonly #checkpoints: CheckpointPacker;
  readonly #candidates: CandidateList | undefined;
  readonly #otherSpans: readonly SpanStart[][];
  readonly #digests = new LayerDigests();
  readonly #decoder: GzipDecoder;

  constructor(options: LayerReaderOptions) {
    this.#options = options;
    this.#ztocSize = new ZtocSizeLimit(options.maxZtocSize);
    this.#collector = new EntryCollector(options, this.#ztocSize);
    const isAuto = options.spanSize === 'auto';
    const spanSize = options.spanSize === 'auto' ? AUTO_SPAN_SIZE.gzip : options.spanSize;
    this.#checkpoints = new CheckpointPacker(spanSize, options.maxSpans);
    const limits = candidateLimits(options.layerSize);
    const candidates = isAuto ? new CandidateList(limits) : undefined;
    this.#candidates = candidates;
    this.#otherSpans = options.otherSpanSizes.map(() => []);
    const { scanner } = this.#collector;
    this.#decoder = new GzipDecoder(
      {
        output: (bytes) => scanner.push(bytes),
        spanInput: (bytes) => this.#digests.addSpan(bytes),
        checkpoint: (checkpoint) => this.#beginSpan(checkpoint),
        ...(candidates && { candidate: (checkpoint) => candidates.add(checkpoint) }),
        otherSpan: (index, start) => this.#otherSpans[index]?.push(start),
        wantsOutput: () => !scanner.done,
      },
      {
        spanSize,
        otherSpanSizes: options.otherSpanSizes,
        ...(candidates && { candidateDistance: limits.minDistance }),
        ...(options.thread && { inflater: options.thread.inflate() }),
      },
    );
  }

  get uncompressedBytes(): number {
    return this.#decoder.outputOffset;
  }

  get spans(): number {
    return this.#checkpoints.count;
  }

  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += PIECE_SIZE) {
      const piece = bytes.subarray(at, at + PIECE_SIZE);
      this.#digests.addLayer(piece);
      this.#decoder.push(piece);
    }
  }

  catchUp(): void {
    this.#decoder.catchUp();
  }

  finish(): LayerParts {
    this.#decoder.finish();
    const { uncompressedArchiveSize } = this.#collector.scanner.finish();
    return {
      ...this.#digests.finish(),
      head: { compression: 'gzip', uncompressedArchiveSize },
      checkpoints: this.#checkpoints,
      entries: this.#collector.entries,
      checker: this.#collector.checker,
      ...(this.#candidates && { candidates: this.#candidates.finish() }),
      ...(this.#otherSpans.length > 0 && { otherSpans: this.#otherSpans }),
    };
  }

  close(): void {
    this.#decoder.close();
    this.#collector.close();
  }

  #beginSpan(checkpoint: GzipCheckpoint): void {
    const { inputOffset: offset, outputOffset } = checkpoint;
    const { maxEmptySpans } = this.#options;
    if (outputOffset === 0 && this.spans > maxEmptySpans) {
      const message = `the layer starts with more than ${maxEmptySpans} empty blocks, up to byte ${offset}. Recompress it or raise maxEmptySpans.`;
      throw new ZtocError('LIMIT_EXCEEDED', message, { offset });
    }
    this.#ztocSize.add(PACKED_CHECKPOINT_SIZE + SPAN_DIGEST_SIZE, offset);
    this.#checkpoints.add(checkpoint);
    this.#candidates?.addSpan(checkpoint);
    this.#digests.beginSpan();
  }
}

/** Divides an uncompressed layer into spans of equal size (ztoc/compression/tar_zinfo.go). */
class UncompressedLayerReader implements LayerReader {
  readonly #options: LayerReaderOptions;
  readonly #spanSize: number;
  readonly #ztocSize: ZtocSizeLimit;
  readonly #collector: EntryCollector;
  readonly #layerHash: LayerHash | undefined;
  readonly #digests: LayerDigests;
  uncompressedBytes = 0;
  spans = 0;

  constructor(options: LayerReaderOptions) {
    this.#options = options;
    this.#layerHash = options.thread?.hash();
    this.#digests = new LayerDigests(this.#layerHash);
    this.#spanSize = options.spanSize === 'auto' ? autoSpanSize(options) : options.spanSize;
    this.#ztocSize = new ZtocSizeLimit(options.maxZtocSize);
    this.#collector = new EntryCollector(options, this.#ztocSize);
  }

  push(bytes: Uint8Array): void {
    this.#digests.addLayer(bytes);
    this.#collector.scanner.push(bytes);
    const spanSize = this.#spanSize;
    for (let at = 0; at < bytes.length; ) {
      const offset = this.uncompressedBytes % spanSize;
      if (offset === 0) this.#beginSpan();
      const count = Math.min(bytes.length - at, spanSize - offset);
      this.#digests.addSpan(bytes.subarray(at, at + count));
      at += count;
      this.uncompressedBytes += count;
    }
  }

  catchUp(): void {}

  finish(): LayerParts {
    const { uncompressedArchiveSize } = this.#collector.scanner.finish();
    const table = packSpanTable({ spanSize: this.#spanSize, size: this.uncompressedBytes });
    return {
      ...this.#digests.finish(),
      head: { compression: 'uncompressed', uncompressedArchiveSize },
      checkpoints: { size: table.length, moveTo: (target) => target.set(table) },
      entries: this.#collector.entries,
      checker: this.#collector.checker,
    };
  }

  close(): void {
    this.#layerHash?.close();
    this.#collector.close();
  }

  #beginSpan(): void {
    const { maxSpans } = this.#options;
    const offset = this.uncompressedBytes;
    if (this.spans === maxSpans) {
      const message = `the layer has more than ${maxSpans} spans, up to byte ${offset}. Use a larger span size or raise maxSpans.`;
      throw new ZtocError('LIMIT_EXCEEDED', message, { offset });
    }
    this.#ztocSize.add(SPAN_DIGEST_SIZE, offset);
    this.spans += 1;
    this.#digests.beginSpan();
  }
}

/** Returns the span size of `auto` for an uncompressed layer, doubled until the layer does not exceed `maxSpans`. */
function autoSpanSize({ layerSize, maxSpans }: LayerReaderOptions): number {
  let spanSize: number = AUTO_SPAN_SIZE.uncompressed;
  while (Math.ceil(layerSize / spanSize) > Math.max(maxSpans, 1)) spanSize *= 2;
  return spanSize;
}
