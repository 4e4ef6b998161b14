import { equalBytes, toByteString } from '../byte-strings.ts';
import { showPath } from '../read/archive-tree.ts';
import { storedSize } from '../read/file-extents.ts';
import { listSpans } from '../spans/list-spans.ts';
import { parseDecimal } from '../tar/numbers.ts';
import { BLOCK_SIZE, paddingAfter } from '../tar/tar-format.ts';
import type { FileEntry, TarInteger, Ztoc } from '../ztoc.ts';
import { DirectoryCheck, findImpliedDirectories, SymlinkTracker } from './implied-directories.ts';
import { ABSENT, PathNames, PathTable } from './path-table.ts';

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
  /** Paths of the first entries, at most 5. Bytes that are not UTF-8 are replaced. */
  readonly paths: readonly string[];
  /** Describes the problem, with the number of entries and the first path. */
  readonly message: string;
}

/** A zTOC without its entries. */
type ZtocHead = Omit<Ztoc, 'files'>;

/** Result of {@link RuntimeChecker}. */
export interface RuntimeFindings {
  /** The problems, worst first, one for each code and effect. */
  readonly problems: readonly RuntimeProblem[];
  /**
   * Directories that no entry describes: they are only in the paths of other entries. If a lower layer has a symbolic link
   * with such a path, unpacking the layer follows the link. Paths have no leading slash, `.` and `..`, and one character for
   * each byte; at most 1 MiB of them.
   */
  readonly impliedDirectories: readonly string[];
}

/** Maximum number of paths of a {@link RuntimeProblem}. */
const MAX_PATHS = 5;

/** Maximum size of a shown path, in bytes. */
const MAX_SHOWN_PATH = 4096;

/** Maximum length of a key of bbolt, the runtime's database (bbolt, `MaxKeySize`). */
const MAX_XATTR_NAME = 32_768;

/** A path of a layer counts once for each directory that no entry describes. Real layers have few such directories. */
const PATHS_PER_ENTRY = 4;
const MIN_PATHS = 1 << 16;

/**
 * Finds what soci-snapshotter v0.16.1 rejects in a zTOC, or shows differently than an unpacked layer. Such a zTOC is valid:
 * files read through it equal those of the layer. Uses only the table of contents, so it does not find user and group IDs
 * above 2^32 - 1 in tar headers without PAX records.
 *
 * @returns The problems, worst first, one for each code and effect.
 * @throws {ZtocError} `ZTOC_INVALID` if the spans of the zTOC are inconsistent.
 */
export function findRuntimeProblems(ztoc: Ztoc): readonly RuntimeProblem[] {
  const checker = new RuntimeChecker();
  for (const file of ztoc.files) checker.add(file);
  return checker.finish(ztoc, ztoc.files).problems;
}

/**
 * Checks a zTOC like {@link findRuntimeProblems}, while it is built: pass each entry to {@link add} from `onEntry` of
 * `buildZtoc`. Most rules need an entry only once. The others are applied at the end, if the layer has hard links (about 32
 * bytes of memory for each entry) or directories that no entry describes.
 *
 * @see soci-snapshotter, ztoc/ztoc_marshaler.go, `flatbufferToTOC`; metadata/reader.go, `initNodes`; metadata/db.go,
 * `writeNodeEntry`; fs/reader/reader.go, `Verify`; fs/span-manager/span_manager.go, `New`
 */
export class RuntimeChecker {
  readonly #found = new ProblemCollector();
  readonly #directories = new DirectoryCheck();
  #count = 0;
  #hasHardLinks = false;
  #isUnsorted = false;
  /** Offset at which the runtime expects the next header, and its real offset if the zTOC contains it. */
  #expected = 0;
  #actual: number | undefined = 0;
  #previous: FileEntry | undefined;

