import type { FlatbufferWriter, Offset } from '../flatbuffers/flatbuffer-writer.ts';
import type { FileEntry, PaxRecord } from '../ztoc.ts';
import { FIELD_COUNT, FILE_METADATA, XATTR } from './schema.ts';

/** Writes entries, the last one first. @param files The entries in reverse order. @returns their offsets, in archive order */
export function writeFiles(writer: FlatbufferWriter, count: number, files: Iterable<FileEntry>): Uint32Array {
  const offsets = new Uint32Array(count);
  let at = count;
  for (const file of files) offsets[--at] = writeFile(writer, file);
  return offsets;
}

function writeFile(writer: FlatbufferWriter, file: FileEntry): Offset {
  const name = writer.string(file.name);
  const type = writer.string(file.type);
  const linkName = writer.string(file.linkName);
  const userName = writer.string(file.userName);
  const groupName = writer.string(file.groupName);
  const modTime = writer.string(file.modTime);
  const records = writer.vector(file.paxRecords.map((record) => writeRecord(writer, record)));
  writer.startTable(FIELD_COUNT.fileMetadata);
  writer.reference(FILE_METADATA.name, name);
  writer.reference(FILE_METADATA.type, type);
  writer.int64(FILE_METADATA.uncompressedOffset, file.uncompressedOffset);
  writer.int64(FILE_METADATA.uncompressedSize, file.uncompressedSize);
  writer.reference(FILE_METADATA.linkname, linkName);
  writer.int64(FILE_METADATA.mode, file.mode);
  writer.int32(FILE_METADATA.uid, file.uid);
  writer.int32(FILE_METADATA.gid, file.gid);
  writer.reference(FILE_METADATA.uname, userName);
  writer.reference(FILE_METADATA.gname, groupName);
  writer.reference(FILE_METADATA.modTime, modTime);
  writer.int64(FILE_METADATA.devmajor, file.devMajor);
  writer.int64(FILE_METADATA.devminor, file.devMinor);
  writer.reference(FILE_METADATA.xattrs, records);
  return writer.endTable();
}

function writeRecord(writer: FlatbufferWriter, [recordKey, recordValue]: PaxRecord): Offset {
  const key = writer.string(recordKey);
  const value = writer.string(recordValue);
  writer.startTable(FIELD_COUNT.xattr);
  writer.reference(XATTR.key, key);
  writer.reference(XATTR.value, value);
  return writer.endTable();
}
