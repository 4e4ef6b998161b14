import { byteAt, equalBytes, fromByteString, NO_BYTES } from '../byte-strings.ts';
import { PathNames } from '../paths/path-names.ts';
import { PathSet } from '../paths/path-table.ts';
import type { FileEntry } from '../ztoc.ts';
import { ENTRY_TYPE, type EntryNames } from './entry-names.ts';

/** Maximum total size of the paths that {@link findImpliedDirectories} returns, in bytes. */
const MAX_TOTAL_SIZE = 1 << 20;

/** Maximum size of a path in Linux, in bytes (`PATH_MAX`). */
const MAX_PATH = 4096;

const SLASH = 0x2f;

/**
 * Finds the directories of a layer that no entry describes.
 *
 * @returns See `RuntimeFindings`.
 */
export function findImpliedDirectories(entries: EntryNames): readonly string[] {
  const path = new PathNames();
  const known = new PathSet();
  entries.visitNames((bytes, start, end) => {
    if (end - start <= MAX_PATH) known.add(path.set(bytes, start, end).hash);
  }, ENTRY_TYPE.directory);
  const found: string[] = [];
  let size = 0;
  // The directory of the previous entry.
  let lastBytes: Uint8Array = NO_BYTES;
  let lastStart = 0;
  let lastEnd = 0;
  entries.visitNames((bytes, start, nameEnd) => {
    const end = parentEnd(bytes, start, nameEnd);
    if (end === start || nameEnd - start > MAX_PATH || size > MAX_TOTAL_SIZE) return;
    if (isSame(lastBytes, lastStart, lastEnd, bytes, start, end)) return;
    lastBytes = bytes;
    lastStart = start;
    lastEnd = end;
    for (const count of known.addAll(path.set(bytes, start, end))) {
      const implied = path.join(count);
      size += implied.length;
      if (size > MAX_TOTAL_SIZE) return;
      found.push(implied);
    }
  });
  return found;
}

/** Returns the end of the parent directory in the name of an entry, without trailing slashes of the name. */
function parentEnd(bytes: Uint8Array, start: number, nameEnd: number): number {
  let end = nameEnd;
  while (end > start && byteAt(bytes, end - 1) === SLASH) end--;
  while (end > start && byteAt(bytes, end - 1) !== SLASH) end--;
  return end;
}

/** Returns whether two parts have the same bytes. Compares the end first: different directories mostly differ there. */
function isSame(a: Uint8Array, aStart: number, aEnd: number, b: Uint8Array, bStart: number, bEnd: number): boolean {
  const size = aEnd - aStart;
  if (size !== bEnd - bStart) return false;
  for (let at = size - 1; at >= 0; at--) if (byteAt(a, aStart + at) !== byteAt(b, bStart + at)) return false;
  return true;
}

/** @see OCI image-spec v1.1, layer.md, "Whiteouts" */
const WHITEOUT = fromByteString('.wh.');
const OPAQUE = fromByteString('.wh..wh..opq');

/** Follows which of some paths are symbolic links while layers are put on top of each other. */
export class SymlinkTracker {
  readonly #paths: ReadonlySet<string>;
  readonly #hashes = new PathSet();
  readonly #links = new Set<string>();

  /** @param paths Paths to follow, such as `impliedDirectories` of `RuntimeFindings`. */
  constructor(paths: Iterable<string>) {
    this.#paths = new Set(paths);
    const names = new PathNames();
    for (const path of this.#paths) {
      names.set(fromByteString(path));
      this.#hashes.add(names.hash);
    }
  }

  /** Returns the paths that are symbolic links in the layers so far. */
  linksAmong(paths: readonly string[]): readonly string[] {
    return this.#links.size === 0 ? [] : paths.filter((path) => this.#links.has(path));
  }

  /** Puts a layer on top. */
  add(files: Iterable<Pick<FileEntry, 'name' | 'type'>>): void {
    const names = new PathNames();
    if (this.#links.size > 0) this.#applyWhiteouts(files, names);
    for (const { name, type } of files) {
      names.set(name);
      if (name.length > MAX_PATH || names.length === 0 || !this.#hashes.has(names.hash)) continue;
      const path = names.join(names.length);
      if (type === 'symlink') this.#links.add(path);
      else this.#links.delete(path);
    }
  }

  /** Removes the links that a layer removes, alone or with a parent directory. */
  #applyWhiteouts(files: Iterable<Pick<FileEntry, 'name'>>, names: PathNames): void {
    const removed = new PathSet();
    const emptied = new PathSet();
    for (const { name } of files) {
      const start = parentEnd(name, 0, name.length);
      if (name.length > MAX_PATH || !startsWith(name, WHITEOUT, start)) continue;
      if (startsWith(name, OPAQUE, start)) {
        names.set(name.subarray(0, start));
        if (names.length === 0) this.#links.clear();
        else emptied.add(names.hash);
      } else {
        const path = new Uint8Array(name.length - WHITEOUT.length);
        path.set(name.subarray(0, start));
        path.set(name.subarray(start + WHITEOUT.length), start);
        names.set(path);
        removed.add(names.hash);
      }
    }
    for (const link of this.#links) {
      names.set(fromByteString(link));
      const directories = emptied.countNames(names);
      if (removed.countNames(names) > 0 || (directories > 0 && directories < names.length)) this.#links.delete(link);
    }
  }
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array, start: number): boolean {
  return bytes.length >= start + prefix.length && equalBytes(prefix, bytes, start, prefix.length);
}
