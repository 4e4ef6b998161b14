import { fromByteString, NO_BYTES } from '../byte-strings.ts';
import type { EntrySource } from '../encoding/encode-ztoc.ts';
import { encodedFileSize } from '../encoding/encoded-size.ts';
import type { FlatbufferWriter } from '../flatbuffers/flatbuffer-writer.ts';
import type { PathFindings } from '../runtime/runtime-problems.ts';
import { BLOCK_SIZE, fileTypeOf, numberOfType, TYPE_REGULAR } from '../tar/tar-format.ts';
import { NOT_PLAIN, type PlainExtensions } from '../tar/tar-scanner.ts';
import type { FileEntry, FileType, TarInteger } from '../ztoc.ts';
import { acquireEntryKernel, type EntryKernel, releaseEntryKernel } from './entry-kernel.ts';

/** Size of the parts that are added to the store and taken from it. An entry is never divided. */
const PART_SIZE = 1 << 16;

/** Maximum size of the long names of a plain entry, and of the PAX header before it, which is kept with the entry, too. */
const MAX_LONG_NAMES = 4096;

/** Maximum size of a plain entry in the store. Without long names, it needs less than 1,024 bytes. */
const MAX_PLAIN_SIZE = 1024 + 3 * MAX_LONG_NAMES;

/** Difference between the encoded size of an entry and its size in the store: see {@link encodedFileSize}. */
const ENCODED_MORE = 44;

/** The same for each PAX record. */
const RECORD_ENCODED_MORE = 16;

/** Positions of the fields of `Entry` in assembly/memory.ts. */
const [OFFSET, SIZE, MODE, DEV_MAJOR, DEV_MINOR] = [0, 8, 16, 24, 32] as const;
const [UID, GID, TYPE, RECORDS] = [40, 44, 48, 92] as const;
const NAME: StringField = { size: 52, address: 72 };
const LINK_NAME: StringField = { size: 56, address: 76 };
const USER_NAME: StringField = { size: 60, address: 80 };
const GROUP_NAME: StringField = { size: 64, address: 84 };
const MOD_TIME: StringField = { size: 68, address: 88 };

/** Positions of the size and the address of a string. */
interface StringField {
  readonly size: number;
  readonly address: number;
}

/** Receives the type of a plain entry and its name: the bytes of `memory` from `start` to `end`. Copy what you keep. */
export type PlainEntryListener = (type: FileType, memory: Uint8Array, start: number, end: number) => void;

/**
 * Keeps the entries of a layer until they are encoded, in about 30 bytes plus their strings. Objects would need several times
 * as much. A kernel in WebAssembly reads plain headers, keeps the entries of a part, and encodes them: assembly/entries.ts.
 * A zTOC is written from its end, so the last part is taken first. The buffer of the other parts grows and shrinks in place:
 * while the zTOC grows, the store shrinks.
 */
export class EntryStore implements EntrySource, PathFindings {
  readonly #kernel: EntryKernel;
  readonly #block: number;
  readonly #longNames: number;
  readonly #buffer: ArrayBuffer;
  readonly #partSizes: number[] = [];
  readonly #entry: number;
  #memory = NO_BYTES;
  #view = new DataView(NO_BYTES.buffer);
  /** Time of the last entry that was not plain, and the same as bytes. */
  #modTime = '';
  #modTimeBytes: Uint8Array = NO_BYTES;
  #partSize = 0;
  #count = 0;
  #encodedSize = 0;
  #lastSize = 0;
  #isClosed = false;

  /** @param maxEncodedSize Maximum size of the encoded entries, which is larger than what the store needs for them. */
  constructor(maxEncodedSize: number) {
    this.#kernel = acquireEntryKernel();
    this.#block = this.#kernel.blockAddress();
    this.#longNames = this.#kernel.longNamesAddress();
    this.#entry = this.#kernel.entryAddress();
    this.#buffer = new ArrayBuffer(0, { maxByteLength: maxEncodedSize });
  }

  /** Number of entries. */
  get count(): number {
    return this.#count;
  }

  /** Size of the encoded entries in bytes, a few percent too high. */
  get encodedSize(): number {
    return this.#encodedSize;
  }

