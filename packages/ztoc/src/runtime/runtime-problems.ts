import { equalBytes, fromByteString, toByteString } from '../byte-strings.ts';
import { PathNames } from '../paths/path-names.ts';
import { PathSet } from '../paths/path-table.ts';
import { storedSize } from '../read/file-extents.ts';
import { listSpans } from '../spans/list-spans.ts';
import { parseDecimal } from '../tar/numbers.ts';
import { BLOCK_SIZE, paddingAfter } from '../tar/tar-format.ts';
import type { FileEntry, TarInteger, Ztoc } from '../ztoc.ts';
import { DecodedNames, ENTRY_TYPE, type EntryNames } from './entry-names.ts';
import { findImpliedDirectories, SymlinkTracker } from './implied-directories.ts';
import { checkHardLinks, findReplaced, mayLinkDirectories } from './layer-tree.ts';
import {
  ProblemCollector,
  type RuntimeEffect,
  type RuntimeProblem,
  type RuntimeProblemCode,
} from './runtime-problem.ts';

/** A zTOC without its entries. */
type ZtocHead = Omit<Ztoc, 'files'>;

/** Result of {@link checkRuntime}. */
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

/** What is known of the paths of a layer without a table of them. */
export interface PathFindings {
  /** Whether an entry came before the entry of its directory, if the layer has that one. */
  readonly mayBeImplied: boolean;
  /** Whether a hard link may have no target before it. */
  readonly mayLackTarget: boolean;
}

/** Maximum length of a key of bbolt, the runtime's database (bbolt, `MaxKeySize`). */
const MAX_XATTR_NAME = 32_768;

/**
 * Finds what soci-snapshotter v0.16.1 rejects in a zTOC, or shows differently than an unpacked layer. Such a zTOC is valid:
 * files read through it equal those of the layer. Uses only the table of contents, so it does not find user and group IDs
 * above 2^32 - 1 in tar headers without PAX records. A file that a later entry replaces counts only for problems with the
 * effect `pulled-whole`, unless a hard link keeps it.
 *
 * @returns The problems, worst first, one for each code and effect.
 * @throws {ZtocError} `ZTOC_INVALID` if the spans of the zTOC are inconsistent.
 */
export function findRuntimeProblems(ztoc: Ztoc): readonly RuntimeProblem[] {
  return checkRuntime(ztoc, ztoc.files).problems;
}

/**
 * Checks a zTOC like {@link findRuntimeProblems}, and finds directories that no entry describes. `buildZtoc` returns the same
 * findings, faster.
 * @param files The entries of the zTOC. They are iterated several times: `decodeZtocFiles` returns them one at a time.
 * @throws {ZtocError} `ZTOC_INVALID` if the spans of the zTOC are inconsistent.
 */
export function checkRuntime(ztoc: ZtocHead, files: Iterable<FileEntry>): RuntimeFindings {
  const checker = new RuntimeChecker();
  for (const file of files) checker.add(file);
  return checker.finish(ztoc, files);
}

/**
 * Checks entries while a zTOC is built. Most rules need an entry only once. The others are applied at the end, if the layer
 * has directories that no entry describes, hard links that may have no target, or files that cannot be read (about 64 bytes
 * of memory for each entry).
 *
 * @see soci-snapshotter, ztoc/ztoc_marshaler.go, `flatbufferToTOC`; metadata/reader.go, `initNodes`; metadata/db.go,
 * `writeNodeEntry`; fs/reader/reader.go, `Verify`; fs/span-manager/span_manager.go, `New`
 */
export class RuntimeChecker {
  readonly #found = new ProblemCollector();
  readonly #paths: PathFindings | undefined;
  #count = 0;
  #hasHardLinks = false;
  #isUnsorted = false;
  /** Offset at which the runtime expects the next header, and its real offset if the zTOC contains it. */
  #expected = 0;
  #actual: number | undefined = 0;
  #previous: FileEntry | undefined;
  /** Whether a problem matters only if a container sees the file of its entry. */
  #hasProblemOfFile = false;
  /** 1 for each entry that a later one replaces. Known only in a second check. */
  #replaced: Uint8Array | undefined;

  /** @param paths What is known of the paths of all entries at the end. @default nothing, so they are checked at the end */
  constructor(paths?: PathFindings) {
    this.#paths = paths;
  }

