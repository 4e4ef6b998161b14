import { decodeAllButFiles } from '../encoding/decode-ztoc.ts';
import { DecodedEntries, EncodedEntries, type EntryList } from '../encoding/entry-list.ts';
import { withLazyFiles } from '../encoding/lazy-files.ts';
import { ZtocError } from '../errors.ts';
import { FlatbufferReader } from '../flatbuffers/flatbuffer-reader.ts';
import { listCandidateSpans, listSpans, type Span, spansOfRange } from '../spans/list-spans.ts';
import { BLOCK_SIZE } from '../tar/tar-format.ts';
import type { FileEntry, Ztoc } from '../ztoc.ts';
import { type ArchivePath, ArchiveTree, type DirectoryItem, showPath } from './archive-tree.ts';
import { CandidateReader } from './candidate-reader.ts';
import { clipExtents, type FileExtent, findFileExtents, storedSize } from './file-extents.ts';
import { isRange, type RandomAccessSource, type ReadOptions } from './random-access-source.ts';
import { type OpenZtocOptions, SpanStore } from './span-store.ts';

/** Options for resolving a path. */
export interface LookupOptions {
  /** Follows symbolic links, at the end of the path and in its directories. @default false */
  readonly followSymlinks?: boolean | undefined;
}

/** Options for reading a file. */
export interface ReadFileOptions extends LookupOptions, ReadOptions {}

/** A file: its path, or its entry in {@link Ztoc.files}. */
export type FileSelector = ArchivePath | FileEntry;

const DEFAULT_MAX_FILE_SIZE = 2 ** 30;

/** Maximum size of the chunks of zeros that {@link ZtocReader.openFile} yields for the holes of sparse files. */
const HOLE_CHUNK_SIZE = 1 << 16;

/** Maximum size of the chunks in which a reader with candidates reads. */
const CANDIDATE_CHUNK_SIZE = 1 << 20;

/**
 * Opens a layer through its zTOC, as a read-only file system that fetches only the spans of the files that are read.
 * Reads nothing yet.
 * @param ztoc The zTOC of the layer, built or decoded.
 * @param source The layer.
 * @throws {ZtocError} `ZTOC_INVALID` if the zTOC is inconsistent, `SPAN_DIGEST_MISMATCH` if the size of the layer
 * differs
 * from the size in the zTOC.
 */
export function openZtoc(ztoc: Ztoc, source: RandomAccessSource, options: OpenZtocOptions = {}): ZtocReader {
  return openEntries(ztoc, () => new DecodedEntries(ztoc.files), source, options);
}

/**
 * Opens a layer like {@link openZtoc}, through an encoded zTOC. Decodes only the entries that are used, so it needs little time
 * and memory for a few files of a layer with many. Select files by their path, or with an entry from `lookup` or `readdir`, not
 * with one from `ztoc.files`.
 * @param bytes The whole zTOC. Do not change it afterwards.
 * @throws {ZtocError} As {@link openZtoc}. An invalid entry makes the method fail that decodes it.
 */
export function openEncodedZtoc(
  bytes: Uint8Array,
  source: RandomAccessSource,
  options: OpenZtocOptions = {},
): ZtocReader {
  const limits = { maxSpans: Number.MAX_SAFE_INTEGER };
  const ztoc = withLazyFiles(decodeAllButFiles(new FlatbufferReader(bytes, 'zTOC'), limits).ztoc, bytes);
  return openEntries(ztoc, () => new EncodedEntries(bytes), source, options);
}

function openEntries(
  ztoc: Ztoc,
  entries: () => EntryList,
  source: RandomAccessSource,
  options: OpenZtocOptions,
): ZtocReader {
  if (source.size !== ztoc.compressedArchiveSize) {
    const message = `the layer has ${source.size} bytes, but the zTOC describes a layer of ${ztoc.compressedArchiveSize} bytes`;
    throw new ZtocError('SPAN_DIGEST_MISMATCH', message);
  }
  return new ZtocReader(ztoc, entries, source, options);
}

/**
 * Reads one file of a layer. Fetches and verifies only the spans that contain it.
 *
 * To read several files, use {@link openZtoc}, which caches spans.
 * @param ztoc The zTOC of the layer.
 * @param source The layer.
 * @param path Path of the file: `a`, `./a` and `/a` are equivalent.
 * @throws {ZtocError} As {@link openZtoc} and {@link ZtocReader.readFile}.
 */
export async function extractFile(
  ztoc: Ztoc,
  source: RandomAccessSource,
  path: ArchivePath,
  options: ReadFileOptions = {},
): Promise<Uint8Array> {
  return openZtoc(ztoc, source).readFile(path, options);
}

