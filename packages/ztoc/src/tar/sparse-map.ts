import { toByteString } from '../byte-strings.ts';
import type { TarInteger } from '../ztoc.ts';
import type { PaxRecords } from './entry-extensions.ts';
import { parseDecimal } from './numbers.ts';
import { BLOCK_SIZE, MAX_SPECIAL_FILE_SIZE } from './tar-format.ts';

/** What the `GNU.sparse.*` records of an entry say. */
export interface SparseHeader {
  /** Where the map of the file's pieces is: in the records (formats 0.0 and 0.1), or before the body's data (1.0). */
  readonly mapIn: 'records' | 'body';
  /** Name of the file, in place of the entry's; undefined to keep that. */
  readonly name: Uint8Array | undefined;
  /** Size of the file with its holes, as written; empty to keep the entry's size. */
  readonly size: string;
}

/**
 * Finds out whether records make their entry a sparse file, which a version that is not known does not
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

/** Whether the map in the records of formats 0.0 and 0.1 fits a file of `size` bytes. */
export function isValidSparseMapRecord(records: PaxRecords, size: number): boolean {
  const count = parseDecimal(textOf(records, 'GNU.sparse.numblocks'));
  const map = textOf(records, 'GNU.sparse.map');
  const numbers = map === '' ? [] : map.split(',');
  return count !== undefined && numbers.length === Number(count) * 2 && isValidSparseMap(numbers, size);
}

/**
 * Whether pieces, given as offset, length, offset, length and so on, stand in order, without overlap, inside a file of
 * `size` bytes (archive/tar/common.go, `validateSparseEntries`).
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
 * Reads the map that stands before the data of a sparse file in format 1.0: decimal numbers, each ended by a newline,
 * the first the count of pieces, padded to whole blocks (archive/tar/reader.go, `readGNUSparseMap1x0`).
 */
export class SparseMapReader {
  #text = '';
  #size = 0;
  #newlines = 0;
  #count: number | undefined;

  /**
   * Takes the next block of the body. Gives the numbers once it has them all, `incomplete` while it needs another
   * block, `invalid` for a bad count, and `too-long` where another block would pass {@link MAX_SPECIAL_FILE_SIZE}.
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

/** No piece of a valid map has a number that is not safe, because no size has. */
function isSafeCount(value: TarInteger | undefined): value is number {
  return typeof value === 'number' && value >= 0;
}
