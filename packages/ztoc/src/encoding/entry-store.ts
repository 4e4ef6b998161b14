import { byteAt, equalBytes, NO_BYTES, toByteString } from '../byte-strings.ts';
import type { FileEntry, FileType, PaxRecord, TarInteger } from '../ztoc.ts';
import { encodedFileSize } from './encoded-size.ts';

/** Size of the parts that are added to the store and taken from it. An entry is never divided. */
const PART_SIZE = 1 << 16;

/** Maximum size of the numbers of an entry, and of the length of a string. */
const NUMBERS_SIZE = 64;
const LENGTH_SIZE = 5;

const FILE_TYPES: readonly FileType[] = ['reg', 'dir', 'symlink', 'hardlink', 'char', 'block', 'fifo'];

const NO_RECORDS: readonly PaxRecord[] = [];

/** Which numbers of an entry are stored, and in which form. Most entries have no size or device, and a small mode. */
const HAS_SIZE = 1;
const HAS_DEVICE = 2;
const HAS_BIG_MODE = 4;
const HAS_BIG_MAJOR = 8;
const HAS_BIG_MINOR = 16;

/**
 * Keeps the entries of a layer until they are encoded, in about 30 bytes plus their strings. Objects would need several
 * times as much. A zTOC is written from its end, so the entries are taken in reverse order. The buffer grows and shrinks
 * in place: while the zTOC grows, the store shrinks.
 */
export class EntryStore {
  readonly #buffer: ArrayBuffer;
  readonly #partSizes: number[] = [];
  /** The last part, before it is added to the buffer or after it was taken from it. */
  #part = new Uint8Array(PART_SIZE);
  #view = new DataView(this.#part.buffer);
  #at = 0;
  #modTime = '';
  #userName = NO_BYTES;
  #groupName = NO_BYTES;
  #count = 0;
  #encodedSize = 0;

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
    this.#at += 4;
    this.#writeNumbers(file);
    this.#writeBytes(file.name);
    this.#writeBytes(file.linkName);
    this.#writeBytes(file.userName);
    this.#writeBytes(file.groupName);
    this.#writeText(file.modTime);
    this.#writeLength(file.paxRecords.length);
    for (const [key, value] of file.paxRecords) {
      this.#writeBytes(key);
      this.#writeBytes(value);
    }
    this.#view.setUint32(start, this.#at - start, true);
  }

  /** Takes all entries, the last one first. The bytes of an entry are overwritten when the next one is requested. */
  *takeReversed(): Generator<FileEntry, void, void> {
    this.#endPart();
    for (let size = this.#partSizes.pop(); size !== undefined; size = this.#partSizes.pop()) {
      const start = this.#buffer.byteLength - size;
      this.#part.set(new Uint8Array(this.#buffer, start, size));
      this.#buffer.resize(start);
      const starts: number[] = [];
      for (let at = 0; at < size; at += this.#view.getUint32(at, true)) starts.push(at);
      for (let at = starts.pop(); at !== undefined; at = starts.pop()) yield this.#read(at);
    }
  }

  #writeNumbers({ type, uncompressedOffset, uncompressedSize, mode, uid, gid, devMajor, devMinor }: FileEntry): void {
    const hasDevice = devMajor !== 0 || devMinor !== 0;
    this.#writeByte(FILE_TYPES.indexOf(type));
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

  #read(start: number): FileEntry {
    this.#at = start + 4;
    const type = FILE_TYPES[this.#readByte()] as FileType;
    const form = this.#readByte();
    const uncompressedOffset = this.#readNumber(false) as number;
    const mode = this.#readNumber((form & HAS_BIG_MODE) !== 0);
    const uid = this.#readLength();
    const gid = this.#readLength();
    const uncompressedSize = (form & HAS_SIZE) === 0 ? 0 : (this.#readNumber(false) as number);
    const hasDevice = (form & HAS_DEVICE) !== 0;
    const devMajor = hasDevice ? this.#readNumber((form & HAS_BIG_MAJOR) !== 0) : 0;
    const devMinor = hasDevice ? this.#readNumber((form & HAS_BIG_MINOR) !== 0) : 0;
    const name = this.#readBytes();
    const linkName = this.#readBytes();
    const userName = this.#readRepeated(this.#userName);
    const groupName = this.#readRepeated(this.#groupName);
    this.#userName = userName;
    this.#groupName = groupName;
    const modTime = this.#readText();
    const records = this.#readLength();
    return {
      name,
      type,
      uncompressedOffset,
      uncompressedSize,
      linkName,
      mode,
      uid,
      gid,
      userName,
      groupName,
      modTime,
      devMajor,
      devMinor,
      paxRecords: records === 0 ? NO_RECORDS : Array.from({ length: records }, () => this.#readRecord()),
    };
  }

  #reserve(size: number): void {
    if (this.#at + size <= this.#part.length) return;
    this.#endPart();
    if (size <= this.#part.length) return;
    this.#part = new Uint8Array(size);
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
    this.#writeLength(length);
    const part = this.#part;
    const start = this.#at;
    if (length > PART_SIZE / 4) part.set(bytes, start);
    else for (let i = 0; i < length; i++) part[start + i] = byteAt(bytes, i);
    this.#at += length;
  }

  #readBytes(): Uint8Array {
    const length = this.#readLength();
    if (length === 0) return NO_BYTES;
    this.#at += length;
    return this.#part.subarray(this.#at - length, this.#at);
  }

  /** Reads a string that is often equal to the previous one, which is kept. */
  #readRepeated(previous: Uint8Array): Uint8Array<ArrayBuffer> {
    const bytes = this.#readLength();
    const start = this.#at;
    this.#at += bytes;
    return equalBytes(previous, this.#part, start, bytes)
      ? (previous as Uint8Array<ArrayBuffer>)
      : this.#part.slice(start, start + bytes);
  }

  #writeText(text: string): void {
    this.#writeByte(text.length);
    for (let i = 0; i < text.length; i++) this.#writeByte(text.charCodeAt(i));
  }

  #readText(): string {
    const length = this.#readByte();
    const start = this.#at;
    this.#at += length;
    if (!equalsText(this.#part, start, length, this.#modTime)) {
      this.#modTime = toByteString(this.#part, start, this.#at);
    }
    return this.#modTime;
  }

  #readRecord(): PaxRecord {
    return [this.#readBytes(), this.#readBytes()];
  }
}

function maxStoredSize(file: FileEntry): number {
  const { name, linkName, userName, groupName, modTime, paxRecords } = file;
  let size = NUMBERS_SIZE + 4 * LENGTH_SIZE + name.length + linkName.length + userName.length + groupName.length;
  size += 1 + modTime.length + LENGTH_SIZE;
  for (const [key, value] of paxRecords) size += 2 * LENGTH_SIZE + key.length + value.length;
  return size;
}

function equalsText(bytes: Uint8Array, start: number, length: number, text: string): boolean {
  if (length !== text.length) return false;
  for (let i = 0; i < length; i++) if (bytes[start + i] !== text.charCodeAt(i)) return false;
  return true;
}