  /** Whether an entry came before the entry of its directory, if the layer has that one. */
  get mayBeImplied(): boolean {
    return this.#kernel.mayBeImplied.value !== 0;
  }

  /** Whether a hard link may have no target before it. */
  get mayLackTarget(): boolean {
    return this.#kernel.mayLackTarget() !== 0;
  }

  /**
   * Adds the entry of a header, if it is plain: ustar or GNU format, octal numbers, and a size for regular files only.
   * @param bytes Contains the header, from `start`.
   * @param offset Offset of the bytes after the header in the tar stream.
   * @param before Names of GNU headers before it, and whether {@link readRecords} has read a PAX header.
   * @returns the size of the body in bytes, or {@link NOT_PLAIN}
   */
  addPlain(bytes: Uint8Array, start: number, offset: number, before: PlainExtensions): number {
    const { longName, longLink, hasRecords } = before;
    const kernel = this.#kernel;
    const nameSize = longName?.length ?? 0;
    const linkSize = longLink?.length ?? 0;
    if (nameSize + linkSize > MAX_LONG_NAMES) return NOT_PLAIN;
    this.#viewMemory();
    this.#memory.set(bytes.subarray(start, start + BLOCK_SIZE), this.#block);
    if (longName !== undefined) this.#memory.set(longName, this.#longNames);
    if (longLink !== undefined) this.#memory.set(longLink, this.#longNames + nameSize);
    const size = kernel.addPlainEntry(offset, nameSize, linkSize, hasRecords);
    if (size === NOT_PLAIN) return NOT_PLAIN;
    const partSize = kernel.partSize();
    this.#lastSize = partSize - this.#partSize + ENCODED_MORE;
    if (hasRecords) this.#lastSize += kernel.recordCount() * RECORD_ENCODED_MORE;
    this.#encodedSize += this.#lastSize;
    this.#partSize = partSize;
    this.#count += 1;
    if (partSize > PART_SIZE - MAX_PLAIN_SIZE) this.#endPart();
    return size;
  }

  /**
   * Reads the body of a PAX header for the next plain entry, if it contains only long names.
   * @returns the bytes that count against `maxMetadataSize`, or 0 if it contains anything else
   */
  readRecords(body: Uint8Array): number {
    if (body.length > MAX_LONG_NAMES) return 0;
    this.#viewMemory();
    this.#memory.set(body, this.#kernel.recordsAddress());
    return this.#kernel.readPlainRecords(body.length);
  }

  /** Size of the strings that the last plain entry has in its header, in bytes. */
  get lastMetadataSize(): number {
    return this.#kernel.metadataSize();
  }

  /** Size of the last plain entry when it is encoded, in bytes. */
  get lastEncodedSize(): number {
    return this.#lastSize;
  }