  /** Returns whether the next entry, if its header is at `offset`, can be added with {@link addPlain}. */
  expectsHeader(offset: number): boolean {
    const expected = this.#expected;
    return expected <= offset && (this.#actual ?? expected) === expected;
  }

  /** Adds an entry without PAX records, and with values that a zTOC can contain. @param end Offset after its content. */
  addPlain(end: number): void {
    this.#count += 1;
    this.#expected = end + paddingAfter(end);
    this.#actual = this.#expected;
    this.#previous = undefined;
  }

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
      if (isMoved && offset >= expected) this.#addOfFile('header-not-found', 'unreadable-files', file);
      if (file.modTime === '' || records.hasOtherOwner || hasOtherType(file.mode)) {
        this.#addOfFile('attributes-differ', 'unreadable-files', file);
      }
    }
    // The runtime stores the first attribute, in random order, in another way than the others (metadata/db.go).
    if (records.xattrs > 1 && records.hasInvalidXattr) found.add('xattr-name-invalid', 'pulled-whole', file);
    if (records.xattrs > 1 && records.hasEmptyXattr) {
      this.#addOfFile('xattr-empty', isContent ? 'unreadable-files' : 'shown-differently', file);
    }
    const stored = type !== 'reg' ? 0 : records.isSparse ? storedSizeOf(file) : size;
    if (isContent && stored !== size) this.#addOfFile('sparse-file', 'unreadable-files', file);
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
   * @param names - The names of these entries.
   * @throws {ZtocError} `ZTOC_INVALID` if the spans of the zTOC are inconsistent.
   */
  finish(ztoc: ZtocHead, files: Iterable<FileEntry>, names: EntryNames = new DecodedNames(files)): RuntimeFindings {
    if (this.#isUnsorted) return checkSorted(ztoc, files);
    if (this.#hasProblemOfFile && this.#replaced === undefined) {
      const replaced = findReplaced(files, this.#count);
      if (replaced !== undefined) {
        const again = new RuntimeChecker();
        again.#replaced = replaced;
        for (const file of files) again.add(file);
        return again.finish(ztoc, files, names);
      }
    }
    const found = this.#found;
    const paths = this.#paths;
    const mayFindHardLinks = paths ? paths.mayLackTarget || mayLinkDirectories(names) : this.#hasHardLinks;
    if (mayFindHardLinks) checkHardLinks(files, this.#count, found);
    const impliedDirectories = (paths?.mayBeImplied ?? true) ? findImpliedDirectories(names) : [];
    checkBelowSymlinks(files, names, impliedDirectories, found);
    checkSpans(ztoc, found);
    return { problems: found.problems(), impliedDirectories };
  }

  /** Adds a problem that matters only if a container sees the file of the entry. */
  #addOfFile(code: RuntimeProblemCode, effect: RuntimeEffect, file: FileEntry): void {
    this.#hasProblemOfFile = true;
    if (this.#replaced?.[this.#count] !== 1) this.#found.add(code, effect, file);
  }
}

/** Checks the entries in the order of their offsets, as the runtime reads them. Archive order is almost always this order. */
function checkSorted(ztoc: ZtocHead, files: Iterable<FileEntry>): RuntimeFindings {
  return checkRuntime(
    ztoc,
    [...files].sort((a, b) => a.uncompressedOffset - b.uncompressedOffset),
  );
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

function checkBelowSymlinks(
  files: Iterable<FileEntry>,
  names: EntryNames,
  directories: readonly string[],
  found: ProblemCollector,
): void {
  if (!haveSymlink(directories, names)) return;
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

/** Returns whether one of some paths is that of a symbolic link. Few layers have one, and this decodes no entry. */
function haveSymlink(paths: readonly string[], names: EntryNames): boolean {
  if (paths.length === 0) return false;
  const known = new PathSet();
  const path = new PathNames();
  for (const name of paths) known.add(path.set(fromByteString(name)).hash);
  let isFound = false;
  names.visitNames((bytes, start, end) => {
    isFound ||= known.has(path.set(bytes, start, end).hash);
  }, ENTRY_TYPE.symlink);
  return isFound;
}

/** Every span but the last must have bytes and content (fs/span-manager/span_manager.go, `New` and `buildAllSpans`). */
function checkSpans(ztoc: ZtocHead, found: ProblemCollector): void {
  if (ztoc.compressedArchiveSize === 0) found.add('empty-span', 'pulled-whole');
  for (const { id, uncompressedStart, uncompressedEnd } of listSpans(ztoc)) {
    if (id < ztoc.maxSpanId && uncompressedStart >= uncompressedEnd) found.add('empty-span', 'pulled-whole');
  }
}
