import { showPath } from '../read/archive-tree.ts';
import type { FileEntry } from '../ztoc.ts';

/**
 * What the runtime does because of a problem.
 *
 * - `pulled-whole`: it does not mount the layer. It pulls and unpacks the whole layer when the container starts.
 * - `unreadable-files`: it answers reads of some files with an I/O error or wrong content.
 * - `shown-differently`: the container sees other attributes, or no file, where an unpacked image has one.
 */
export type RuntimeEffect = 'pulled-whole' | 'unreadable-files' | 'shown-differently';

/**
 * Problem of a zTOC.
 *
 * - `entries-overlap` (`pulled-whole`): an entry claims more bytes than the archive has before the next entry, such as a
 *   sparse file, or a directory whose header has a size. The runtime reports `invalid toc entry`.
 * - `hard-link-target-missing` (`pulled-whole`): the target of a hard link is not before it in the layer: it is in another
 *   layer, later in this layer, the link itself, or missing.
 * - `hard-link-to-directory` (`shown-differently`): the runtime shows a hard link, or its target, as a directory. Either the
 *   target is a directory, and the layer cannot be unpacked. Or a later entry makes a directory of one of several hard links:
 *   the runtime overwrites their file, and unpacking replaces only that link.
 * - `empty-span` (`pulled-whole`): a span before the last one has no content, because the gzip data starts with an empty
 *   block or member; or the layer has no bytes. The runtime reports `span offsets are non-monotonic`.
 * - `xattr-name-invalid` (`pulled-whole`, at random): a file has several extended attributes, and the name of one is empty
 *   or longer than 32 KiB.
 * - `xattr-empty` (`unreadable-files` at random; `shown-differently` for a directory, link or empty file): a file has
 *   several extended attributes, and the value of one is empty.
 * - `sparse-file` (`unreadable-files`): the runtime does not fill the holes of sparse files.
 * - `header-not-found` (`unreadable-files`): the header of a file is not where the size of the previous entry says.
 * - `attributes-differ` (`unreadable-files`): the zTOC cannot contain an attribute of a file, which the runtime compares
 *   with the tar header: a user or group ID, a year, or a mode with the type of another file.
 * - `entries-below-symlink` (`shown-differently`): a symbolic link has entries below it in its own layer. Unpacking writes
 *   them to the target of the link. The runtime hides them.
 */
export type RuntimeProblemCode =
  | 'attributes-differ'
  | 'empty-span'
  | 'entries-below-symlink'
  | 'entries-overlap'
  | 'hard-link-target-missing'
  | 'hard-link-to-directory'
  | 'header-not-found'
  | 'sparse-file'
  | 'xattr-empty'
  | 'xattr-name-invalid';

/** All entries of a zTOC that have the same problem. */
export interface RuntimeProblem {
  readonly code: RuntimeProblemCode;
  /** The worst effect of these entries. */
  readonly effect: RuntimeEffect;
  /** Number of entries with this problem. */
  readonly count: number;
  /** Paths of the first entries: at most 5, each of at most 4,096 bytes. Bytes that are not UTF-8 are replaced. */
  readonly paths: readonly string[];
  /** Describes the problem, with the number of entries and the first path. */
  readonly message: string;
}

/** Maximum number of paths of a {@link RuntimeProblem}. */
const MAX_PATHS = 5;

/** Maximum size of a listed path, in bytes. */
const MAX_LISTED_PATH = 4096;

interface Collected {
  readonly code: RuntimeProblemCode;
  readonly effect: RuntimeEffect;
  /** The first entry and its link target, escaped and quoted. */
  readonly first: string;
  readonly target: string;
  readonly paths: string[];
  count: number;
}

const EFFECTS: readonly RuntimeEffect[] = ['pulled-whole', 'unreadable-files', 'shown-differently'];

/** Collects problems, with a limited number of paths. */
export class ProblemCollector {
  readonly #collected = new Map<string, Collected>();

  /** Counts a problem. @param file - The entry with the problem, if it has one. */
  add(code: RuntimeProblemCode, effect: RuntimeEffect, file?: FileEntry): void {
    const key = `${effect} ${code}`;
    let collected = this.#collected.get(key);
    if (collected === undefined) {
      const first = showPath(file?.name ?? '');
      const target = showPath(file?.linkName ?? '');
      collected = { code, effect, first, target, paths: [], count: 0 };
      this.#collected.set(key, collected);
    }
    collected.count += 1;
    if (file && collected.paths.length < MAX_PATHS) collected.paths.push(decodePath(file.name));
  }

  problems(): readonly RuntimeProblem[] {
    return [...this.#collected.values()]
      .sort((a, b) => EFFECTS.indexOf(a.effect) - EFFECTS.indexOf(b.effect))
      .map(({ first, target, ...problem }) => ({ ...problem, message: describe(problem, first, target) }));
  }
}

function decodePath(name: Uint8Array): string {
  return new TextDecoder().decode(name.subarray(0, MAX_LISTED_PATH));
}

function describe({ code, effect, count }: Omit<Collected, 'first' | 'target'>, first: string, target: string): string {
  const what = (one: string, many: string) => (count === 1 ? `1 ${one}` : `${count} ${many}`);
  const example = count === 1 ? first : `the first is ${first}`;
  switch (code) {
    case 'empty-span':
      return `${what('span has', 'spans have')} no content, such as an empty block or member at the start of the gzip data`;
    case 'entries-overlap':
      return `${what('entry is', 'entries are')} larger than the space before the next entry, such as a sparse file (${example})`;
    case 'hard-link-target-missing':
      return `${what('hard link has', 'hard links have')} no target earlier in this layer (${example} to ${target})`;
    case 'hard-link-to-directory':
      return `${what('entry is', 'entries are')} shown as a directory because of a hard link (${example})`;
    case 'xattr-name-invalid':
      return `${what('file has', 'files have')} several extended attributes, one with an empty or too long name (${example})`;
    case 'xattr-empty': {
      const files = effect === 'unreadable-files' ? what('file has', 'files have') : what('entry has', 'entries have');
      return `${files} several extended attributes, one with an empty value (${example})`;
    }
    case 'sparse-file':
      return `${what('file is', 'files are')} sparse, and the runtime does not fill holes (${example})`;
    case 'header-not-found':
      return `${what('file follows', 'files follow')} an entry whose size differs from its space in the archive (${example})`;
    case 'attributes-differ':
      return `${what('file has', 'files have')} an owner, a year or a mode that a zTOC cannot contain (${example})`;
    case 'entries-below-symlink':
      return `${what('symbolic link has', 'symbolic links have')} entries below it in the same layer (${example})`;
  }
}
