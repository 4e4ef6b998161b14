import { equalBytes, NO_BYTES } from '../byte-strings.ts';
import { FlatbufferReader } from '../flatbuffers/flatbuffer-reader.ts';
import type { FileEntry } from '../ztoc.ts';
import { FileDecoder } from './decode-ztoc.ts';
import { FILE_METADATA, TOC, ZTOC } from './schema.ts';

/** Receives the name of an entry: `bytes` from `start` to `end`. */
type EntryVisitor = (bytes: Uint8Array, start: number, end: number) => void;

/** The entries of an archive by number, in archive order. */
export interface EntryList {
  /** Number of entries. */
  readonly length: number;
  /** Calls `visit` for each entry, in order. The name is `bytes` from `start` to `end`, which do not change. */
  visit(visit: EntryVisitor): void;
  /** Returns the bytes that {@link visit} passes for an entry. */
  bytesOf(index: number): Uint8Array;
  /** Returns whether an entry is a directory, without decoding all of it. */
  isDirectory(index: number): boolean;
  /** Returns an entry; the same object each time. `undefined` if the number is out of range. */
  at(index: number): FileEntry | undefined;
  /** Returns the number of an entry that {@link at} returned, or `undefined`. */
  indexOf(entry: FileEntry): number | undefined;
}

/** Entries in an array. */
export class DecodedEntries implements EntryList {
  readonly #files: readonly FileEntry[];
  #indexes: ReadonlyMap<FileEntry, number> | undefined;

  constructor(files: readonly FileEntry[]) {
    this.#files = files;
  }

  get length(): number {
    return this.#files.length;
  }

  visit(visit: EntryVisitor): void {
    for (const { name } of this.#files) visit(name, 0, name.length);
  }

  bytesOf(index: number): Uint8Array {
    return this.#files[index]?.name ?? NO_BYTES;
  }

  isDirectory(index: number): boolean {
    return this.#files[index]?.type === 'dir';
  }

  at(index: number): FileEntry | undefined {
    return this.#files[index];
  }

  indexOf(entry: FileEntry): number | undefined {
    this.#indexes ??= new Map(this.#files.map((file, i) => [file, i]));
    return this.#indexes.get(entry);
  }
}

const DIRECTORY = new TextEncoder().encode('dir');

/** Entries of an encoded zTOC. Decodes those that are used, because decoded ones need several times the memory. */
export class EncodedEntries implements EntryList {
  readonly length: number;
  readonly #bytes: Uint8Array;
  readonly #start: number;
  readonly #decoder: FileDecoder;
  /** Reads the types of entries. */
  readonly #types: FlatbufferReader;
  readonly #decoded = new Map<number, FileEntry>();
  readonly #indexes = new Map<FileEntry, number>();

  /** @param bytes The whole zTOC. @throws {ZtocError} `ZTOC_INVALID` here, and from each method. */
  constructor(bytes: Uint8Array) {
    const reader = new FlatbufferReader(bytes, 'zTOC');
    const root = reader.root();
    const { start, length } = root.table(ZTOC.toc, 'table of contents').offsets(TOC.metadata);
    this.length = length;
    this.#bytes = bytes;
    this.#start = start;
    this.#types = new FlatbufferReader(bytes, 'zTOC');
    this.#decoder = new FileDecoder(reader, root.byteCount(ZTOC.uncompressedArchiveSize, 'the size of the archive'));
  }

  visit(visit: EntryVisitor): void {
    const reader = new FlatbufferReader(this.#bytes, 'zTOC');
    reader.visitStrings(this.#start, this.length, FILE_METADATA.name, (start, end) => visit(this.#bytes, start, end));
  }

  bytesOf(): Uint8Array {
    return this.#bytes;
  }

  isDirectory(index: number): boolean {
    const { start, length } = this.#types.tableAt(this.#start + 4 * index).vector(FILE_METADATA.type);
    return equalBytes(DIRECTORY, this.#bytes, start, length);
  }

  at(index: number): FileEntry | undefined {
    const known = this.#decoded.get(index);
    if (known !== undefined || index < 0 || index >= this.length) return known;
    const entry = this.#decoder.decode(this.#start + 4 * index);
    this.#decoded.set(index, entry);
    this.#indexes.set(entry, index);
    return entry;
  }

  indexOf(entry: FileEntry): number | undefined {
    return this.#indexes.get(entry);
  }
}
