import { byteAt } from '../byte-strings.ts';
import { PathHash, PathNames } from '../paths/path-names.ts';
import { PathSet } from '../paths/path-table.ts';
import type { FileEntry } from '../ztoc.ts';
import { MAX_PATH, parentEnd } from './implied-directories.ts';

const SLASH = 0x2f;
const DOT = 0x2e;

/**
 * Checks cheaply, while the entries of a layer arrive, what almost all layers have: the entry of each directory before its
 * files, and the target of each hard link before the link. Needs about 16 bytes for each entry.
 */
export class PathCheck {
  /** Whether an entry came before the entry of its directory, if the layer has that one. */
  mayBeImplied = false;
  /** Whether a hard link may have no target. Undecided, thus false, if {@link mayBeImplied}. */
  mayLackTarget = false;
  readonly #directories = new PathSet();
  /** All entries but directories. */
  readonly #files = new PathSet();
  readonly #names = new PathNames();
  readonly #path = new PathHash();
  /** The directory of the previous entry. */
  #parent = new Uint8Array(0);
  #parentSize = 0;
  readonly #parentPath = new PathHash();

  /** Adds an entry. Its bytes may be overwritten afterwards. */
  add({ name, type, linkName }: FileEntry): void {
    if (this.mayBeImplied) return;
    if (name.length > MAX_PATH || linkName.length > MAX_PATH) {
      this.mayLackTarget = true;
      return;
    }
    const end = parentEnd(name);
    if (!this.#isParent(name, end)) this.#enter(name, end);
    const path = this.#hash(name, end);
    if (type === 'dir') {
      this.#directories.add(path);
      return;
    }
    // This entry replaces a directory, and what is in it.
    if (this.#directories.has(path)) this.mayLackTarget = true;
    const isLink = type === 'hardlink';
    if (isLink && !this.#files.has(this.#names.set(linkName).hash)) this.mayLackTarget = true;
    this.#files.add(path);
  }

  #isParent(name: Uint8Array, end: number): boolean {
    if (end !== this.#parentSize) return false;
    // Names in different directories mostly differ at the end.
    for (let at = end - 1; at >= 0; at--) if (name[at] !== this.#parent[at]) return false;
    return true;
  }

  #enter(name: Uint8Array, end: number): void {
    if (end > this.#parent.length) this.#parent = new Uint8Array(MAX_PATH);
    for (let at = 0; at < end; at++) this.#parent[at] = byteAt(name, at);
    this.#parentSize = end;
    const { length, hash } = this.#names.set(name, end);
    this.#parentPath.copy(hash);
    // The entry of this directory was checked in the same way, so its parents are known.
    this.mayBeImplied = length > 0 && !this.#directories.has(hash);
  }

  /** Returns the hash of a path whose directory is the first `start` bytes. */
  #hash(name: Uint8Array, start: number): PathHash {
    let end = name.length;
    while (end > start && name[end - 1] === SLASH) end--;
    // These are not only `.` and `..`, but they are rare.
    const isSpecial = end === start || name[start] === DOT;
    this.#path.copy(isSpecial ? this.#names.set(name).hash : this.#parentPath);
    if (!isSpecial) this.#path.append(name, start, end);
    return this.#path;
  }
}
