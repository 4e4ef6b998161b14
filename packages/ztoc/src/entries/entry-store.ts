import type { EntrySource } from '../encoding/encode-ztoc.ts';
import { encodedFileSize } from '../encoding/encoded-size.ts';
import type { FlatbufferWriter } from '../flatbuffers/flatbuffer-writer.ts';
import type { PathFindings } from '../runtime/runtime-problems.ts';
import { BLOCK_SIZE, fileTypeOf, numberOfType, TYPE_REGULAR } from '../tar/tar-format.ts';
import { type LongNames, NOT_PLAIN } from '../tar/tar-scanner.ts';
import type { FileEntry, FileType, TarInteger } from '../ztoc.ts';
import { acquireEntryKernel, type EntryKernel, releaseEntryKernel } from './entry-kernel.ts';

/** Size of the parts that are added to the store and taken from it. An entry is never divided. */
const PART_SIZE = 1 << 16;

/** Maximum size of the long names of a plain entry. */
const MAX_LONG_NAMES = 4096;

/** Maximum size of a plain entry in the store. Without long names, it needs less than 1,024 bytes. */
const MAX_PLAIN_SIZE = 1024 + MAX_LONG_NAMES;

/** Difference between the encoded size of an entry and its size in the store: see {@link encodedFileSize}. */
const ENCODED_MORE = 44;

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
  #memory: Uint8Array<ArrayBuffer>;
  #partSize = 0;
  #count = 0;
  #encodedSize = 0;
  #lastSize = 0;

  /** @param maxEncodedSize Maximum size of the encoded entries, which is larger than what the store needs for them. */
  constructor(maxEncodedSize: number) {
    this.#kernel = acquireEntryKernel();
    this.#block = this.#kernel.blockAddress();
    this.#longNames = this.#kernel.longNamesAddress();
    this.#memory = new Uint8Array(this.#kernel.memory.buffer as ArrayBuffer);
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
   * @param names Names of GNU headers before it.
   * @returns the size of the body in bytes, or {@link NOT_PLAIN}
   */
  addPlain(bytes: Uint8Array, start: number, offset: number, { longName, longLink }: LongNames): number {
    const kernel = this.#kernel;
    const nameSize = longName?.length ?? 0;
    const linkSize = longLink?.length ?? 0;
    if (nameSize + linkSize > MAX_LONG_NAMES) return NOT_PLAIN;
    // The memory was replaced if it grew.
    if (this.#memory.length === 0) this.#memory = new Uint8Array(kernel.memory.buffer as ArrayBuffer);
    this.#memory.set(bytes.subarray(start, start + BLOCK_SIZE), this.#block);
    if (longName !== undefined) this.#memory.set(longName, this.#longNames);
    if (longLink !== undefined) this.#memory.set(longLink, this.#longNames + nameSize);
    const size = kernel.addPlainEntry(offset, nameSize, linkSize);
    if (size === NOT_PLAIN) return NOT_PLAIN;
    const partSize = kernel.partSize();
    this.#lastSize = partSize - this.#partSize + ENCODED_MORE;
    this.#encodedSize += this.#lastSize;
    this.#partSize = partSize;
    this.#count += 1;
    if (partSize > PART_SIZE - MAX_PLAIN_SIZE) this.#endPart();
    return size;
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
    if (this.#memory.length === 0) this.#memory = new Uint8Array(kernel.memory.buffer as ArrayBuffer);
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
    kernel.enlargePart(needed);
    this.#memory = new Uint8Array(kernel.memory.buffer as ArrayBuffer);
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
      kernel.enlargePart(size);
      this.#memory = new Uint8Array(kernel.memory.buffer as ArrayBuffer);
      this.#memory.set(new Uint8Array(this.#buffer, first, size), kernel.partAddress());
      this.#buffer.resize(first);
      const start = kernel.encodePart(size);
      const { buffer } = kernel.memory;
      writer.prepend(new Uint8Array(buffer, start, kernel.encodedEnd() - start), kernel.encodedAlignment());
      const encoded = new Uint32Array(buffer, kernel.offsetsAddress(), kernel.encodedCount());
      for (const offset of encoded) offsets[--index] = offset;
    }
    return offsets;
  }

  /** Frees the kernel. Call nothing else afterwards. */
  close(): void {
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
    const view = new DataView(this.#memory.buffer);
    const { name, linkName, userName, groupName, modTime, paxRecords } = file;
    let at = this.#kernel.entryAddress();
    for (const number of [file.uncompressedOffset, file.uncompressedSize, file.mode, file.devMajor, file.devMinor]) {
      setInt64(view, at, number);
      at += 8;
    }
    const strings = [name, linkName, userName, groupName, new TextEncoder().encode(modTime)];
    const sizes = strings.map(({ length }) => length);
    let end = this.#kernel.partEnd();
    const addresses = strings.map((bytes) => {
      this.#memory.set(bytes, end);
      end += bytes.length;
      return end - bytes.length;
    });
    for (const value of [file.uid, file.gid, numberOfType(file.type), ...sizes, ...addresses, end]) {
      view.setUint32(at, value, true);
      at += 4;
    }
    const start = end;
    for (const [key, value] of paxRecords) end = this.#writeString(view, this.#writeString(view, end, value), key);
    return end - start;
  }

  /** Writes a string as the kernel stores it. @returns address after it */
  #writeString(view: DataView, at: number, bytes: Uint8Array): number {
    const end = at + 4 + bytes.length;
    view.setUint32(at, bytes.length, true);
    this.#memory.set(bytes, at + 4);
    view.setUint32(end, 0, true);
    return at + 4 + ((bytes.length + 4) & ~3);
  }
}

function setInt64(view: DataView, at: number, value: TarInteger): void {
  if (typeof value === 'bigint') view.setBigInt64(at, value, true);
  else {
    view.setInt32(at, value, true);
    view.setInt32(at + 4, Math.floor(value / 2 ** 32), true);
  }
}
