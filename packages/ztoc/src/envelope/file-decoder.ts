import type { FileEntry, FileType, PaxRecord } from '../ztoc.ts';
import type { FlatbufferReader, FlatbufferTable } from './flatbuffer-reader.ts';
import { FILE_METADATA, XATTR } from './schema.ts';

/** What a file, and a PAX record, are charged beside their bytes: about what the smallest take in a real zTOC. */
const FILE_CHARGE = 64;
const RECORD_CHARGE = 16;

const FILE_TYPES: ReadonlySet<string> = new Set<FileType>([
  'reg',
  'dir',
  'symlink',
  'hardlink',
  'char',
  'block',
  'fifo',
]);

/** RFC 3339 as Go prints it, or nothing where it cannot. A reference that ran in another time zone gives that zone's. */
const MOD_TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d))?$/;

const NO_RECORDS: readonly PaxRecord[] = [];

/** Reads the files of a zTOC one by one, letting neighbours share what is equal: owners and times mostly are. */
export class FileDecoder {
  readonly #reader: FlatbufferReader;
  readonly #archiveSize: number;
  #userName: Uint8Array = new Uint8Array(0);
  #groupName: Uint8Array = new Uint8Array(0);
  #modTime = '';

  /**
   * @param reader The zTOC.
   * @param archiveSize Bytes of the uncompressed archive, within which every body starts.
   */
  constructor(reader: FlatbufferReader, archiveSize: number) {
    this.#reader = reader;
    this.#archiveSize = archiveSize;
  }

  /** Reads the file that the offset at `position` leads to. */
  decode(position: number): FileEntry {
    const table = this.#reader.tableAt(position);
    this.#reader.charge(FILE_CHARGE, table.position);
    this.#userName = share(this.#userName, table.bytes(FILE_METADATA.uname));
    this.#groupName = share(this.#groupName, table.bytes(FILE_METADATA.gname));
    this.#modTime = this.#decodeModTime(table);
    return {
      name: table.bytes(FILE_METADATA.name),
      type: this.#decodeType(table),
      uncompressedOffset: this.#decodeOffset(table),
      uncompressedSize: table.byteCount(FILE_METADATA.uncompressedSize, 'the size of a file'),
      linkName: table.bytes(FILE_METADATA.linkname),
      mode: table.int64(FILE_METADATA.mode),
      uid: table.uint32(FILE_METADATA.uid),
      gid: table.uint32(FILE_METADATA.gid),
      userName: this.#userName,
      groupName: this.#groupName,
      modTime: this.#modTime,
      devMajor: table.int64(FILE_METADATA.devmajor),
      devMinor: table.int64(FILE_METADATA.devminor),
      paxRecords: this.#decodePaxRecords(table),
    };
  }

  #decodeType(table: FlatbufferTable): FileType {
    const bytes = table.bytes(FILE_METADATA.type);
    const type = bytes.length <= 'hardlink'.length ? asciiText(bytes) : '';
    if (!FILE_TYPES.has(type)) this.#reader.fail('the type of a file is not known', table.position);
    return type as FileType;
  }

  #decodeOffset(table: FlatbufferTable): number {
    const offset = table.byteCount(FILE_METADATA.uncompressedOffset, 'the offset of a file');
    if (offset > this.#archiveSize) {
      this.#reader.fail(`a file starts at ${offset}, beyond its archive of ${this.#archiveSize} bytes`, table.position);
    }
    return offset;
  }

  #decodeModTime(table: FlatbufferTable): string {
    const bytes = table.bytes(FILE_METADATA.modTime);
    if (isAscii(bytes, this.#modTime)) return this.#modTime;
    const time = bytes.length <= '2006-01-02T15:04:05.999999999+07:00'.length ? asciiText(bytes) : '?';
    if (!MOD_TIME.test(time)) this.#reader.fail('the time of a file is not in RFC 3339', table.position);
    return time;
  }

  #decodePaxRecords(table: FlatbufferTable): readonly PaxRecord[] {
    const { start, length } = table.offsets(FILE_METADATA.xattrs);
    if (length === 0) return NO_RECORDS;
    const records: PaxRecord[] = [];
    for (let i = 0; i < length; i++) {
      const record = this.#reader.tableAt(start + 4 * i);
      this.#reader.charge(RECORD_CHARGE, record.position);
      records.push([record.bytes(XATTR.key), record.bytes(XATTR.value)]);
    }
    return records;
  }
}

/** The bytes known before where they are equal, so that a million entries need not hold a million views of `root`. */
function share(known: Uint8Array, bytes: Uint8Array): Uint8Array {
  if (known.length !== bytes.length) return bytes;
  for (let i = 0; i < bytes.length; i++) if (known[i] !== bytes[i]) return bytes;
  return known;
}

function isAscii(bytes: Uint8Array, text: string): boolean {
  if (bytes.length !== text.length) return false;
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== text.charCodeAt(i)) return false;
  return true;
}

function asciiText(bytes: Uint8Array): string {
  return String.fromCharCode.apply(null, bytes as unknown as number[]);
}
