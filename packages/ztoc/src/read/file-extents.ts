import { NO_BYTES, toByteString } from '../byte-strings.ts';
import { ZtocError } from '../errors.ts';
import type { PaxRecords } from '../tar/entry-extensions.ts';
import { parseDecimal } from '../tar/numbers.ts';
import { findSparseHeader, isValidSparseMap, SparseMapReader } from '../tar/sparse-map.ts';
import { BLOCK_SIZE, MAX_SPECIAL_FILE_SIZE } from '../tar/tar-format.ts';
import type { FileEntry } from '../ztoc.ts';
import { showPath } from './archive-tree.ts';

/** A part of a file that is stored in the archive. The rest of the file is zeros. */
export interface FileExtent {
  /** Offset of the extent in the file, in bytes. */
  readonly fileOffset: number;
  /** Offset of its bytes in the uncompressed stream. */
  readonly archiveOffset: number;
  /** Size of the extent in bytes. */
  readonly length: number;
}

/** Reads a range of the uncompressed stream. */
export type ReadArchive = (offset: number, length: number) => Promise<Uint8Array>;

/**
 * Finds the extents of a file in the archive: one for an ordinary file, those of its map for a sparse file. A zTOC has
 * only the logical size of a sparse file, and the reference's own reader returns that many bytes of the archive. This
 * function uses the map: formats 0.0 and 0.1 have it in the PAX records, 1.0 before the file's data. The older GNU
 * format does not occur, because the reference builds no zTOC for such an archive.
 * @param file A regular file.
 * @param archiveSize Size of the archive in bytes. Every extent must end within it.
 * @throws {ZtocError} `ZTOC_INVALID` if an extent ends after the archive, `TAR_INVALID` if a sparse file has no valid map.
 */
export async function findFileExtents(
  file: FileEntry,
  archiveSize: number,
  readArchive: ReadArchive,
): Promise<readonly FileExtent[]> {
  const map = await findSparseMap(file, readArchive);
  const whole: FileExtent = { fileOffset: 0, archiveOffset: file.uncompressedOffset, length: file.uncompressedSize };
  const extents = map === undefined ? [whole] : toExtents(map, file);
  const end = extents.reduce((furthest, extent) => Math.max(furthest, extent.archiveOffset + extent.length), 0);
  if (end > archiveSize) {
    const message = `inconsistent zTOC: ${showPath(file.name)} ends at offset ${end} of an archive of ${archiveSize} bytes`;
    throw new ZtocError('ZTOC_INVALID', message);
  }
  return extents;
}

/**
 * Returns the total size of a file's extents, which are adjacent in the archive. Returns `undefined` for sparse format
 * 1.0, for which the archive has to be read.
 * @throws {ZtocError} As {@link findFileExtents}.
 */
export function storedSize(file: FileEntry): number | undefined {
  const header = sparseHeaderOf(file);
  if (header === undefined) return file.uncompressedSize;
  if (header.mapIn === 'body') return undefined;
  return toExtents(readMapFromRecords(file), file).reduce((size, { length }) => size + length, 0);
}

/** Returns the parts of extents within a range of the file. */
export function clipExtents(extents: readonly FileExtent[], offset: number, length: number): readonly FileExtent[] {
  const clipped: FileExtent[] = [];
  for (const extent of extents) {
    const start = Math.max(extent.fileOffset, offset);
    const end = Math.min(extent.fileOffset + extent.length, offset + length);
    if (start >= end) continue;
    const archiveOffset = extent.archiveOffset + start - extent.fileOffset;
    clipped.push({ fileOffset: start, archiveOffset, length: end - start });
  }
  return clipped;
}

function recordsOf(file: FileEntry): PaxRecords {
  return new Map(file.paxRecords.map((record) => [toByteString(record[0]), record]));
}

function sparseHeaderOf(file: FileEntry): ReturnType<typeof findSparseHeader> {
  return file.type === 'reg' && file.paxRecords.length > 0 ? findSparseHeader(recordsOf(file)) : undefined;
}

/** Returns the numbers of a sparse file's map; `undefined` for an ordinary file. */
async function findSparseMap(file: FileEntry, readArchive: ReadArchive): Promise<readonly string[] | undefined> {
  const header = sparseHeaderOf(file);
  if (header === undefined) return undefined;
  return header.mapIn === 'body' ? readMapFromBody(file, readArchive) : readMapFromRecords(file);
}

function readMapFromRecords(file: FileEntry): readonly string[] {
  const [, map = NO_BYTES] = recordsOf(file).get('GNU.sparse.map') ?? [];
  return map.length === 0 ? [] : toByteString(map).split(',');
}

/** Converts a map (offset, length, offset, length and so on) to extents, whose bytes are adjacent in the archive. */
function toExtents(map: readonly string[], file: FileEntry): readonly FileExtent[] {
  if (map.length % 2 !== 0 || !isValidSparseMap(map, file.uncompressedSize)) throw invalidMap(file);
  const extents: FileExtent[] = [];
  let archiveOffset = file.uncompressedOffset;
  for (let i = 0; i < map.length; i += 2) {
    const length = Number(parseDecimal(map[i + 1] ?? ''));
    if (length > 0) extents.push({ fileOffset: Number(parseDecimal(map[i] ?? '')), archiveOffset, length });
    archiveOffset += length;
  }
  return extents;
}

/**
 * Reads a map of format 1.0, which ends at the start of the file's data. The zTOC does not contain the offset of its
 * start. The blocks of a map contain only decimal digits, newlines and padding, so it starts after the last block that
 * contains other bytes.
 */
async function readMapFromBody(file: FileEntry, readArchive: ReadArchive): Promise<readonly string[]> {
  const blocks: Uint8Array[] = [];
  let at = file.uncompressedOffset - BLOCK_SIZE;
  for (; at >= 0 && blocks.length * BLOCK_SIZE <= MAX_SPECIAL_FILE_SIZE; at -= BLOCK_SIZE) {
    const block = await readArchive(at, BLOCK_SIZE);
    if (!block.every(isMapByte)) break;
    blocks.push(block);
  }
  const reader = new SparseMapReader();
  for (let block = blocks.pop(); block !== undefined; block = blocks.pop()) {
    const map = reader.push(block);
    if (map === 'incomplete') continue;
    if (typeof map === 'string' || blocks.length > 0) break;
    return map;
  }
  throw invalidMap(file);
}

function isMapByte(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || byte === 0x0a || byte === 0;
}

function invalidMap(file: FileEntry): ZtocError {
  const message = `cannot read sparse file ${showPath(file.name)}: its map is missing or invalid. Read the range of its entry from the archive instead.`;
  return new ZtocError('TAR_INVALID', message, { offset: file.uncompressedOffset });
}