/** Reads the files of a layer through its zTOC. Created by {@link openZtoc}. Concurrent reads are allowed. */
export class ZtocReader {
  /** The zTOC of the layer. */
  readonly ztoc: Ztoc;
  /** All spans of the layer, in order. */
  readonly spans: readonly Span[];
  readonly #store: SpanStore;
  readonly #candidates: CandidateReader | undefined;
  readonly #maxFileSize: number;
  readonly #openEntries: () => EntryList;
  #tree: ArchiveTree | undefined;

  /** Use {@link openZtoc}, which checks that the layer and the zTOC have the same size. */
  constructor(ztoc: Ztoc, entries: () => EntryList, source: RandomAccessSource, options: OpenZtocOptions) {
    this.ztoc = ztoc;
    this.#openEntries = entries;
    this.spans = options.candidates ? listCandidateSpans(ztoc, options.candidates.checkpoints) : listSpans(ztoc);
    this.#maxFileSize = options.maxFileSize ?? DEFAULT_MAX_FILE_SIZE;
    this.#store = new SpanStore(source, options);
    this.#candidates = options.candidates && new CandidateReader(this.spans, source, options);
  }

  /**
   * Returns the entries of the layer in archive order, without those that a later entry with the same path replaces.
   * Whiteouts are included.
   */
  list(): Iterable<FileEntry> {
    return this.#entries.entries();
  }

  /**
   * Returns the entry of a path. `a`, `./a`, `/a` and `a/` are equivalent; the last entry with a path wins.
   * @returns `undefined` if the archive has no entry for the path. It may have only the files of a directory.
   * @throws {ZtocError} `LIMIT_EXCEEDED` after 40 symbolic links, and for a path over 4096 bytes.
   */
  lookup(path: ArchivePath, { followSymlinks = false }: LookupOptions = {}): FileEntry | undefined {
    return followSymlinks ? this.#entries.follow(path) : this.#entries.find(path);
  }

  /** Returns the items of a directory, sorted by name; `undefined` if it is not a directory. `''` is the root. */
  readdir(path: ArchivePath): readonly DirectoryItem[] | undefined {
    return this.#entries.list(path);
  }

  /** Returns whether a path is a directory: it has an entry of one, or contains other entries. `''` is the root. */
  isDirectory(path: ArchivePath): boolean {
    return this.#entries.isDirectory(path);
  }

  /**
   * Returns the offset of the headers of an entry in the uncompressed stream: where the previous entry ends. Its content
   * starts at `uncompressedOffset`.
   */
  headerOffset(entry: FileEntry): number {
    const previous = this.#entries.previous(entry);
    if (previous === undefined) return 0;
    const end = previous.uncompressedOffset + previous.uncompressedSize;
    return Math.min(Math.ceil(end / BLOCK_SIZE) * BLOCK_SIZE, entry.uncompressedOffset);
  }

  /**
   * Returns the entry that a hard link refers to: the last entry with the target's path before the link. It can be a hard
   * link too.
   * @returns `undefined` if the layer has no such entry: the target is in a lower layer, or missing.
   */
  hardLinkTarget(link: FileEntry): FileEntry | undefined {
    return this.#entries.hardLinkTarget(link);
  }

