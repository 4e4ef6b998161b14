import { fromByteString, toByteString } from '../byte-strings.ts';
import { ZtocError } from '../errors.ts';
import type { FileEntry } from '../ztoc.ts';

/** Symbolic links that are followed on the way to one file, as many as Linux follows (path_resolution(7)). */
const MAX_SYMLINKS = 40;

/** Bytes of a path that is followed through symbolic links, and of each link's target: Linux's `PATH_MAX`. */
const MAX_FOLLOWED_PATH = 4096;

/** One name in a directory. */
export interface DirectoryItem {
  /** The last segment of its path. */
  readonly name: Uint8Array;
  /** Its entry; `undefined` for a directory that the archive has no entry of, only files in it. */
  readonly entry: FileEntry | undefined;
}

const NONE = -1;

/**
 * The entries of an archive by path. Of entries with the same path the last one counts, as when they are extracted one
 * after another; what lay in a directory that a later entry replaced is still found. It takes memory in proportion to
 * the entries and their names, whatever the paths are.
 */
export class ArchiveTree {
  readonly #files: readonly FileEntry[];
  readonly #paths = new Map<string, number>();
  /** For each entry, the one before it with the same path. */
  readonly #previous: Int32Array;
  #sortedPaths: readonly string[] | undefined;
  #numbers: ReadonlyMap<FileEntry, number> | undefined;

  /** @param files All entries, in archive order. */
  constructor(files: readonly FileEntry[]) {
    this.#files = files;
    this.#previous = new Int32Array(files.length);
    for (const [i, { name }] of files.entries()) {
      const path = normalisePath(name);
      this.#previous[i] = this.#paths.get(path) ?? NONE;
      this.#paths.set(path, i);
    }
  }

  /** The entries that are left once all have been extracted, in archive order. */
  *entries(): Generator<FileEntry, void, void> {
    for (const [i, file] of this.#files.entries()) if (this.#paths.get(normalisePath(file.name)) === i) yield file;
  }

  /** The entry of a path itself: a symbolic link is not followed. */
  find(path: ArchivePath): FileEntry | undefined {
    return this.#entryAt(normalisePath(path));
  }

  /**
   * The entry that a path leads to when symbolic links are followed, in its directories too. Absolute targets and `..`
   * stay within the archive.
   * @throws {ZtocError} `LIMIT_EXCEEDED` after 40 links, which are most likely a circle, and for a path over 4096 bytes.
   */
  follow(path: ArchivePath): FileEntry | undefined {
    const pending = splitFollowed(pathText(path)).reverse();
    let reached: string[] = [];
    let links = 0;
    for (let segment = pending.pop(); segment !== undefined; segment = pending.pop()) {
      if (segment === '..') {
        reached.pop();
        continue;
      }
      reached.push(segment);
      const entry = this.#entryAt(reached.join('/'));
      if (entry?.type !== 'symlink') continue;
      if (++links > MAX_SYMLINKS) {
        const message = `${showPath(path)} leads through more than ${MAX_SYMLINKS} symbolic links`;
        throw new ZtocError('LIMIT_EXCEEDED', message);
      }
      const target = pathText(entry.linkName);
      reached = target.startsWith('/') ? [] : reached.slice(0, -1);
      pending.push(...splitFollowed(target).reverse());
    }
    return this.#entryAt(reached.join('/'));
  }

  /**
   * What a path's directory holds, sorted by name; `undefined` if nothing is there, or something else. Directories that
   * the archive only implies are there too.
   */
  list(path: ArchivePath): readonly DirectoryItem[] | undefined {
    const directory = normalisePath(path);
    const prefix = directory === '' ? '' : `${directory}/`;
    const names = this.#namesBelow(prefix);
    if (names.size === 0 && directory !== '' && this.#entryAt(directory)?.type !== 'dir') return undefined;
    return [...names].sort().map((name) => ({
      name: fromByteString(name),
      entry: this.#entryAt(prefix + name),
    }));
  }

  /**
   * The entry whose body a hard link shares, through any number of them: the last with the target's path that stands
   * before the link, as extraction finds it. Any other entry is its own.
   * @throws {ZtocError} `ENTRY_NOT_FOUND` when there is none.
   */
  resolveHardLinks(entry: FileEntry): FileEntry {
    if (entry.type !== 'hardlink') return entry;
    let number = this.#numberOf(entry);
    let target = entry;
    while (target.type === 'hardlink') {
      const path = normalisePath(target.linkName);
      const link: number = number;
      number = this.#paths.get(path) ?? NONE;
      while (number >= link) number = this.#previous[number] as number;
      if (number === NONE) {
        const message = `${showPath(target.name)} is a hard link to ${showPath(target.linkName)}, which the layer does not have before it`;
        throw new ZtocError('ENTRY_NOT_FOUND', message);
      }
      target = this.#files[number] as FileEntry;
    }
    return target;
  }

  /** Where the entry that follows starts in the uncompressed stream; `undefined` after the last. */
  nextOffset(entry: FileEntry): number | undefined {
    return this.#files[this.#numberOf(entry) + 1]?.uncompressedOffset;
  }

  #entryAt(path: string): FileEntry | undefined {
    const number = this.#paths.get(path);
    return number === undefined ? undefined : this.#files[number];
  }

  #numberOf(entry: FileEntry): number {
    this.#numbers ??= new Map(this.#files.map((file, i) => [file, i]));
    const number = this.#numbers.get(entry);
    if (number === undefined) {
      throw new ZtocError('ENTRY_NOT_FOUND', `the entry of ${showPath(entry.name)} is not one of this zTOC`);
    }
    return number;
  }

