import type { FlatbufferWriter, Offset } from '../flatbuffers/flatbuffer-writer.ts';
import type { FileEntry, TarInteger } from '../ztoc.ts';
import { FIELD_COUNT, FILE_METADATA, XATTR } from './schema.ts';

/** Writes entries, the last one first. @param files The entries in reverse order. @returns their offsets, in archive order */
export function writeFiles(writer: FlatbufferWriter, count: number, files: Iterable<FileEntry>): Uint32Array {
  const offsets = new Uint32Array(count);
  let at = count;
  for (const file of files) offsets[--at] = writeFile(writer, file);
  return offsets;
}

function writeFile(writer: FlatbufferWriter, file: FileEntry): Offset {
  const strings = {
    name: writer.string(file.name),
    type: writer.string(file.type),
    linkName: writer.string(file.linkName),
    userName: writer.string(file.userName),
    groupName: writer.string(file.groupName),
    modTime: writer.string(file.modTime),
  };
  const records = file.paxRecords.map(([recordKey, recordValue]) => {
    const key = writer.string(recordKey);
    return writeRecordTable(writer, key, writer.string(recordValue));
  });
  return writeFileTable(writer, file, strings, writer.vector(records));
}

/** Numbers of an entry. */
export interface FileNumbers {
  readonly uncompressedOffset: number;
  readonly uncompressedSize: number;
  readonly mode: TarInteger;
  readonly uid: number;
  readonly gid: number;
  readonly devMajor: TarInteger;
  readonly devMinor: TarInteger;
}

/** Strings of an entry, which have been written in this order. */
export interface FileStrings {
  readonly name: Offset;
  readonly type: Offset;
  readonly linkName: Offset;
  readonly userName: Offset;
  readonly groupName: Offset;
  readonly modTime: Offset;
}

/** Writes the table of an entry, after its strings and its PAX records. */
export function writeFileTable(
  writer: FlatbufferWriter,
  numbers: FileNumbers,
  strings: FileStrings,
  records: Offset,
): Offset {
  writer.startTable(FIELD_COUNT.fileMetadata);
  writer.reference(FILE_METADATA.name, strings.name);
  writer.reference(FILE_METADATA.type, strings.type);
  writer.int64(FILE_METADATA.uncompressedOffset, numbers.uncompressedOffset);
  writer.int64(FILE_METADATA.uncompressedSize, numbers.uncompressedSize);
  writer.reference(FILE_METADATA.linkname, strings.linkName);
  writer.int64(FILE_METADATA.mode, numbers.mode);
  writer.int32(FILE_METADATA.uid, numbers.uid);
  writer.int32(FILE_METADATA.gid, numbers.gid);
  writer.reference(FILE_METADATA.uname, strings.userName);
  writer.reference(FILE_METADATA.gname, strings.groupName);
  writer.reference(FILE_METADATA.modTime, strings.modTime);
  writer.int64(FILE_METADATA.devmajor, numbers.devMajor);
  writer.int64(FILE_METADATA.devminor, numbers.devMinor);
  writer.reference(FILE_METADATA.xattrs, records);
  return writer.endTable();
}

/** Writes the table of a PAX record, after its strings. */
export function writeRecordTable(writer: FlatbufferWriter, key: Offset, value: Offset): Offset {
  writer.startTable(FIELD_COUNT.xattr);
  writer.reference(XATTR.key, key);
  writer.reference(XATTR.value, value);
  return writer.endTable();
}