  /** Adds the next entry. Its bytes may be overwritten afterwards. */
  add(file: FileEntry): void {
    const { type, uncompressedOffset: offset, uncompressedSize: size, paxRecords } = file;
    const found = this.#found;
    const expected = this.#expected;
    if (offset < expected) found.add('entries-overlap', 'pulled-whole', this.#previous ?? file);
    if (this.#previous !== undefined && offset < this.#previous.uncompressedOffset) this.#isUnsorted = true;
    const isContent = type === 'reg' && size > 0;
    const records = paxRecords.length === 0 ? NO_FINDINGS : readRecords(file);
    if (isContent) {
      const isMoved = (this.#actual ?? expected) !== expected || offset - expected < BLOCK_SIZE;
      if (isMoved && offset >= expected) found.add('header-not-found', 'unreadable-files', file);
      if (file.modTime === '' || records.hasOtherOwner || hasOtherType(file.mode)) {
        found.add('attributes-differ', 'unreadable-files', file);
      }
    }
    // The runtime stores the first attribute, in random order, in another way than the others (metadata/db.go).
    if (records.xattrs > 1 && records.hasInvalidXattr) found.add('xattr-name-invalid', 'pulled-whole', file);
    if (records.xattrs > 1 && records.hasEmptyXattr) {
      found.add('xattr-empty', isContent ? 'unreadable-files' : 'shown-differently', file);
    }
    const stored = type !== 'reg' ? 0 : records.isSparse ? storedSizeOf(file) : size;
    if (isContent && stored !== size) found.add('sparse-file', 'unreadable-files', file);
    this.#directories.add(file);
    this.#count += 1;
    if (type === 'hardlink') this.#hasHardLinks = true;
    this.#expected = offset + size + paddingAfter(Math.max(offset + size, 0));
    this.#actual = stored === undefined ? undefined : offset + stored + paddingAfter(offset + stored);
    // Only such an entry can overlap the next one if the layer is valid.
    this.#previous = stored === size ? file : { ...file, name: file.name.slice(), linkName: file.linkName.slice() };
  }

  /**
   * Returns the findings.
   * @param files - The entries that were added. They are iterated several times if necessary: `decodeZtocFiles` returns them
   *   one at a time.
   * @throws {ZtocError} `ZTOC_INVALID` if the spans of the zTOC are inconsistent.
   */
  finish(ztoc: ZtocHead, files: Iterable<FileEntry>): RuntimeFindings {
    if (this.#isUnsorted) return checkSorted(ztoc, files);
    const found = this.#found;
    if (this.#hasHardLinks) checkHardLinks(files, this.#count, found);
    const impliedDirectories = this.#directories.mayBeImplied ? findImpliedDirectories(files) : [];
    checkBelowSymlinks(files, impliedDirectories, found);
    checkSpans(ztoc, found);
    return { problems: found.problems(), impliedDirectories };
  }
}

/** Checks the entries in the order of their offsets, as the runtime reads them. Archive order is almost always this order. */
function checkSorted(ztoc: ZtocHead, files: Iterable<FileEntry>): RuntimeFindings {
  const sorted = [...files].sort((a, b) => a.uncompressedOffset - b.uncompressedOffset);
  const checker = new RuntimeChecker();
  for (const file of sorted) checker.add(file);
  return checker.finish(ztoc, sorted);
}

/** Returns the size of a file in the archive. Returns undefined if the zTOC does not contain it. */
function storedSizeOf(file: FileEntry): number | undefined {
  try {
    return storedSize(file);
  } catch {
    // A zTOC of another tool can contain a malformed map.
    return undefined;
  }
}

/**
 * Types of the other files in the mode of a tar header: directory, FIFO, symbolic link, devices and socket (archive/tar,
 * `headerFileInfo.Mode`).
 */
const OTHER_TYPES: ReadonlySet<number> = new Set([0o40000, 0o10000, 0o120000, 0o60000, 0o20000, 0o140000]);

/** Returns whether the mode of a regular file is that of another type. The runtime compares 32 bits. */
function hasOtherType(mode: TarInteger): boolean {
  if (mode >= 0 && mode < 0o10000) return false;
  const bits = typeof mode === 'number' ? mode : Number(BigInt.asUintN(32, mode));
  return OTHER_TYPES.has((bits & ~0o7777) >>> 0);
}

const encoder = new TextEncoder();
const UID = encoder.encode('uid');
const GID = encoder.encode('gid');
/** Start of the key of an extended attribute (ztoc/tar.go, `Xattrs`). */
const XATTR_PREFIX = encoder.encode('SCHILY.xattr.');
/** Start of the keys that make a file sparse. */
const SPARSE_PREFIX = encoder.encode('GNU.sparse.');

/** What the PAX records of an entry tell. */
interface RecordFindings {
  isSparse: boolean;
  hasOtherOwner: boolean;
  xattrs: number;
  hasEmptyXattr: boolean;
  hasInvalidXattr: boolean;
}

const NO_FINDINGS: Readonly<RecordFindings> = {
  isSparse: false,
  hasOtherOwner: false,
  xattrs: 0,
  hasEmptyXattr: false,
  hasInvalidXattr: false,
};

function readRecords({ paxRecords, uid, gid }: FileEntry): Readonly<RecordFindings> {
  const findings = { ...NO_FINDINGS };
  for (const [key, value] of paxRecords) {
    if (startsWith(key, XATTR_PREFIX)) {
      const name = key.length - XATTR_PREFIX.length;
      findings.xattrs += 1;
      if (value.length === 0) findings.hasEmptyXattr = true;
      else if (name === 0 || name > MAX_XATTR_NAME) findings.hasInvalidXattr = true;
    } else if (startsWith(key, SPARSE_PREFIX)) findings.isSparse = true;
    else if (key.length === UID.length && value.length > 0) {
      // A zTOC has the low 32 bits, and the runtime compares them with the tar header.
      const owner = startsWith(key, UID) ? uid : startsWith(key, GID) ? gid : undefined;
      if (owner !== undefined && parseDecimal(toByteString(value)) !== owner) findings.hasOtherOwner = true;
    }
  }
  return findings;
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return bytes.length >= prefix.length && equalBytes(prefix, bytes, 0, prefix.length);
}

/** Adds the entries to a tree as the runtime does. The target of a hard link must be in it at that time. */
function checkHardLinks(files: Iterable<FileEntry>, count: number, found: ProblemCollector): void {
  const table = new PathTable(MIN_PATHS + PATHS_PER_ENTRY * count, count);
  const path = new PathNames();
  for (const file of files) {
    if (file.type === 'hardlink') {
      const target = table.find(path.set(file.linkName));
      if (target === ABSENT) found.add('hard-link-target-missing', 'pulled-whole', file);
      else table.link(path.set(file.name), target);
    } else {
      path.set(file.name);
      // A directory keeps what earlier entries put in it.
      if (file.type !== 'dir' || table.find(path) === ABSENT) table.add(path);
    }
    // No real image has names with this many directories.
    if (table.isFull) return;
  }
}

function checkBelowSymlinks(files: Iterable<FileEntry>, directories: readonly string[], found: ProblemCollector): void {
  if (directories.length === 0) return;
  const links = new SymlinkTracker(directories);
  links.add(files);
  const below = new Set(links.linksAmong(directories));
  if (below.size === 0) return;
  const path = new PathNames();
  for (const file of files) {
    if (file.type !== 'symlink') continue;
    path.set(file.name);
    if (below.delete(path.join(path.length))) found.add('entries-below-symlink', 'shown-differently', file);
  }
}

/** Every span but the last must have bytes and content (fs/span-manager/span_manager.go, `New` and `buildAllSpans`). */
function checkSpans(ztoc: ZtocHead, found: ProblemCollector): void {
  if (ztoc.compressedArchiveSize === 0) found.add('empty-span', 'pulled-whole');
  for (const { id, uncompressedStart, uncompressedEnd } of listSpans(ztoc)) {
    if (id < ztoc.maxSpanId && uncompressedStart >= uncompressedEnd) found.add('empty-span', 'pulled-whole');
  }
}

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
class ProblemCollector {
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
  return new TextDecoder().decode(name.subarray(0, MAX_SHOWN_PATH));
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