  /** The first segments after a prefix of all paths that start with it. */
  #namesBelow(prefix: string): Set<string> {
    this.#sortedPaths ??= [...this.#paths.keys()].sort();
    const paths = this.#sortedPaths;
    const names = new Set<string>();
    let at = firstAtOrAfter(paths, prefix);
    for (let path = paths[at]; path?.startsWith(prefix); path = paths[at]) {
      const slash = path.indexOf('/', prefix.length);
      const name = path.slice(prefix.length, slash === NONE ? undefined : slash);
      if (name !== '') names.add(name);
      // `0` comes right after the slash: past everything that lies in a subdirectory, at the cost of a search.
      at = slash === NONE ? at + 1 : firstAtOrAfter(paths, `${prefix}${name}0`);
    }
    return names;
  }
}

/** Splits a path of bounded length without resolving `..`, which means something else behind a symbolic link. */
function splitFollowed(path: string): string[] {
  if (path.length > MAX_FOLLOWED_PATH) {
    throw new ZtocError('LIMIT_EXCEEDED', `a path of ${path.length} bytes is not followed: ${MAX_FOLLOWED_PATH} are`);
  }
  return path.split('/').filter((segment) => segment !== '' && segment !== '.');
}

function firstAtOrAfter(sorted: readonly string[], text: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as string) < text) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A path in an archive: a string is taken as UTF-8, bytes as they are, since not all tar names are UTF-8. */
export type ArchivePath = string | Uint8Array;

const UTF8 = new TextEncoder();

/** The path as it is, in a byte string: one character a byte, so that nothing is lost and paths can be keys. */
function pathText(path: ArchivePath): string {
  return toByteString(typeof path === 'string' ? UTF8.encode(path) : path);
}

/** Finds what {@link normalisePath} would change: an empty segment, `.` or `..`. */
const IRREGULAR = /(?:^|\/)\.{0,2}(?:\/|$)/;

/** The path in a byte string, without a leading slash, empty segments, `.` and `..`, which at the root stays there. */
function normalisePath(path: ArchivePath): string {
  const text = pathText(path);
  if (!IRREGULAR.test(text)) return text;
  const segments: string[] = [];
  for (const segment of text.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  return segments.join('/');
}

/** A path for a message: as UTF-8, shortened. */
export function showPath(path: ArchivePath): string {
  const text = typeof path === 'string' ? path : new TextDecoder().decode(path.subarray(0, 400));
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