  /** Calls `listener` with the last plain entry. */
  showLast(listener: PlainEntryListener): void {
    const kernel = this.#kernel;
    this.#viewMemory();
    const start = kernel.nameStart();
    listener(fileTypeOf(TYPE_REGULAR + kernel.entryType()) as FileType, this.#memory, start, start + kernel.nameSize());
  }

  /** Copies an entry. @param charge Called before memory is allocated, with the size of the encoded entry in bytes. */
  add(file: FileEntry, charge: (size: number) => void): void {
    const encodedSize = encodedFileSize(file);
    charge(encodedSize);
    this.#encodedSize += encodedSize;
    this.#count += 1;
    const kernel = this.#kernel;
    const needed = encodedSize + MAX_PLAIN_SIZE;
    if (this.#partSize + needed > PART_SIZE) this.#endPart();
    if (needed > PART_SIZE) kernel.enlargePart(needed);
    this.#viewMemory();
    kernel.addEntry(this.#writeEntry(file));
    this.#partSize = kernel.partSize();
    if (this.#partSize > PART_SIZE - MAX_PLAIN_SIZE) this.#endPart();
  }

  /** Takes all entries, the last one first, and writes them. The store is empty afterwards. */
  writeTo(writer: FlatbufferWriter): Uint32Array {
    const kernel = this.#kernel;
    const offsets = new Uint32Array(this.#count);
    let index = this.#count;
    this.#endPart();
    kernel.beginEncoding(writer.size);
    for (let size = this.#partSizes.pop(); size !== undefined; size = this.#partSizes.pop()) {
      const first = this.#buffer.byteLength - size;
      this.#viewMemory();
      this.#memory.set(new Uint8Array(this.#buffer, first, size), kernel.partAddress());
      this.#buffer.resize(first);
      const start = kernel.encodePart(size);
      const { buffer } = kernel.memory;
      writer.prepend(new Uint8Array(buffer, start, kernel.encodedEnd() - start), kernel.encodedAlignment());
      const count = kernel.encodedCount();
      index -= count;
      offsets.set(new Uint32Array(buffer, kernel.offsetsEnd() - 4 * count, count), index);
    }
    return offsets;
  }

  /** Frees the kernel. Call nothing else afterwards. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    releaseEntryKernel(this.#kernel);
  }

  /** Adds the part to the buffer. */
  #endPart(): void {
    const size = this.#partSize;
    if (size === 0) return;
    const start = this.#buffer.byteLength;
    const part = this.#kernel.partAddress();
    this.#buffer.resize(start + size);
    new Uint8Array(this.#buffer, start).set(new Uint8Array(this.#kernel.memory.buffer, part, size));
    this.#partSizes.push(size);
    this.#kernel.resetPart();
    this.#partSize = 0;
  }

  /** Writes an entry where the kernel reads it: `Entry` in assembly/memory.ts. @returns size of its PAX records */
  #writeEntry(file: FileEntry): number {
    this.#putInt64(OFFSET, file.uncompressedOffset);
    this.#putInt64(SIZE, file.uncompressedSize);
    this.#putInt64(MODE, file.mode);
    this.#putInt64(DEV_MAJOR, file.devMajor);
    this.#putInt64(DEV_MINOR, file.devMinor);
    this.#putUint32(UID, file.uid);
    this.#putUint32(GID, file.gid);
    this.#putUint32(TYPE, numberOfType(file.type));
    let end = this.#kernel.partEnd();
    end = this.#putString(NAME, file.name, end);
    end = this.#putString(LINK_NAME, file.linkName, end);
    end = this.#putString(USER_NAME, file.userName, end);
    end = this.#putString(GROUP_NAME, file.groupName, end);
    if (file.modTime !== this.#modTime) {
      this.#modTime = file.modTime;
      this.#modTimeBytes = fromByteString(file.modTime);
    }
    end = this.#putString(MOD_TIME, this.#modTimeBytes, end);
    this.#putUint32(RECORDS, end);
    const start = end;
    for (const [key, value] of file.paxRecords) end = this.#encodeString(key, this.#encodeString(value, end));
    return end - start;
  }

  #putInt64(field: number, value: TarInteger): void {
    const at = this.#entry + field;
    if (typeof value === 'bigint') this.#view.setBigInt64(at, value, true);
    else {
      this.#view.setInt32(at, value, true);
      this.#view.setInt32(at + 4, Math.floor(value / 2 ** 32), true);
    }
  }

  #putUint32(field: number, value: number): void {
    this.#view.setUint32(this.#entry + field, value, true);
  }

  /** Writes a string at an address, and its size and address into the entry. @returns address after it */
  #putString({ size, address }: StringField, bytes: Uint8Array, at: number): number {
    this.#memory.set(bytes, at);
    this.#putUint32(size, bytes.length);
    this.#putUint32(address, at);
    return at + bytes.length;
  }

  /** Writes a string as the kernel stores it. @returns address after it */
  #encodeString(bytes: Uint8Array, at: number): number {
    this.#view.setUint32(at, bytes.length, true);
    this.#memory.set(bytes, at + 4);
    this.#view.setUint32(at + 4 + bytes.length, 0, true);
    return at + 4 + ((bytes.length + 4) & ~3);
  }

  /** The memory is replaced if it grows. */
  #viewMemory(): void {
    if (this.#memory.length > 0) return;
    const { buffer } = this.#kernel.memory;
    this.#memory = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
  }
}
