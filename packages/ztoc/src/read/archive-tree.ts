import { fromByteString, toByteString } from '../byte-strings.ts';
import { ZtocError } from '../errors.ts';
import { quoteText } from '../escape-text.ts';
import type { FileEntry } from '../ztoc.ts';

/** Maximum length of a path in a message, in characters. */
const MAX_SHOWN_PATH = 200;

/** Maximum number of symbolic links to follow for one path, as in Linux (path_resolution(7)). */
const MAX_SYMLINKS = 40;

/** Maximum size in bytes of a path with symbolic links, and of each link target: Linux's `PATH_MAX`. */
const MAX_FOLLOWED_PATH = 4096;

/** An item of a directory. */
export interface DirectoryItem {
  /** Last segment of the path. */
  readonly name: Uint8Array;
  /** Entry of the item; `undefined` for a directory that only appears in the paths of other entries. */
  readonly entry: FileEntry | undefined;
}

const NONE = -1;

/**
 * The entries of an archive by path. If several entries have the same path, the last one wins, as on extraction. A file
 * or link that replaces a directory removes what was in it. Memory use is proportional to the entries and their names.
 */
export class ArchiveTree {
  readonly #files: readonly FileEntry[];
  readonly #paths = new Map<string, number>();
  /** For each entry, the index of the previous entry with the same path. */
  readonly #previous: Int32Array;
  /** For each entry, the index of the last entry with the same path, up to this one, that is not a directory. */
  readonly #lastFile: Int32Array;
  /** Directory of the last call of `#replacedAt`, and its result. Consecutive entries are often in the same directory. */
  #lastDirectory = { path: '', replacedAt: NONE };
  #sortedPaths: readonly string[] | undefined;
  #indexes: ReadonlyMap<FileEntry, number> | undefined;

  /** @param files All entries, in archive order. */
  constructor(files: readonly FileEntry[]) {
    this.#files = files;
    this.#previous = new Int32Array(files.length);
    this.#lastFile = new Int32Array(files.length);
    for (const [i, { name, type }] of files.entries()) {
      const path = normalizePath(name);
      const previous = this.#paths.get(path) ?? NONE;
      this.#previous[i] = previous;
      this.#lastFile[i] = type !== 'dir' ? i : previous === NONE ? NONE : (this.#lastFile[previous] as number);
      this.#paths.set(path, i);
    }
  }

