import { BytePool, NO_BYTES } from '../byte-strings.ts';
import { ZtocError } from '../errors.ts';
import { resolveLimits, type ZtocLimits } from '../limits.ts';
import type { FileEntry, Ztoc } from '../ztoc.ts';
import { addExtension, type EntryExtensions, isExtensionType } from './entry-extensions.ts';
import { type HeaderBlock, isZeroBlock, parseHeaderBlock } from './header-block.ts';
import { isValidSparseMap, SparseMapReader } from './sparse-map.ts';
import { EntryAssembler } from './tar-entry.ts';
import {
  BLOCK_SIZE,
  excessiveEntry,
  invalidHeader,
  MAX_SPECIAL_FILE_SIZE,
  paddingAfter,
  TYPE_PAX,
} from './tar-format.ts';

/** What a tar archive holds, as far as a zTOC lists it. */
export type TarContents = Pick<Ztoc, 'files' | 'uncompressedArchiveSize'>;

/** The limits that bear on an archive. */
export type TarLimits = Pick<ZtocLimits, 'maxEntries' | 'maxMetadataSize' | 'maxUncompressedSize'>;

/**
 * What the next bytes are: a header or a first zero block, the block after a zero block, the body of a PAX header or
 * GNU long name, a block of a sparse map, or data and padding to pass over.
 */
type State = 'header' | 'second-zero-block' | 'extension' | 'sparse-map' | 'body' | 'done';

/**
 * Makes the table of contents of a tar stream, given in chunks of any size, exactly as Go's archive/tar reads it
 * (archive/tar/reader.go, driven by ztoc/toc_builder.go, `metadataFromTarReader`). Bodies are passed over, unread.
 *
 * @see POSIX.1-2017, pax, "ustar Interchange Format" and "pax Interchange Format"
 * @see GNU tar manual, "Storing Sparse Files"
 */
export class TarScanner {
  readonly #limits: Required<TarLimits>;
  readonly #pool: BytePool;
  readonly #assembler: EntryAssembler;
  readonly #files: FileEntry[] = [];
  readonly #block = new Uint8Array(BLOCK_SIZE);
  #failure: unknown;
  #received = 0;

  #state: State = 'header';
  /** What is being filled with the stream's next bytes, outside of bodies. */
  #target: Uint8Array = this.#block;
  #filled = 0;
  #position = 0;

  #headerOffset = 0;
  #bodyEnd = 0;
  #nextHeader = 0;
  #extensionType = 0;
  #extensions: EntryExtensions = {};
  #sparseMap = new SparseMapReader();
  /** For bodies that are not kept; at most MAX_SPECIAL_FILE_SIZE is used of it. */
  #scratch = NO_BYTES;

  constructor(limits: TarLimits = {}) {
    this.#limits = resolveLimits(limits);
    this.#pool = new BytePool(this.#limits.maxMetadataSize);
    this.#assembler = new EntryAssembler(this.#pool);
  }

  /** Whether the archive's end was found: what is pushed from now on is ignored. */
  get done(): boolean {
    return this.#state === 'done';
  }

  /** Bytes of the stream consumed so far. */
  get position(): number {
    return this.#position;
  }

