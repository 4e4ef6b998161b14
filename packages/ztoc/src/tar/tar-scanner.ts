import { BytePool, NO_BYTES } from '../byte-strings.ts';
import { ZtocError } from '../errors.ts';
import { resolveLimits, type ZtocLimits } from '../limits.ts';
import type { FileEntry, Ztoc } from '../ztoc.ts';
import { addExtension, type EntryExtensions, isExtensionType } from './entry-extensions.ts';
import { HeaderBlock } from './header-block.ts';
import { isValidSparseMap, SparseMapReader } from './sparse-map.ts';
import { EntryAssembler } from './tar-entry.ts';
import {
  BLOCK_SIZE,
  entryLimitExceeded,
  invalidHeader,
  MAX_SPECIAL_FILE_SIZE,
  paddingAfter,
  TYPE_PAX,
} from './tar-format.ts';

/** Entries of a tar archive, as listed in a zTOC. */
export type TarContents = Pick<Ztoc, 'files' | 'uncompressedArchiveSize'>;

/**
 * Receives an entry. Unless it returns, the scanner does not continue; afterwards, it overwrites the bytes of the entry.
 */
export type EntryListener = (file: FileEntry) => void;

/** Result of {@link PlainEntries.add} for an entry that is not plain. */
export const NOT_PLAIN = -1;

/** What precedes the header of a plain entry. */
export interface PlainExtensions extends Pick<EntryExtensions, 'longName' | 'longLink'> {
  /** Whether {@link PlainEntries.readRecords} has read a PAX header. */
  readonly hasRecords: boolean;
}

/** Adds ordinary entries from their headers, without creating an object for each. */
export interface PlainEntries {
  /**
   * Reads the body of a PAX header for the next entry, if it knows all records.
   * @returns the bytes that count against `maxMetadataSize`, or 0
   */
  readRecords(body: Uint8Array): number;
  /**
   * Adds an entry, if it knows all of its fields.
   * @param bytes Contains the header, from `start`.
   * @param offset Offset of the bytes after the header in the tar stream.
   * @param pool Counts the strings of the header. Those before it are counted already.
   * @returns the size of the body in bytes, or {@link NOT_PLAIN}
   */
  add(
    bytes: Uint8Array,
    start: number,
    offset: number,
    before: PlainExtensions,
    pool: Pick<BytePool, 'charge'>,
  ): number;
}

/** Limits that apply to a tar archive. */
export type TarLimits = Pick<ZtocLimits, 'maxEntries' | 'maxMetadataSize' | 'maxUncompressedSize'>;

/**
 * What the scanner expects next: a header or first zero block, the block after a zero block, the body of a PAX header
 * or GNU long name, a block of a sparse map, or data and padding to skip.
 */
type State = 'header' | 'second-zero-block' | 'extension' | 'sparse-map' | 'body' | 'done';

/**
 * Builds the table of contents of a tar stream, given in chunks of any size, exactly as Go's archive/tar reads it
 * (archive/tar/reader.go, called by ztoc/toc_builder.go, `metadataFromTarReader`). File contents are skipped.
 *
 * @see POSIX.1-2017, pax, "ustar Interchange Format" and "pax Interchange Format"
 * @see GNU tar manual, "Storing Sparse Files"
 */
export class TarScanner {
  readonly #limits: Required<TarLimits>;
  readonly #pool: BytePool;
  readonly #assembler: EntryAssembler;
  readonly #onEntry: EntryListener | undefined;
  readonly #plain: PlainEntries | undefined;
  readonly #files: FileEntry[] = [];
  #count = 0;
  readonly #header = new HeaderBlock();
  /** A block that is in several chunks, or in a sparse map. */
  readonly #block = new Uint8Array(BLOCK_SIZE);
  readonly #blockView = new DataView(this.#block.buffer);
  #failure: unknown;
  #received = 0;

  #state: State = 'header';
  /** Buffer for the next bytes of the stream, outside of file contents. */
  #target: Uint8Array = this.#block;
  #filled = 0;
  #position = 0;

  #headerOffset = 0;
  #bodyEnd = 0;
  #nextHeader = 0;
  #extensionType = 0;
  #extensions: EntryExtensions = {};
  /** Body of a PAX header that {@link PlainEntries} has read, and the bytes that were counted for it. */
  #plainRecords: { readonly body: Uint8Array; readonly offset: number; readonly counted: number } | undefined;
  #hasExtensions = false;
  #sparseMap = new SparseMapReader();
  /** Entry whose sparse map is being read. */
  #sparseFile: FileEntry | undefined;
  /** Reused buffer for PAX headers, at most MAX_SPECIAL_FILE_SIZE bytes. */
  #scratch = NO_BYTES;

  /**
   * @param onEntry Receives each entry. @default {@link finish} returns all entries
   * @param plain Receives the entries that it knows, instead of `onEntry`. @default none
   */
  constructor(limits: TarLimits = {}, onEntry?: EntryListener, plain?: PlainEntries) {
    this.#limits = resolveLimits(limits);
    this.#onEntry = onEntry;
    this.#plain = plain;
    this.#pool = new BytePool(this.#limits.maxMetadataSize, { isTemporary: onEntry !== undefined });
    this.#assembler = new EntryAssembler(this.#pool);
  }