  /** Returns the entries that remain after all have been extracted, in archive order. */
  *entries(): Generator<FileEntry, void, void> {
    for (const [i, file] of this.#files.entries()) if (this.#indexAt(normalizePath(file.name)) === i) yield file;
  }

  /** Returns the entry of a path. Symbolic links are not followed. */
  find(path: ArchivePath): FileEntry | undefined {
    return this.#entryAt(normalizePath(path));
  }

  /**
   * Returns the entry of a path and follows symbolic links, also in its directories. Absolute targets and `..` stay
   * within the archive.
   * @throws {ZtocError} `LIMIT_EXCEEDED` after 40 links, which are usually a cycle, and for a path over 4096 bytes.
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
        const message = `cannot resolve ${showPath(path)}: more than ${MAX_SYMLINKS} symbolic links`;
        throw new ZtocError('LIMIT_EXCEEDED', message);
      }
      const target = pathText(entry.linkName);
      reached = target.startsWith('/') ? [] : reached.slice(0, -1);
      pending.push(...splitFollowed(target).reverse());
    }
    return this.#entryAt(reached.join('/'));
  }

  /**
   * Returns the items of a directory, sorted by name, or `undefined` if the path does not exist or is not a directory.
   * Includes directories that only appear in the paths of other entries.
   */
  list(path: ArchivePath): readonly DirectoryItem[] | undefined {
    const directory = normalizePath(path);
    const prefix = directory === '' ? '' : `${directory}/`;
    const names = [...this.#namesBelow(prefix)].filter((name) => this.#exists(prefix + name));
    if (names.length === 0 && directory !== '' && this.#entryAt(directory)?.type !== 'dir') return undefined;
    return names.sort().map((name) => ({
      name: fromByteString(name),
      entry: this.#entryAt(prefix + name),
    }));
  }

  /**
   * Returns the entry that has the content of a hard link, following any number of hard links. As on extraction, the
   * target is the last entry with the target's path before the link. Returns other entries unchanged.
   * @throws {ZtocError} `ENTRY_NOT_FOUND` if the target does not exist.
   */
  resolveHardLinks(entry: FileEntry): FileEntry {
    if (entry.type !== 'hardlink') return entry;
    let link = entry;
    for (;;) {
      const target = this.hardLinkTarget(link);
      if (target === undefined) {
        const message = `the target ${showPath(link.linkName)} of the hard link ${showPath(link.name)} does not exist before the link in the layer`;
        throw new ZtocError('ENTRY_NOT_FOUND', message);
      }
      if (target.type !== 'hardlink') return target;
      link = target;
    }
  }

  /** Returns the last entry with the target's path before a hard link; `undefined` if the archive has none. */
  hardLinkTarget(link: FileEntry): FileEntry | undefined {
    const linkIndex = this.#indexOf(link);
    let index = this.#paths.get(normalizePath(link.linkName)) ?? NONE;
    while (index >= linkIndex) index = this.#previous[index] as number;
    return index === NONE ? undefined : this.#files[index];
  }

  /** Returns the offset of the next entry in the uncompressed stream; `undefined` after the last. */
  nextOffset(entry: FileEntry): number | undefined {
    return this.#files[this.#indexOf(entry) + 1]?.uncompressedOffset;
  }

  #entryAt(path: string): FileEntry | undefined {
    const index = this.#indexAt(path);
    return index === undefined ? undefined : this.#files[index];
  }

  /** Returns the index of the entry of a path, unless a later entry removed it. */
  #indexAt(path: string): number | undefined {
    const index = this.#paths.get(path);
    return index !== undefined && this.#replacedAt(path) < index ? index : undefined;
  }

  /** Returns whether a path has an entry, or is the directory of one. */
  #exists(path: string): boolean {
    if (this.#indexAt(path) !== undefined) return true;
    const prefix = `${path}/`;
    const paths = this.#sorted();
    for (let at = firstAtOrAfter(paths, prefix); paths[at]?.startsWith(prefix); at++) {
      if (this.#indexAt(paths[at] as string) !== undefined) return true;
    }
    return false;
  }

  /** Returns the index of the last entry that replaced a parent directory of a path by something else. */
  #replacedAt(path: string): number {
    const end = path.lastIndexOf('/');
    // No file system can contain a longer path.
    if (end === NONE || end > MAX_FOLLOWED_PATH) return NONE;
    const directory = path.slice(0, end);
    if (directory === this.#lastDirectory.path) return this.#lastDirectory.replacedAt;
    let replacedAt = NONE;
    for (let slash = 0; slash !== NONE; ) {
      slash = directory.indexOf('/', slash + 1);
      const index = this.#paths.get(slash === NONE ? directory : directory.slice(0, slash));
      if (index !== undefined) replacedAt = Math.max(replacedAt, this.#lastFile[index] as number);
    }
    this.#lastDirectory = { path: directory, replacedAt };
    return replacedAt;
  }

  #sorted(): readonly string[] {
    this.#sortedPaths ??= [...this.#paths.keys()].sort();
    return this.#sortedPaths;
  }

  #indexOf(entry: FileEntry): number {
    this.#indexes ??= new Map(this.#files.map((file, i) => [file, i]));
    const index = this.#indexes.get(entry);
    if (index === undefined) {
      throw new ZtocError('ENTRY_NOT_FOUND', `the entry ${showPath(entry.name)} does not belong to this zTOC`);
    }
    return index;
  }

  /** Returns the first segment after the prefix of all paths that start with it. */
  #namesBelow(prefix: string): Set<string> {
    const paths = this.#sorted();
    const names = new Set<string>();
    let at = firstAtOrAfter(paths, prefix);
    for (let path = paths[at]; path?.startsWith(prefix); path = paths[at]) {
      const slash = path.indexOf('/', prefix.length);
      const name = path.slice(prefix.length, slash === NONE ? undefined : slash);
      if (name !== '') names.add(name);
      // `0` follows `/` in ASCII: one binary search skips the whole subdirectory.
      at = slash === NONE ? at + 1 : firstAtOrAfter(paths, `${prefix}${name}0`);
    }
    return names;
  }
}

/** Splits a path of limited length. Keeps `..`, whose meaning depends on symbolic links before it. */
function splitFollowed(path: string): string[] {
  if (path.length > MAX_FOLLOWED_PATH) {
    throw new ZtocError('LIMIT_EXCEEDED', `a path of ${path.length} bytes exceeds the limit of ${MAX_FOLLOWED_PATH}`);
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

/** A path in an archive: a string is encoded as UTF-8; bytes allow names that are not UTF-8. */
export type ArchivePath = string | Uint8Array;

const UTF8 = new TextEncoder();

/** Converts a path to a byte string, so that no byte is lost and paths can be map keys. */
function pathText(path: ArchivePath): string {
  return toByteString(typeof path === 'string' ? UTF8.encode(path) : path);
}

/** Matches what {@link normalizePath} would change: an empty segment, `.` or `..`. */
const IRREGULAR = /(?:^|\/)\.{0,2}(?:\/|$)/;

/**
 * Returns a path as a byte string without leading slash, empty segments, `.` and `..`. At the root, `..` has no effect.
 */
function normalizePath(path: ArchivePath): string {
  const given = pathText(path);
  // Most archives have names such as `./etc/` or `etc/`: cutting is faster than splitting.
  const text = given.slice(given.startsWith('./') ? 2 : 0, given.endsWith('/') ? -1 : undefined);
  if (!IRREGULAR.test(text)) return text;
  const segments: string[] = [];
  for (const segment of text.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  return segments.join('/');
}

/** Formats a path for a message: UTF-8, quoted and truncated. */
export function showPath(path: ArchivePath): string {
  return quoteText(typeof path === 'string' ? path : new TextDecoder().decode(path), MAX_SHOWN_PATH);
}
