import { NO_BYTES, toByteString } from '../byte-strings.ts';
import { ZtocError } from '../errors.ts';
import type { PaxRecords } from '../tar/entry-extensions.ts';
import { parseDecimal } from '../tar/numbers.ts';
import { findSparseHeader, isValidSparseMap, SparseMapReader } from '../tar/sparse-map.ts';
import { BLOCK_SIZE, MAX_SPECIAL_FILE_SIZE } from '../tar/tar-format.ts';
import type { FileEntry } from '../ztoc.ts';
import { showPath } from './archive-tree.ts';

/** A piece of a file that the archive holds. Between pieces, and after the last, a file is zeros. */
export interface StoredPiece {
  /** Where the piece is in the file. */
  readonly fileOffset: number;
  /** Where its bytes are in the uncompressed stream. */
  readonly archiveOffset: number;
  readonly length: number;
}

/** Reads a range of the uncompressed stream. */
export type ReadArchive = (offset: number, length: number) => Promise<Uint8Array>;

/**
 * Finds a file's pieces in the archive: one for an ordinary file; for a sparse one, those of its map. A zTOC has the
 * logical size of a sparse file only, and the reference's own reader gives what happens to lie in the archive over that
 * length. The maps are still to be had: of formats 0.0 and 0.1 in the PAX records, of 1.0 before the file's data.
 * (The older GNU format is not to be met: the reference makes no zTOC of an archive with it.)
 * @param file A regular file.
 * @param archiveSize Where the archive ends; no piece lies beyond.
 * @throws {ZtocError} `ZTOC_INVALID` when a piece would, `TAR_INVALID` when a sparse file has no valid map.
 */
export async function findStoredPieces(
  file: FileEntry,
  archiveSize: number,
  readArchive: ReadArchive,
): Promise<readonly StoredPiece[]> {
  const map = await findSparseMap(file, readArchive);
  const whole: StoredPiece = { fileOffset: 0, archiveOffset: file.uncompressedOffset, length: file.uncompressedSize };
  const pieces = map === undefined ? [whole] : layOutPieces(map, file);
  const end = pieces.reduce((furthest, piece) => Math.max(furthest, piece.archiveOffset + piece.length), 0);
  if (end > archiveSize) {
    const message = `${showPath(file.name)} would end at ${end} in an archive of ${archiveSize} bytes: the zTOC contradicts itself`;
    throw new ZtocError('ZTOC_INVALID', message);
  }
  return pieces;
}

/**
 * Bytes that a file's pieces take in the archive, one after another from its offset; `undefined` where only the archive
 * can tell, which is for sparse format 1.0.
 * @throws {ZtocError} As {@link findStoredPieces}.
 */
export function storedSize(file: FileEntry): number | undefined {
  const header = sparseHeaderOf(file);
  if (header === undefined) return file.uncompressedSize;
  if (header.mapIn === 'body') return undefined;
  return layOutPieces(mapInRecords(file), file).reduce((size, { length }) => size + length, 0);
}

/** The parts of pieces that lie in a range of the file. */
export function clipPieces(pieces: readonly StoredPiece[], offset: number, length: number): readonly StoredPiece[] {
  const clipped: StoredPiece[] = [];
  for (const piece of pieces) {
    const start = Math.max(piece.fileOffset, offset);
    const end = Math.min(piece.fileOffset + piece.length, offset + length);
    if (start >= end) continue;
    const archiveOffset = piece.archiveOffset + start - piece.fileOffset;
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

/** The numbers of a sparse file's map; `undefined` for an ordinary file. */
async function findSparseMap(file: FileEntry, readArchive: ReadArchive): Promise<readonly string[] | undefined> {
  const header = sparseHeaderOf(file);
  if (header === undefined) return undefined;
  return header.mapIn === 'body' ? readMapBefore(file, readArchive) : mapInRecords(file);
}

function mapInRecords(file: FileEntry): readonly string[] {
  const [, map = NO_BYTES] = recordsOf(file).get('GNU.sparse.map') ?? [];
  return map.length === 0 ? [] : toByteString(map).split(',');
}

/** Pieces from a map of offset, length, offset, length and so on. Their bytes stand one after another in the archive. */
function layOutPieces(map: readonly string[], file: FileEntry): readonly StoredPiece[] {
  if (map.length % 2 !== 0 || !isValidSparseMap(map, file.uncompressedSize)) throw invalidMap(file);
  const pieces: StoredPiece[] = [];
  let archiveOffset = file.uncompressedOffset;
  for (let i = 0; i < map.length; i += 2) {
    const length = Number(parseDecimal(map[i + 1] ?? ''));
    if (length > 0) pieces.push({ fileOffset: Number(parseDecimal(map[i] ?? '')), archiveOffset, length });
    archiveOffset += length;
  }
  return pieces;
}

/**
 * Reads a map of format 1.0, which ends where the file's data starts. Where it starts the zTOC does not say; but its
 * blocks hold only decimal numbers, newlines and padding, and the header before it holds more than that.
 */
async function readMapBefore(file: FileEntry, readArchive: ReadArchive): Promise<readonly string[]> {
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
  const message = `${showPath(file.name)} is a sparse file, and no valid map of its pieces is to be found: read its entry's range of the archive instead`;
  return new ZtocError('TAR_INVALID', message, { offset: file.uncompressedOffset });
}