  /** Whether the end of the archive was found. Bytes pushed from now on are ignored. */
  get done(): boolean {
    return this.#state === 'done';
  }

  /** Bytes of the stream consumed so far. */
  get position(): number {
    return this.#position;
  }

  /**
   * Scans the next bytes of the stream. The caller may overwrite them afterwards.
   *
   * Throws `TAR_INVALID` for a malformed header, `TAR_ENTRY_UNSUPPORTED` for an entry that a zTOC cannot contain, and
   * `LIMIT_EXCEEDED` for too many bytes, entries or metadata. After an error every call throws the same error.
   */
  push(bytes: Uint8Array): void {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      this.#scan(bytes);
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  /**
   * Ends the stream. It may end without zero blocks, after one, or inside padding. Elsewhere, `TAR_TRUNCATED` is
   * thrown. An error that {@link push} threw is thrown again. The list of entries is empty if a listener received them.
   */
  finish(): TarContents {
    if (this.#failure !== undefined) throw this.#failure;
    this.#checkEnd();
    return { files: this.#files, uncompressedArchiveSize: this.#position };
  }

  #scan(bytes: Uint8Array): void {
    const { maxUncompressedSize } = this.#limits;
    const excess = this.#received + bytes.length - maxUncompressedSize;
    // Errors before the limit come first, so that the error does not depend on the size of the pieces.
    if (excess > 0 && excess < bytes.length) this.#scan(bytes.subarray(0, bytes.length - excess));
    if (excess > 0) {
      const message = `the layer exceeds maxUncompressedSize (${maxUncompressedSize} bytes). Raise the limit if you trust the layer.`;
      throw new ZtocError('LIMIT_EXCEEDED', message);
    }
    this.#received += bytes.length;
    let view: DataView | undefined;
    let at = 0;
    while (at < bytes.length && this.#state !== 'done') {
      if (this.#state === 'body') {
        const skipped = Math.min(bytes.length - at, this.#nextHeader - this.#position);
        at += skipped;
        this.#position += skipped;
        if (this.#position === this.#nextHeader) this.#expectBlock('header');
      } else if (this.#canReadHeader(bytes.length - at)) {
        this.#position += BLOCK_SIZE;
        if (!this.#readPlainHeader(bytes, at)) {
          view ??= new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
          this.#readHeader(view, at);
        }
        at += BLOCK_SIZE;
      } else {
        const taken = Math.min(bytes.length - at, this.#target.length - this.#filled);
        this.#target.set(bytes.subarray(at, at + taken), this.#filled);
        at += taken;
        this.#position += taken;
        this.#filled += taken;
        if (this.#filled === this.#target.length) this.#readTarget();
      }
    }
  }

  #readTarget(): void {
    if (this.#state === 'extension') this.#readExtension();
    else if (this.#state === 'sparse-map') this.#readSparseMapBlock();
    else if (!this.#readPlainHeader(this.#block, 0)) this.#readHeader(this.#blockView, 0);
  }

  /** Returns whether the next `size` bytes of the stream contain a whole header. */
  #canReadHeader(size: number): boolean {
    const isHeader = this.#state === 'header' || this.#state === 'second-zero-block';
    return isHeader && this.#filled === 0 && size >= BLOCK_SIZE;
  }

  /** Reads the header that ends at the current position, if its entry is plain. @returns whether it is */
  #readPlainHeader(bytes: Uint8Array, start: number): boolean {
    const plain = this.#plain;
    const isAllowed = this.#state === 'header' && this.#count < this.#limits.maxEntries;
    if (plain === undefined || !isAllowed || this.#extensions.records !== undefined) return false;
    const { longName, longLink } = this.#extensions;
    const before = { longName, longLink, hasRecords: this.#plainRecords !== undefined };
    const size = plain.add(bytes, start, this.#position, before, this.#pool);
    if (size === NOT_PLAIN) return false;
    if (this.#hasExtensions) this.#endExtensions();
    this.#headerOffset = this.#position - BLOCK_SIZE;
    this.#pool.recycle();
    this.#count += 1;
    this.#startBody(size);
    this.#skipBody();
    return true;
  }

  /** Reads the header that ends at the current position: the bytes of `source` from `start`. */
  #readHeader(source: DataView, start: number): void {
    const header = this.#header;
    const offset = this.#position - BLOCK_SIZE;
    header.load(source, start);
    const isZero = header.isZero();
    if (this.#state === 'second-zero-block') {
      if (!isZero) throw invalidHeader(offset, 'follows a single block of zeros');
      this.#state = 'done';
    } else if (isZero) {
      this.#expectBlock('second-zero-block');
    } else {
      this.#headerOffset = offset;
      header.parse(offset);
      if (isExtensionType(header.typeFlag)) this.#openExtension(header);
      else this.#openEntry(header);
    }
  }

  #openExtension({ typeFlag, size }: HeaderBlock): void {
    const offset = this.#headerOffset;
    if (size < 0) throw invalidHeader(offset, 'has a negative size');
    if (size > MAX_SPECIAL_FILE_SIZE) {
      const excess = `claims ${size} bytes of PAX records or long name, more than the limit of ${MAX_SPECIAL_FILE_SIZE} in tar readers. Shorten the names and attributes of the entry.`;
      throw entryLimitExceeded(offset, excess);
    }
    const length = Number(size);
    this.#startBody(length);
    this.#state = 'extension';
    this.#extensionType = typeFlag;
    if (typeFlag === TYPE_PAX) {
      // PAX records are copied out of the body, because most of them repeat. A long name is kept unchanged.
      if (length > this.#scratch.length) this.#scratch = new Uint8Array(Math.max(length, 2 * this.#scratch.length));
      this.#target = this.#scratch.subarray(0, length);
    } else this.#target = this.#pool.allocate(length, offset);
    this.#filled = 0;
    if (length === 0) this.#readExtension();
  }

  #readExtension(): void {
    this.#hasExtensions = true;
    if (this.#extensionType === TYPE_PAX) {
      const body = this.#target;
      const counted = this.#plain?.readRecords(body) ?? 0;
      this.#plainRecords = counted > 0 ? { body, offset: this.#headerOffset, counted } : undefined;
      if (counted > 0) {
        this.#extensions.records = undefined;
        this.#pool.charge(counted, this.#headerOffset);
        this.#skipBody();
        return;
      }
    }
    addExtension(this.#extensions, this.#extensionType, this.#target, this.#pool, this.#headerOffset);
    this.#skipBody();
  }

  #openEntry(header: HeaderBlock): void {
    const position = { headerOffset: this.#headerOffset, bodyOffset: this.#position };
    const { maxEntries } = this.#limits;
    if (this.#count >= maxEntries) {
      const excess = `exceeds maxEntries (${maxEntries}). Raise the limit if you trust the layer.`;
      throw entryLimitExceeded(position.headerOffset, excess);
    }
    if (this.#plainRecords !== undefined) {
      const { body, offset, counted } = this.#plainRecords;
      this.#pool.charge(-counted, offset);
      addExtension(this.#extensions, TYPE_PAX, body, this.#pool, offset);
    }
    const entry = this.#assembler.assemble(header, this.#extensions, position);
    this.#endExtensions();
    this.#startBody(entry.bodySize);
    this.#count += 1;
    if (entry.startsWithSparseMap) {
      this.#sparseFile = entry.file;
      this.#sparseMap = new SparseMapReader();
      this.#expectSparseMapBlock();
    } else {
      this.#emit(entry.file);
      this.#skipBody();
    }
  }

  #endExtensions(): void {
    this.#extensions = {};
    this.#plainRecords = undefined;
    this.#hasExtensions = false;
  }

  #emit(file: FileEntry): void {
    if (this.#onEntry === undefined) this.#files.push(file);
    else {
      this.#onEntry(file);
      this.#pool.recycle();
    }
  }

  #expectSparseMapBlock(): void {
    if (this.#bodyEnd - this.#position < BLOCK_SIZE) {
      throw invalidHeader(this.#headerOffset, 'has a body that is too short for its sparse map');
    }
    this.#expectBlock('sparse-map');
  }

  #readSparseMapBlock(): void {
    const numbers = this.#sparseMap.push(this.#block);
    if (numbers === 'incomplete') {
      this.#expectSparseMapBlock();
      return;
    }
    const file = this.#sparseFile as FileEntry;
    this.#sparseFile = undefined;
    if (typeof numbers === 'string' || !isValidSparseMap(numbers, file.uncompressedSize)) {
      throw invalidHeader(this.#headerOffset, 'has a malformed sparse map in its body');
    }
    this.#emit({ ...file, uncompressedOffset: this.#position });
    this.#skipBody();
  }

  #startBody(size: number): void {
    this.#bodyEnd = this.#position + size;
    this.#nextHeader = this.#bodyEnd + paddingAfter(size);
  }

  #skipBody(): void {
    if (this.#position === this.#nextHeader) this.#expectBlock('header');
    else this.#state = 'body';
  }

  #expectBlock(state: 'header' | 'second-zero-block' | 'sparse-map'): void {
    this.#state = state;
    this.#target = this.#block;
    this.#filled = 0;
  }

  /** Throws if Go's reader would report a truncated archive for a stream that ends here. */
  #checkEnd(): void {
    const end = this.#position;
    let offset = this.#headerOffset;
    let location: string | undefined;
    if (this.#state === 'extension') location = 'inside PAX records or a GNU long name';
    else if (this.#state === 'sparse-map') location = 'inside a sparse map';
    else if (this.#state === 'body') {
      if (end < this.#bodyEnd) location = `${this.#bodyEnd - end} bytes before the end of a file`;
    } else if (this.#state !== 'done' && this.#filled > 0) {
      location = 'inside a header';
      offset = end - this.#filled;
    }
    if (location === undefined) return;
    const message = `the tar stream ends at byte ${end}, ${location} (header at byte ${offset}). The layer is truncated: pull it again.`;
    throw new ZtocError('TAR_TRUNCATED', message, { offset });
  }
}
