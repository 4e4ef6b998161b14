import { posix } from 'node:path';
import { type ByteRange, quoteText } from '@soci/oci';
import { SociIndexError } from '../errors.ts';
import { MAX_PROFILE_FILES, MAX_PROFILE_PATH_LENGTH, MAX_PROFILE_RANGES, type ProfileFile } from './start-profile.ts';

/** Collects the files of a profile: checks and cleans paths, and merges files and ranges that occur several times. */
export class ProfileFiles {
  readonly #name: string;
  /** Ranges by path; undefined for the whole file. */
  readonly #files = new Map<string, ByteRange[] | undefined>();
  #ranges = 0;

  /** @param name - Name of the profile for errors. */
  constructor(name: string) {
    this.#name = name;
  }

  /**
   * Adds a file.
   *
   * @param where - Where the profile names the file, for errors.
   * @throws SociIndexError `PROFILE_INVALID` if the path or a range is invalid, or if the profile has too many of them.
   */
  add(path: string, ranges: readonly ByteRange[] | undefined, where: string): void {
    const cleaned = this.#clean(path, where);
    const known = this.#files.get(cleaned);
    const isNew = !this.#files.has(cleaned);
    if (isNew && this.#files.size === MAX_PROFILE_FILES) {
      throw profileError(this.#name, where, `more than ${MAX_PROFILE_FILES} files. ${KEEP_READ_FILES}`);
    }
    this.#ranges += ranges?.length ?? 0;
    if (this.#ranges > MAX_PROFILE_RANGES) {
      throw profileError(this.#name, where, `more than ${MAX_PROFILE_RANGES} ranges. ${KEEP_READ_FILES}`);
    }
    if (ranges?.length === 0) {
      throw profileError(this.#name, `${where}.ranges`, 'empty. Remove the file, or the field for the whole file.');
    }
    for (const [index, range] of (ranges ?? []).entries()) this.#check(range, `${where}.ranges[${index}]`);
    if (ranges === undefined) this.#files.set(cleaned, undefined);
    else if (isNew) this.#files.set(cleaned, [...ranges]);
    else if (known !== undefined) for (const range of ranges) known.push(range);
  }

  /** Returns the files in the order of their paths, by UTF-16 code units as in RFC 8785, with merged ranges. */
  finish(): ProfileFile[] {
    const files = Array.from(this.#files, ([path, ranges]) => ({
      path,
      ...(ranges !== undefined && { ranges: mergeRanges(ranges) }),
    }));
    return files.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  #clean(path: string, where: string): string {
    const fail = (problem: string) => profileError(this.#name, where, `path ${quoteText(path)} ${problem}`);
    if (path.includes('\0')) throw fail('has a NUL character, which no file name contains. Remove it.');
    if (!path.isWellFormed()) throw fail('is not valid Unicode. Remove half surrogate pairs.');
    const length = Buffer.byteLength(path);
    if (length > MAX_PROFILE_PATH_LENGTH) {
      throw fail(`has ${length} bytes, more than the limit of ${MAX_PROFILE_PATH_LENGTH}. Remove it.`);
    }
    const cleaned = posix.resolve('/', `/${path}`);
    if (cleaned === '/') throw fail('is not the path of a file. Name a file, such as /usr/bin/app.');
    return cleaned;
  }

  #check({ offset, length }: ByteRange, where: string): void {
    for (const [field, value, minimum] of [
      ['offset', offset, 0],
      ['length', length, 1],
    ] as const) {
      if (Number.isSafeInteger(value) && value >= minimum) continue;
      const rule = `must be an integer from ${minimum} to ${Number.MAX_SAFE_INTEGER}`;
      throw profileError(this.#name, `${where}.${field}`, `${rule}, got ${String(value)}`);
    }
    if (Number.isSafeInteger(offset + length)) return;
    throw profileError(this.#name, where, `ends after byte ${Number.MAX_SAFE_INTEGER}, the largest offset`);
  }
}

/** Remedy for a profile that is too large. */
export const KEEP_READ_FILES = 'Keep only what the start of the container reads.';

/** Returns the error for a part of a profile. */
export function profileError(name: string, where: string, problem: string, cause?: unknown): SociIndexError {
  return new SociIndexError('PROFILE_INVALID', `${name}, ${where}: ${problem}`, {
    ...(cause !== undefined && { cause }),
  });
}

/** Sorts ranges, and merges those that overlap or are adjacent. */
function mergeRanges(ranges: readonly ByteRange[]): ByteRange[] {
  const merged: ByteRange[] = [];
  for (const { offset, length } of ranges.toSorted((a, b) => a.offset - b.offset)) {
    const last = merged.at(-1);
    if (last === undefined || offset > last.offset + last.length) merged.push({ offset, length });
    else {
      const end = Math.max(last.offset + last.length, offset + length);
      merged[merged.length - 1] = { offset: last.offset, length: end - last.offset };
    }
  }
  return merged;
}
