import { byteAt, NO_BYTES } from '../byte-strings.ts';
import type { FlatbufferWriter, Offset } from '../flatbuffers/flatbuffer-writer.ts';
import type { FileEntry, TarInteger } from '../ztoc.ts';
import type { EntrySource } from './encode-ztoc.ts';
import { encodedFileSize } from './encoded-size.ts';
import { writeFileTable, writeRecordTable } from './write-file.ts';

/** Size of the parts that are added to the store and taken from it. An entry is never divided. */
const PART_SIZE = 1 << 16;

/** Maximum size of the numbers of an entry, with the sizes before them. */
const NUMBERS_SIZE = 72;
/** Size of the length of a string, and maximum size of its padding. */
const LENGTH_SIZE = 4;
const PADDING_SIZE = 4;

const NO_RECORDS: readonly Offset[] = [];

/** Which numbers of an entry are stored, and in which form. Most entries have no size or device, and a small mode. */
const HAS_SIZE = 1;
const HAS_DEVICE = 2;
const HAS_BIG_MODE = 4;
const HAS_BIG_MAJOR = 8;
const HAS_BIG_MINOR = 16;

/**
 * Keeps the entries of a layer until they are encoded, in about 30 bytes plus their strings, which have the encoding of the
 * zTOC already. Objects would need several times as much. A zTOC is written from its end, so the entries are taken in reverse
 * order. The buffer grows and shrinks in place: while the zTOC grows, the store shrinks.
 */
export class EntryStore implements EntrySource {
  readonly #buffer: ArrayBuffer;
  readonly #partSizes: number[] = [];
  /** The last part, before it is added to the buffer or after it was taken from it. */
  #part = new Uint8Array(PART_SIZE);
  /** The part, four bytes at a time: strings start at a multiple of 4. */
  #words = new Int32Array(this.#part.buffer);
  #view = new DataView(this.#part.buffer);
  #at = 0;
  #count = 0;
  #encodedSize = 0;
  /** Time and owners of the previous entry, and their location in the part. The size is 0 if they are in another part. */
  #modTime = '';
  #groupName: Uint8Array = NO_BYTES;
  #userName: Uint8Array = NO_BYTES;
  #ownersStart = 0;
  #ownersSize = 0;