  /**
   * Returns the spans that contain a file, or none if it is empty. For a sparse file in PAX format 1.0, whose map is in
   * the archive, returns the spans up to the next entry.
   * @throws {ZtocError} As {@link readFile}.
   */
  spansOf(file: FileSelector, options: LookupOptions = {}): readonly Span[] {
    const body = this.#findBody(file, options);
    const start = body.uncompressedOffset;
    const { uncompressedArchiveSize } = this.ztoc;
    const size = storedSize(body);
    const end =
      size === undefined ? (this.#entries.next(body)?.uncompressedOffset ?? uncompressedArchiveSize) : start + size;
    return spansOfRange(this.spans, start, Math.max(Math.min(end, uncompressedArchiveSize) - start, 0));
  }

  /** Returns the number of bytes of the layer to fetch for a file if no span is cached. */
  bytesToFetch(file: FileSelector, options: LookupOptions = {}): number {
    const spans = this.spansOf(file, options);
    return (spans.at(-1)?.compressedEnd ?? 0) - (spans[0]?.compressedStart ?? 0);
  }

  /**
   * Reads a whole file. Follows hard links and fills the holes of sparse files with zeros.
   * @throws {ZtocError} `ENTRY_NOT_FOUND`; `ENTRY_NOT_A_FILE` for a directory, device, FIFO, or a symbolic link if
   * `followSymlinks` is not set; `SPAN_DIGEST_MISMATCH`, `GZIP_*`, `ZTOC_INVALID`, `TAR_INVALID` if the layer and the
   * zTOC do not match; `LIMIT_EXCEEDED`; `SOURCE_READ_FAILED`. The reason of the signal if it is aborted.
   */
  async readFile(file: FileSelector, options: ReadFileOptions = {}): Promise<Uint8Array> {
    return this.readFileRange(file, 0, Number.MAX_SAFE_INTEGER, options);
  }

  /**
   * Reads a range of a file. Fetches only the spans that contain it.
   * @param offset Offset of the range in the file. Reading after the end returns no bytes.
   * @param length Maximum number of bytes. Fewer are returned at the end of the file.
   * @throws {ZtocError} As {@link readFile}, and `OPTION_INVALID` for an invalid range.
   */
  async readFileRange(
    file: FileSelector,
    offset: number,
    length: number,
    options: ReadFileOptions = {},
  ): Promise<Uint8Array> {
    if (!isRange(offset, length)) {
      throw new ZtocError('OPTION_INVALID', `invalid range: ${length} bytes at offset ${offset}`);
    }
    options.signal?.throwIfAborted();
    const body = this.#findBody(file, options);
    const size = Math.max(0, Math.min(length, body.uncompressedSize - offset));
    if (size > this.#maxFileSize) {
      const message = `cannot read ${size} bytes of ${showPath(body.name)} at once: the limit maxFileSize is ${this.#maxFileSize}. Stream the file with openFile.`;
      throw new ZtocError('LIMIT_EXCEEDED', message);
    }
    const extents = await this.#findExtents(body, options.signal);
    const bytes = new Uint8Array(size);
    for (const { fileOffset, archiveOffset, length } of clipExtents(extents, offset, size)) {
      const start = fileOffset - offset;
      await this.#fill(bytes.subarray(start, start + length), archiveOffset, options.signal);
    }
    return bytes;
  }

  /**
   * Streams a file of any size, span by span. Memory use is limited to a few spans. The caller owns the chunks.
   * @throws {ZtocError} As {@link readFile}, during iteration. `maxFileSize` does not apply.
   */
  async *openFile(file: FileSelector, options: ReadFileOptions = {}): AsyncGenerator<Uint8Array, void, void> {
    const { signal } = options;
    signal?.throwIfAborted();
    const body = this.#findBody(file, options);
    let at = 0;
    for (const extent of await this.#findExtents(body, signal)) {
      yield* zeros(extent.fileOffset - at, signal);
      for await (const chunk of this.#readArchive(extent.archiveOffset, extent.length, signal)) yield chunk.slice();
      at = extent.fileOffset + extent.length;
    }
    yield* zeros(body.uncompressedSize - at, signal);
  }

  get #entries(): ArchiveTree {
    this.#tree ??= new ArchiveTree(this.#openEntries());
    return this.#tree;
  }

  /** Returns the regular file for a selector. */
  #findBody(file: FileSelector, options: LookupOptions): FileEntry {
    const entry = typeof file === 'string' || file instanceof Uint8Array ? this.lookup(file, options) : file;
    if (entry === undefined) {
      throw new ZtocError('ENTRY_NOT_FOUND', `${showPath(file as ArchivePath)} does not exist in the layer`);
    }
    const body = this.#entries.resolveHardLinks(entry);
    if (body.type === 'reg') return body;
    const problem = `${showPath(entry.name)} is not a regular file (type ${body.type})`;
    const remedy = body.type === 'symlink' ? `. Set followSymlinks to read its target ${showPath(body.linkName)}.` : '';
    throw new ZtocError('ENTRY_NOT_A_FILE', `${problem}${remedy}`);
  }

  #findExtents(body: FileEntry, signal: AbortSignal | undefined): Promise<readonly FileExtent[]> {
    return findFileExtents(body, this.ztoc.uncompressedArchiveSize, (offset, length) =>
      this.#fill(new Uint8Array(length), offset, signal),
    );
  }

  /** Fills an array with the uncompressed stream from `offset`. */
  async #fill(target: Uint8Array, offset: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
    let at = 0;
    for await (const chunk of this.#readArchive(offset, target.length, signal)) {
      target.set(chunk, at);
      at += chunk.length;
    }
    return target;
  }

  /** Reads a range of the uncompressed stream. The chunks may be views of shared bytes. */
  async *#readArchive(
    offset: number,
    length: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array, void, void> {
    if (this.#candidates !== undefined) {
      for (let at = 0; at < length; at += CANDIDATE_CHUNK_SIZE) {
        yield await this.#candidates.read(offset + at, Math.min(CANDIDATE_CHUNK_SIZE, length - at), signal);
      }
      return;
    }
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
