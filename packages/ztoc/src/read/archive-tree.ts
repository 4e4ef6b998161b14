import { byteAt, fromByteString, toByteString } from '../byte-strings.ts';
import type { EntryList } from '../encoding/entry-list.ts';
import { ZtocError } from '../errors.ts';
import { quoteText } from '../escape-text.ts';
import { NONE, PathTree, ROOT } from '../paths/path-tree.ts';
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

/**
 * The entries of an archive by path. If several entries have the same path, the last one wins, as on extraction. A file
 * or link that replaces a directory removes what was in it. Memory use is proportional to the entries and their names.
 */
export class ArchiveTree {
  readonly #files: EntryList;
  readonly #paths: PathTree;

  /** @param files All entries, in archive order. */
  constructor(files: EntryList) {
    this.#files = files;
    this.#paths = new PathTree(files);
  }

  /** Returns the entries that remain after all have been extracted, in archive order. */
  *entries(): Generator<FileEntry, void, void> {
    for (let i = 0; i < this.#files.length; i++) {
      const file = this.#files.at(i) as FileEntry;
      if (this.#indexAt(this.#paths.find(file.name)) === i) yield file;
    }
  }

  /** Returns the entry of a path. Symbolic links are not followed. */
  find(path: ArchivePath): FileEntry | undefined {
    return this.#entryAt(this.#nodeOf(path));
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
      const entry = this.find(fromByteString(reached.join('/')));
      if (entry?.type !== 'symlink') continue;
      if (++links > MAX_SYMLINKS) {
        const message = `cannot resolve ${showPath(path)}: more than ${MAX_SYMLINKS} symbolic links`;
        throw new ZtocError('LIMIT_EXCEEDED', message);
      }
      const target = pathText(entry.linkName);
      reached = target.startsWith('/') ? [] : reached.slice(0, -1);
      pending.push(...splitFollowed(target).reverse());
    }
    return this.find(fromByteString(reached.join('/')));
  }

  /**
   * Returns the items of a directory, sorted by name, or `undefined` if the path does not exist or is not a directory.
   * Includes directories that only appear in the paths of other entries.
   */
  list(path: ArchivePath): readonly DirectoryItem[] | undefined {
    const directory = this.#nodeOf(path);
    if (!this.#isDirectory(directory)) return undefined;
    const items: { readonly name: Uint8Array; readonly entry: FileEntry | undefined }[] = [];
    for (const node of this.#paths.children(directory)) {
      if (this.#exists(node)) items.push({ name: this.#paths.nameOf(node), entry: this.#entryAt(node) });
    }
    return items.sort((a, b) => compareBytes(a.name, b.name));
  }

  /** Returns whether a path is a directory: it has an entry of one, or contains other entries. */
  isDirectory(path: ArchivePath): boolean {
    return this.#isDirectory(this.#nodeOf(path));
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
    const node = this.#paths.find(link.linkName);
    let index = node === NONE ? NONE : this.#paths.lastEntry(node);
    while (index >= linkIndex) index = this.#paths.previousEntry(index);
    return this.#files.at(index);
  }

  /** Returns the next entry in the archive; `undefined` after the last. */
  next(entry: FileEntry): FileEntry | undefined {
    return this.#files.at(this.#indexOf(entry) + 1);
  }

  /** Returns the previous entry in the archive; `undefined` before the first. */
  previous(entry: FileEntry): FileEntry | undefined {
    return this.#files.at(this.#indexOf(entry) - 1);
  }

  #nodeOf(path: ArchivePath): number {
    return this.#paths.find(typeof path === 'string' ? UTF8.encode(path) : path);
  }

  #entryAt(node: number): FileEntry | undefined {
    const index = this.#indexAt(node);
    return index === NONE ? undefined : this.#files.at(index);
  }

  /** Returns the index of the entry of a path, unless a later entry removed it. */
  #indexAt(node: number): number {
    if (node === NONE) return NONE;
    const index = this.#paths.lastEntry(node);
    return index !== NONE && this.#paths.lastReplacement(node) < index ? index : NONE;
  }

  #isDirectory(node: number): boolean {
    if (node === ROOT) return true;
    if (node === NONE) return false;
    return this.#entryAt(node)?.type === 'dir' || this.#hasItems(node);
  }

  /** Returns whether a path has an entry, or is the directory of one. */
  #exists(node: number): boolean {
    return this.#indexAt(node) !== NONE || this.#hasItems(node);
  }

  #hasItems(node: number): boolean {
    for (const child of this.#paths.children(node)) if (this.#exists(child)) return true;
    return false;
  }

  #indexOf(entry: FileEntry): number {
    const index = this.#files.indexOf(entry);
    if (index === undefined) {
      throw new ZtocError('ENTRY_NOT_FOUND', `the entry ${showPath(entry.name)} does not belong to this zTOC`);
    }
    return index;
  }
}

/** Splits a path of limited length. Keeps `..`, whose meaning depends on symbolic links before it. */
function splitFollowed(path: string): string[] {
  if (path.length > MAX_FOLLOWED_PATH) {
    throw new ZtocError('LIMIT_EXCEEDED', `a path of ${path.length} bytes exceeds the limit of ${MAX_FOLLOWED_PATH}`);
  }
  return path.split('/').filter((segment) => segment !== '' && segment !== '.');
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return byteAt(a, i) - byteAt(b, i);
  return a.length - b.length;
}

/** A path in an archive: a string is encoded as UTF-8; bytes allow names that are not UTF-8. */
export type ArchivePath = string | Uint8Array;

const UTF8 = new TextEncoder();

/** Converts a path to a byte string, so that no byte is lost and paths can be map keys. */
function pathText(path: ArchivePath): string {
  return toByteString(typeof path === 'string' ? UTF8.encode(path) : path);
}

/** Formats a path for a message: UTF-8, quoted and truncated. */
export function showPath(path: ArchivePath): string {
  return quoteText(typeof path === 'string' ? path : new TextDecoder().decode(path), MAX_SHOWN_PATH);
}
