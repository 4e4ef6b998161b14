import { ZtocError } from '../errors.ts';
import { listSpans, type Span, spansOfRange } from '../spans/list-spans.ts';
import type { FileEntry, Ztoc } from '../ztoc.ts';
import { type ArchivePath, ArchiveTree, type DirectoryItem, showPath } from './archive-tree.ts';
import { clipPieces, findStoredPieces, type StoredPiece, storedSize } from './file-layout.ts';
import { isRange, type RandomAccessSource, type ReadOptions } from './random-access-source.ts';
import { type OpenZtocOptions, SpanStore } from './span-store.ts';

/** How a path is taken. */
export interface LookupOptions {
  /** Whether symbolic links are followed, at the end of the path and in its directories. @default false */
  readonly followSymlinks?: boolean | undefined;
}

/** How a file is found, and when to give up reading it. */
export interface ReadFileOptions extends LookupOptions, ReadOptions {}

/** A file: by its path, or by its entry in {@link Ztoc.files}. */
export type FileSelector = ArchivePath | FileEntry;

const DEFAULT_MAX_FILE_SIZE = 2 ** 30;

/** Zeros that stand for the holes of sparse files in {@link ZtocReader.openFile}, at most so many at once. */
const HOLE_CHUNK_SIZE = 1 << 16;

/**
 * Opens a layer through its zTOC: a file system to read from, of which only the spans that hold a file are fetched.
 * Nothing is read yet.
 * @param ztoc The layer's zTOC, made or decoded.
 * @param source The layer's bytes.
 * @throws {ZtocError} `ZTOC_INVALID` when the zTOC contradicts itself, `SPAN_DIGEST_MISMATCH` when the layer has another
 * size than the zTOC's.
 */
export function openZtoc(ztoc: Ztoc, source: RandomAccessSource, options: OpenZtocOptions = {}): ZtocReader {
  if (source.size !== ztoc.compressedArchiveSize) {
    const message = `the layer has ${source.size} bytes, and the zTOC is of one with ${ztoc.compressedArchiveSize}`;
    throw new ZtocError('SPAN_DIGEST_MISMATCH', message);
  }
  return new ZtocReader(ztoc, source, options);
}

/**
 * Reads one file of a layer, fetching only the spans that hold it, each verified.
 *
 * For several files, {@link openZtoc} does the same and keeps what it has fetched.
 * @param ztoc The layer's zTOC.
 * @param source The layer's bytes.
 * @param path The file's path: `a`, `./a` and `/a` are the same.
 * @throws {ZtocError} As `openZtoc` and {@link ZtocReader.readFile}.
 */
export async function extractFile(
  ztoc: Ztoc,
  source: RandomAccessSource,
  path: ArchivePath,
  options: ReadFileOptions = {},
): Promise<Uint8Array> {
  return openZtoc(ztoc, source).readFile(path, options);
}

/** The files of a layer, read through its zTOC. Made by {@link openZtoc}; may be read from many times at once. */
export class ZtocReader {
  /** What the layer is read through. */
  readonly ztoc: Ztoc;
  /** All spans of the layer, in order. */
  readonly spans: readonly Span[];
  readonly #store: SpanStore;
  readonly #maxFileSize: number;
  #tree: ArchiveTree | undefined;

  /** Use {@link openZtoc}, which makes sure that layer and zTOC have the same size. */
  constructor(ztoc: Ztoc, source: RandomAccessSource, options: OpenZtocOptions) {
    this.ztoc = ztoc;
    this.spans = listSpans(ztoc);
    this.#maxFileSize = options.maxFileSize ?? DEFAULT_MAX_FILE_SIZE;
    this.#store = new SpanStore(source, options);
  }

  /**
   * The layer's entries in archive order, without those that a later entry of the same path replaces. Whiteouts are
   * entries like any other.
   */
  list(): Iterable<FileEntry> {
    return this.#entries.entries();
  }

  /**
   * The entry of a path. `a`, `./a`, `/a` and `a/` are the same; of several entries the last counts.
   * @returns `undefined` when there is none, as for a directory of which the archive has only the files.
   * @throws {ZtocError} `LIMIT_EXCEEDED` when more than 40 symbolic links are to be followed, or a path over 4096 bytes.
   */
  lookup(path: ArchivePath, { followSymlinks = false }: LookupOptions = {}): FileEntry | undefined {
    return followSymlinks ? this.#entries.follow(path) : this.#entries.find(path);
  }

  /** What a directory holds, sorted by name; `undefined` if nothing is there or something else. `''` is the root. */
  readdir(path: ArchivePath): readonly DirectoryItem[] | undefined {
    return this.#entries.list(path);
  }

