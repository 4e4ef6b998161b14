import { toByteString } from '../byte-strings.ts';
import type { TarInteger } from '../ztoc.ts';
import type { PaxRecords } from './entry-extensions.ts';
import { parseDecimal } from './numbers.ts';
import { BLOCK_SIZE, MAX_SPECIAL_FILE_SIZE } from './tar-format.ts';

/** Parsed `GNU.sparse.*` records of an entry. */
export interface SparseHeader {
  /** Location of the map: in the records (formats 0.0 and 0.1) or at the start of the body (1.0). */
  readonly mapIn: 'records' | 'body';
  /** Name of the file, which replaces that of the entry; undefined to keep the latter. */
  readonly name: Uint8Array | undefined;
  /** Size of the file including holes, as text; empty to use the size of the entry. */
  readonly size: string;
}

/**
 * Returns the sparse header if the records make their entry a sparse file. Unknown versions of the format are ignored
 * (archive/tar/reader.go, `readGNUSparsePAXHeaders`).
 */
export function findSparseHeader(records: PaxRecords): SparseHeader | undefined {
  const major = textOf(records, 'GNU.sparse.major');
  const minor = textOf(records, 'GNU.sparse.minor');
  let mapIn: SparseHeader['mapIn'];
  if (major === '' && minor === '') {
    if (textOf(records, 'GNU.sparse.map') === '') return undefined;
    mapIn = 'records';
  } else if (major === '0' && (minor === '0' || minor === '1')) {
    mapIn = 'records';
  } else if (major === '1' && minor === '0') {
    mapIn = 'body';
  } else {
    return undefined;
  }
  const name = records.get('GNU.sparse.name')?.[1];
  return {
    mapIn,
    name: name === undefined || name.length === 0 ? undefined : name,
    size: textOf(records, 'GNU.sparse.size') || textOf(records, 'GNU.sparse.realsize'),
  };
}

/** Reports whether the map in the records of formats 0.0 and 0.1 is valid for a file of `size` bytes. */
export function isValidSparseMapRecord(records: PaxRecords, size: number): boolean {
  const count = parseDecimal(textOf(records, 'GNU.sparse.numblocks'));
  const map = textOf(records, 'GNU.sparse.map');
  const numbers = map === '' ? [] : map.split(',');
  return count !== undefined && numbers.length === Number(count) * 2 && isValidSparseMap(numbers, size);
}

/**
 * Reports whether extents, given as offset, length, offset, length and so on, are ordered, disjoint and within a file
 * of `size` bytes (archive/tar/common.go, `validateSparseEntries`).
 */
export function isValidSparseMap(numbers: readonly string[], size: number): boolean {
  let previousEnd = 0;
  for (let at = 0; at < numbers.length; at += 2) {
    const offset = parseDecimal(numbers[at] ?? '');
    const length = parseDecimal(numbers[at + 1] ?? '');
    if (!isSafeCount(offset) || !isSafeCount(length)) return false;
    if (offset < previousEnd || offset + length > size) return false;
    previousEnd = offset + length;
  }
  return true;
}

/**
 * Parses the map before the data of a sparse file in format 1.0: decimal numbers, each followed by a newline, padded to
 * whole blocks. The first number is the number of extents (archive/tar/reader.go, `readGNUSparseMap1x0`).
 */
export class SparseMapReader {
  #text = '';
  #size = 0;
  #newlines = 0;
  #count: number | undefined;

  /**
   * Parses the next block of the body. Returns the numbers when the map is complete, `incomplete` if it needs another
   * block, `invalid` for a bad count, and `too-long` if another block would exceed {@link MAX_SPECIAL_FILE_SIZE}.
   */
  push(block: Uint8Array): readonly string[] | 'incomplete' | 'invalid' | 'too-long' {
    this.#text += toByteString(block);
    this.#size += block.length;
    for (const byte of block) if (byte === 0x0a) this.#newlines++;
    if (this.#newlines > 0 && this.#count === undefined) {
      const count = parseDecimal(this.#text.slice(0, this.#text.indexOf('\n')));
      if (count === undefined || count < 0) return 'invalid';
      this.#count = Number(count);
    }
    if (this.#count !== undefined && this.#newlines > this.#count * 2) {
      return this.#text.split('\n', 1 + this.#count * 2).slice(1);
    }
    return this.#size + BLOCK_SIZE > MAX_SPECIAL_FILE_SIZE ? 'too-long' : 'incomplete';
  }
}

function textOf(records: PaxRecords, key: string): string {
  const record = records.get(key);
  return record === undefined ? '' : toByteString(record[1]);
}

/** Reports whether a value is a safe count. No valid map contains larger numbers, because sizes are safe integers. */
function isSafeCount(value: TarInteger | undefined): value is number {
  return typeof value === 'number' && value >= 0;
}