  /** @param maxEncodedSize Maximum size of the encoded entries, which is larger than what the store needs for them. */
  constructor(maxEncodedSize: number) {
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

  /** Copies an entry. @param charge Called before memory is allocated, with the size of the encoded entry in bytes. */
  add(file: FileEntry, charge: (size: number) => void): void {
    const encodedSize = encodedFileSize(file);
    charge(encodedSize);
    this.#encodedSize += encodedSize;
    this.#count += 1;
    this.#reserve(maxStoredSize(file));
    const start = this.#at;
    this.#at += 8;
    this.#writeNumbers(file);
    this.#pad();
    this.#view.setUint32(start + 4, this.#at - start, true);
    // The order of the strings in a zTOC. They were written in the reverse order.
    this.#writeOwners(file);
    this.#writeBytes(file.linkName);
    this.#writeText(file.type);
    this.#writeBytes(file.name);
    for (const [key, value] of file.paxRecords) {
      this.#writeBytes(value);
      this.#writeBytes(key);
    }
    this.#view.setUint32(start, this.#at - start, true);
  }

  /** Writes the time and the owners. If they are those of the previous entry, copies what that one has. */
  #writeOwners({ modTime, groupName, userName }: FileEntry): void {
    const start = this.#at;
    const size = this.#ownersSize;
    if (size > 0 && modTime === this.#modTime && groupName === this.#groupName && userName === this.#userName) {
      const words = this.#words;
      const [from, to, count] = [this.#ownersStart / 4, start / 4, size / 4];
      for (let i = 0; i < count; i++) words[to + i] = words[from + i] as number;
      this.#at += size;
    } else {
      this.#writeText(modTime);
      this.#writeBytes(groupName);
      this.#writeBytes(userName);
      this.#modTime = modTime;
      this.#groupName = groupName;
      this.#userName = userName;
      this.#ownersSize = this.#at - start;
    }
    this.#ownersStart = start;
  }

  /** Takes all entries, the last one first, and writes them. The store is empty afterwards. */
  writeTo(writer: FlatbufferWriter): Uint32Array {
    const offsets = new Uint32Array(this.#count);
    let index = this.#count;
    this.#endPart();
    const starts: number[] = [];
    for (let size = this.#partSizes.pop(); size !== undefined; size = this.#partSizes.pop()) {
      const first = this.#buffer.byteLength - size;
      this.#part.set(new Uint8Array(this.#buffer, first, size));
      this.#buffer.resize(first);
      for (let at = 0; at < size; at += this.#view.getUint32(at, true)) starts.push(at);
      for (let at = starts.pop(); at !== undefined; at = starts.pop()) offsets[--index] = this.#take(at, writer);
    }
    return offsets;
  }

  #writeNumbers({ uncompressedOffset, uncompressedSize, mode, uid, gid, devMajor, devMinor }: FileEntry): void {
    const hasDevice = devMajor !== 0 || devMinor !== 0;
    this.#writeByte(
      (uncompressedSize === 0 ? 0 : HAS_SIZE) |
        (hasDevice ? HAS_DEVICE : 0) |
        (typeof mode === 'bigint' ? HAS_BIG_MODE : 0) |
        (typeof devMajor === 'bigint' ? HAS_BIG_MAJOR : 0) |
        (typeof devMinor === 'bigint' ? HAS_BIG_MINOR : 0),
    );
    this.#writeNumber(uncompressedOffset);
    this.#writeNumber(mode);
    this.#writeLength(uid);
    this.#writeLength(gid);
    if (uncompressedSize !== 0) this.#writeNumber(uncompressedSize);
    if (!hasDevice) return;
    this.#writeNumber(devMajor);
    this.#writeNumber(devMinor);
  }

  /** Writes the entry at `start`. */
  #take(start: number, writer: FlatbufferWriter): Offset {
    const end = start + this.#view.getUint32(start, true);
    const modTime = start + this.#view.getUint32(start + 4, true);
    const groupName = this.#afterString(modTime);
    const userName = this.#afterString(groupName);
    const linkName = this.#afterString(userName);
    const type = this.#afterString(linkName);
    const name = this.#afterString(type);
    const stringsEnd = this.#afterString(name);
    this.#at = start + 8;
    const form = this.#readByte();
    const uncompressedOffset = this.#readNumber(false) as number;
    const mode = this.#readNumber((form & HAS_BIG_MODE) !== 0);
    const uid = this.#readLength();
    const gid = this.#readLength();
    const uncompressedSize = (form & HAS_SIZE) === 0 ? 0 : (this.#readNumber(false) as number);
    const hasDevice = (form & HAS_DEVICE) !== 0;
    const devMajor = hasDevice ? this.#readNumber((form & HAS_BIG_MAJOR) !== 0) : 0;
    const devMinor = hasDevice ? this.#readNumber((form & HAS_BIG_MINOR) !== 0) : 0;
    const first = writer.strings(this.#words, modTime, stringsEnd - modTime);
    const records = writer.vector(stringsEnd === end ? NO_RECORDS : this.#takeRecords(stringsEnd, end, writer));
    return writeFileTable(
      writer,
      { uncompressedOffset, uncompressedSize, mode, uid, gid, devMajor, devMinor },
      {
        name: first - (name - modTime),
        type: first - (type - modTime),
        linkName: first - (linkName - modTime),
        userName: first - (userName - modTime),
        groupName: first - (groupName - modTime),
        modTime: first,
      },
      records,
    );
  }

  /** Writes the PAX records between two positions. */
  #takeRecords(start: number, end: number, writer: FlatbufferWriter): readonly Offset[] {
    const records: Offset[] = [];
    for (let value = start; value < end; ) {
      const key = this.#afterString(value);
      const next = this.#afterString(key);
      const first = writer.strings(this.#words, value, next - value);
      records.push(writeRecordTable(writer, first - (key - value), first));
      value = next;
    }
    return records;
  }

  /** Returns the position after the string at `start`. */
  #afterString(start: number): number {
    return start + LENGTH_SIZE + ((this.#view.getUint32(start, true) + PADDING_SIZE) & -PADDING_SIZE);
  }

  #reserve(size: number): void {
    if (this.#at + size <= this.#part.length) return;
    this.#endPart();
    if (size <= this.#part.length) return;
    this.#part = new Uint8Array(4 * Math.ceil(size / 4));
    this.#words = new Int32Array(this.#part.buffer);
    this.#view = new DataView(this.#part.buffer);
  }

  /** Adds the part to the buffer. */
  #endPart(): void {
    if (this.#at === 0) return;
    const start = this.#buffer.byteLength;
    this.#buffer.resize(start + this.#at);
    new Uint8Array(this.#buffer, start).set(this.#part.subarray(0, this.#at));
    this.#partSizes.push(this.#at);
    this.#at = 0;
    this.#ownersSize = 0;
  }

  #writeByte(value: number): void {
    this.#part[this.#at++] = value;
  }

  #readByte(): number {
    return byteAt(this.#part, this.#at++);
  }

  #writeNumber(value: TarInteger): void {
    if (typeof value === 'bigint') this.#view.setBigInt64(this.#at, value, true);
    else this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  #readNumber(isBig: boolean): TarInteger {
    this.#at += 8;
    return isBig ? this.#view.getBigInt64(this.#at - 8, true) : this.#view.getFloat64(this.#at - 8, true);
  }

  /** Writes a number below 2^32: seven bits in each byte, the low ones first. */
  #writeLength(value: number): void {
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) this.#writeByte((rest & 0x7f) | 0x80);
    this.#writeByte(rest);
  }

  #readLength(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#readByte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }

  #writeBytes(bytes: Uint8Array): void {
    const { length } = bytes;
    const start = this.#openString(length);
    const part = this.#part;
    if (length > PART_SIZE / 4) part.set(bytes, start);
    else for (let i = 0; i < length; i++) part[start + i] = byteAt(bytes, i);
    this.#closeString();
  }

  /** Writes a string of ASCII characters. */
  #writeText(text: string): void {
    const start = this.#openString(text.length);
    for (let i = 0; i < text.length; i++) this.#part[start + i] = text.charCodeAt(i);
    this.#closeString();
  }

  #openString(length: number): number {
    const start = this.#at + LENGTH_SIZE;
    this.#view.setUint32(this.#at, length, true);
    this.#at = start + length;
    return start;
  }

  #closeString(): void {
    this.#part[this.#at++] = 0;
    this.#pad();
  }

  /** Writes zeros up to a multiple of four bytes. */
  #pad(): void {
    while ((this.#at & (PADDING_SIZE - 1)) !== 0) this.#part[this.#at++] = 0;
  }
}

function maxStoredSize(file: FileEntry): number {
  const { name, type, linkName, userName, groupName, modTime, paxRecords } = file;
  let size = NUMBERS_SIZE + (6 + 2 * paxRecords.length) * (LENGTH_SIZE + PADDING_SIZE);
  size += name.length + type.length + linkName.length + userName.length + groupName.length + modTime.length;
  for (const [key, value] of paxRecords) size += key.length + value.length;
  return size;
}