  /**
   * The spans that hold a file's body: none if it is empty. Of a sparse file whose map is in the archive itself (PAX
   * format 1.0), those up to the next entry.
   * @throws {ZtocError} As {@link readFile}.
   */
  spansOf(file: FileSelector, options: LookupOptions = {}): readonly Span[] {
    const body = this.#findBody(file, options);
    const start = body.uncompressedOffset;
    const { uncompressedArchiveSize } = this.ztoc;
    const size = storedSize(body);
    const end = size === undefined ? (this.#entries.nextOffset(body) ?? uncompressedArchiveSize) : start + size;
    return spansOfRange(this.spans, start, Math.max(Math.min(end, uncompressedArchiveSize) - start, 0));
  }

  /** How many bytes of the layer must be fetched to read a file, when nothing is known yet. */
  bytesToFetch(file: FileSelector, options: LookupOptions = {}): number {
    const spans = this.spansOf(file, options);
    return (spans.at(-1)?.compressedEnd ?? 0) - (spans[0]?.compressedStart ?? 0);
  }

  /**
   * Reads a whole file. A hard link gives what it is linked to; a sparse file has its holes filled with zeros.
   * @throws {ZtocError} `ENTRY_NOT_FOUND`; `ENTRY_NOT_A_FILE` for a directory, device, fifo, or a symbolic link that is
   * not to be followed; `SPAN_DIGEST_MISMATCH`, `GZIP_*`, `ZTOC_INVALID`, `TAR_INVALID` when layer and zTOC do not
   * agree; `LIMIT_EXCEEDED`; `SOURCE_READ_FAILED`. The signal's reason if it is aborted.
   */
  async readFile(file: FileSelector, options: ReadFileOptions = {}): Promise<Uint8Array> {
    return this.readFileRange(file, 0, Number.MAX_SAFE_INTEGER, options);
  }

  /**
   * Reads a part of a file, fetching only the spans that hold it.
   * @param offset Where the part starts in the file, from 0; beyond the end, nothing is read.
   * @param length Its bytes; fewer are read where the file ends before.
   * @throws {ZtocError} As {@link readFile}, and `OPTION_INVALID` for a range that is none.
   */
  async readFileRange(
    file: FileSelector,
    offset: number,
    length: number,
    options: ReadFileOptions = {},
  ): Promise<Uint8Array> {
    if (!isRange(offset, length)) {
      throw new ZtocError('OPTION_INVALID', `${length} bytes at ${offset} is no range of a file`);
    }
    options.signal?.throwIfAborted();
    const body = this.#findBody(file, options);
    const size = Math.max(0, Math.min(length, body.uncompressedSize - offset));
    if (size > this.#maxFileSize) {
      const message = `${size} bytes of ${showPath(body.name)} are asked for at once, and maxFileSize allows ${this.#maxFileSize}: stream them by openFile`;
      throw new ZtocError('LIMIT_EXCEEDED', message);
    }
    const pieces = await this.#findPieces(body, options.signal);
    const bytes = new Uint8Array(size);
    for (const { fileOffset, archiveOffset, length } of clipPieces(pieces, offset, size)) {
      const start = fileOffset - offset;
      await this.#fill(bytes.subarray(start, start + length), archiveOffset, options.signal);
    }
    return bytes;
  }

  /**
   * Streams a file of any size, span by span; memory is bounded by a few spans. The chunks are the reader's to keep.
   * @throws {ZtocError} As {@link readFile}, while iterating; no limit applies to the file.
   */
  async *openFile(file: FileSelector, options: ReadFileOptions = {}): AsyncGenerator<Uint8Array, void, void> {
    const { signal } = options;
    signal?.throwIfAborted();
    const body = this.#findBody(file, options);
    let at = 0;
    for (const piece of await this.#findPieces(body, signal)) {
      yield* zeros(piece.fileOffset - at, signal);
      for await (const chunk of this.#readArchive(piece.archiveOffset, piece.length, signal)) yield chunk.slice();
      at = piece.fileOffset + piece.length;
    }
    yield* zeros(body.uncompressedSize - at, signal);
  }

  get #entries(): ArchiveTree {
    this.#tree ??= new ArchiveTree(this.ztoc.files);
    return this.#tree;
  }

  /** The regular file that a selector leads to. */
  #findBody(file: FileSelector, options: LookupOptions): FileEntry {
    const entry = typeof file === 'string' || file instanceof Uint8Array ? this.lookup(file, options) : file;
    if (entry === undefined) {
      throw new ZtocError('ENTRY_NOT_FOUND', `the layer has no ${showPath(file as ArchivePath)}`);
    }
    const body = this.#entries.resolveHardLinks(entry);
    if (body.type === 'reg') return body;
    const hint = body.type === 'symlink' ? ` to ${showPath(body.linkName)}: set followSymlinks to read that` : '';
    throw new ZtocError('ENTRY_NOT_A_FILE', `${showPath(entry.name)} is not a file but a ${body.type}${hint}`);
  }

  #findPieces(body: FileEntry, signal: AbortSignal | undefined): Promise<readonly StoredPiece[]> {
    return findStoredPieces(body, this.ztoc.uncompressedArchiveSize, (offset, length) =>
      this.#fill(new Uint8Array(length), offset, signal),
    );
  }

  /** Fills an array with the uncompressed stream from `offset` on. */
  async #fill(target: Uint8Array, offset: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
    let at = 0;
    for await (const chunk of this.#readArchive(offset, target.length, signal)) {
      target.set(chunk, at);
      at += chunk.length;
    }
    return target;
  }

  /** Reads a range of the uncompressed stream. The chunks are views of outputs that are shared. */
  async *#readArchive(
    offset: number,
    length: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array, void, void> {
    const spans = spansOfRange(this.spans, offset, length);
    for await (const [{ uncompressedStart }, output] of this.#store.outputs(spans, signal)) {
      yield output.subarray(Math.max(offset - uncompressedStart, 0), offset + length - uncompressedStart);
    }
  }
}

function* zeros(length: number, signal: AbortSignal | undefined): Generator<Uint8Array, void, void> {
  for (let left = length; left > 0; left -= HOLE_CHUNK_SIZE) {
    signal?.throwIfAborted();
    yield new Uint8Array(Math.min(left, HOLE_CHUNK_SIZE));
  }
}