  /**
   * Takes the next bytes of the stream, which must stay as they are only during the call.
   *
   * Throws `TAR_INVALID` for a malformed header, `TAR_ENTRY_UNSUPPORTED` for an entry that a zTOC cannot hold,
   * `LIMIT_EXCEEDED` for more bytes, entries or metadata than allowed; after that every call throws the same error.
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
   * Tells the scanner that the stream has ended. It may end without zero blocks, after one, or inside padding; anywhere
   * else `TAR_TRUNCATED` is thrown. An error that {@link push} threw is thrown again.
   */
  finish(): TarContents {
    if (this.#failure !== undefined) throw this.#failure;
    this.#checkEnd();
    return { files: this.#files, uncompressedArchiveSize: this.#position };
  }

  #scan(bytes: Uint8Array): void {
    this.#received += bytes.length;
    const { maxUncompressedSize } = this.#limits;
    if (this.#received > maxUncompressedSize) {
      const message = `the layer has more than ${maxUncompressedSize} uncompressed bytes: raise maxUncompressedSize if that is meant`;
      throw new ZtocError('LIMIT_EXCEEDED', message);
    }
    let at = 0;
    while (at < bytes.length && this.#state !== 'done') {
      if (this.#state === 'body') {
        const passed = Math.min(bytes.length - at, this.#nextHeader - this.#position);
        at += passed;
        this.#position += passed;
        if (this.#position === this.#nextHeader) this.#expectBlock('header');
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
    else this.#readHeader(this.#position - BLOCK_SIZE);
  }

  #readHeader(offset: number): void {
    const isZero = this.#block[0] === 0 && isZeroBlock(this.#block);
    if (this.#state === 'second-zero-block') {
      if (!isZero) throw invalidHeader(offset, 'follows a block of zeros, which only another one may do');
      this.#state = 'done';
    } else if (isZero) {
      this.#expectBlock('second-zero-block');
    } else {
      this.#headerOffset = offset;
      const header = parseHeaderBlock(this.#block, offset);
      if (isExtensionType(header.typeFlag)) this.#openExtension(header);
      else this.#openEntry(header);
    }
  }

  #openExtension({ typeFlag, size }: HeaderBlock): void {
    const offset = this.#headerOffset;
    if (size < 0) throw invalidHeader(offset, 'has a negative size');
    if (size > MAX_SPECIAL_FILE_SIZE) {
      const limit = `more than the ${MAX_SPECIAL_FILE_SIZE} that readers accept: shorten that entry's names and attributes`;
      throw excessiveEntry(offset, `claims ${size} bytes of PAX records or long name, ${limit}`);
    }
    const length = Number(size);
    this.#openBody(length);
    this.#state = 'extension';
    this.#extensionType = typeFlag;
    if (typeFlag === TYPE_PAX) {
      // Most PAX records repeat: what is kept of them is taken out of the body. A long name is its body.
      if (length > this.#scratch.length) this.#scratch = new Uint8Array(Math.max(length, 2 * this.#scratch.length));
      this.#target = this.#scratch.subarray(0, length);
    } else this.#target = this.#pool.take(length, offset);
    this.#filled = 0;
    if (length === 0) this.#readExtension();
  }

  #readExtension(): void {
    addExtension(this.#extensions, this.#extensionType, this.#target, this.#pool, this.#headerOffset);
    this.#passBody();
  }

  #openEntry(header: HeaderBlock): void {
    const place = { headerOffset: this.#headerOffset, bodyOffset: this.#position };
    const { maxEntries } = this.#limits;
    if (this.#files.length >= maxEntries) {
      const excess = `is one more than maxEntries, ${maxEntries}: raise that limit if the layer is trusted`;
      throw excessiveEntry(place.headerOffset, excess);
    }
    const entry = this.#assembler.assemble(this.#block, header, this.#extensions, place);
    this.#extensions = {};
    this.#openBody(entry.bodySize);
    this.#files.push(entry.file);
    if (entry.startsWithSparseMap) {
      this.#sparseMap = new SparseMapReader();
      this.#expectSparseMapBlock();
    } else this.#passBody();
  }

  #expectSparseMapBlock(): void {
    if (this.#bodyEnd - this.#position < BLOCK_SIZE) {
      throw invalidHeader(this.#headerOffset, 'has a body too short for its sparse map');
    }
    this.#expectBlock('sparse-map');
  }

  #readSparseMapBlock(): void {
    const numbers = this.#sparseMap.push(this.#block);
    if (numbers === 'incomplete') {
      this.#expectSparseMapBlock();
      return;
    }
    const file = this.#files.pop() as FileEntry;
    if (typeof numbers === 'string' || !isValidSparseMap(numbers, file.uncompressedSize)) {
      throw invalidHeader(this.#headerOffset, `has a malformed sparse map in its body`);
    }
    this.#files.push({ ...file, uncompressedOffset: this.#position });
    this.#passBody();
  }

  #openBody(size: number): void {
    this.#bodyEnd = this.#position + size;
    this.#nextHeader = this.#bodyEnd + paddingAfter(size);
  }

  #passBody(): void {
    if (this.#position === this.#nextHeader) this.#expectBlock('header');
    else this.#state = 'body';
  }

  #expectBlock(state: 'header' | 'second-zero-block' | 'sparse-map'): void {
    this.#state = state;
    this.#target = this.#block;
    this.#filled = 0;
  }

  /** Throws where Go's reader would miss something, were the stream to end here. */
  #checkEnd(): void {
    const end = this.#position;
    let offset = this.#headerOffset;
    let place: string | undefined;
    if (this.#state === 'extension') place = 'inside PAX records or a GNU long name';
    else if (this.#state === 'sparse-map') place = 'inside a sparse map';
    else if (this.#state === 'body') {
      if (end < this.#bodyEnd) place = `${this.#bodyEnd - end} bytes before the end of a body`;
    } else if (this.#state !== 'done' && this.#filled > 0) {
      place = 'inside a header';
      offset = end - this.#filled;
    }
    if (place === undefined) return;
    const message = `The tar stream ends at byte ${end}, ${place} (header at byte ${offset}): the layer is cut short; pull it again.`;
    throw new ZtocError('TAR_TRUNCATED', message, { offset });
  }
}
