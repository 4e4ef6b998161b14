import { posix } from 'node:path';
import { digestOf } from '@soci/oci';
import type { FileEntry, ReadRange } from '@soci/ztoc';
import { SociIndexError } from '../errors.ts';
import type { ImageFile, ImageFilesystem } from '../filesystem/image-filesystem.ts';
import type { ProfileFile } from '../profile/start-profile.ts';

/** What the start of a container reads in the layers of an image. */
export interface FoundReads {
  /** For each file of the profile, whether the image has it. */
  readonly isFound: readonly boolean[];
  /** Ranges by layer digest: sorted, not overlapping. */
  readonly reads: ReadonlyMap<string, readonly ReadRange[]>;
}

/** Version of {@link digestReads}, and of the choice of spans for the same ranges. */
const READS_VERSION = '1';

/**
 * Finds the files of a profile in the merged layers of an image, as a container sees them: through symbolic and hard links,
 * without removed files. A file that does not exist, is not a regular file, or is in a layer that cannot be read, is not found.
 *
 * The runtime reads the header of a file when it first reads the file, so the ranges contain it (soci-snapshotter v0.16.1,
 * fs/reader/reader.go, `verify`).
 *
 * @throws Errors of the store; the abort reason of the signal.
 */
export async function findReads(
  files: ImageFilesystem,
  profile: readonly ProfileFile[],
  signal: AbortSignal | undefined,
): Promise<FoundReads> {
  const found = new Map<string, { readonly layer: ImageFile; readonly files: Map<FileEntry, ProfileFile[]> }>();
  const isFound: boolean[] = [];
  const finder = new FileFinder(files);
  for (const wanted of profile) {
    signal?.throwIfAborted();
    const file = await finder.find(wanted.path);
    isFound.push(file !== undefined);
    if (file?.entry === undefined) continue;
    const layer = found.get(file.layer.digest) ?? { layer: file, files: new Map() };
    layer.files.set(file.entry, [...(layer.files.get(file.entry) ?? []), wanted]);
    found.set(file.layer.digest, layer);
  }
  const reads = new Map<string, readonly ReadRange[]>();
  for (const [digest, { layer, files }] of found) reads.set(digest, rangesOfFiles(layer, files));
  return { isFound, reads };
}

/** Finds regular files by their paths. Resolves the links of each directory once: a profile can have 100,000 files. */
class FileFinder {
  readonly #files: ImageFilesystem;
  /** Directories without links, by their path; undefined if one cannot be resolved. */
  readonly #directories = new Map<string, string | undefined>();

  constructor(files: ImageFilesystem) {
    this.#files = files;
  }

  /** Returns the file at a path. Follows links. */
  async find(path: string): Promise<ImageFile | undefined> {
    const { dir, base } = posix.parse(posix.resolve('/', path));
    if (!this.#directories.has(dir)) {
      this.#directories.set(dir, await ignoreMissing(() => this.#files.realpath(dir)));
    }
    const directory = this.#directories.get(dir);
    if (directory === undefined) return undefined;
    const resolved = posix.join(directory, base);
    const file = await ignoreMissing(() => this.#files.lookup(resolved));
    const type = file?.entry?.type;
    if (type === 'reg') return file;
    if (type !== 'symlink' && type !== 'hardlink') return undefined;
    const target = await ignoreMissing(() => this.#files.lookup(resolved, { followSymlinks: true }));
    return target?.entry?.type === 'reg' ? target : undefined;
  }
}

/** Returns undefined instead of failing for loops of links, and for files that may be in a layer that cannot be read. */
async function ignoreMissing<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    const isMissing =
      error instanceof SociIndexError && (error.code === 'SYMLINK_LOOP' || error.code === 'LAYER_UNREADABLE');
    if (isMissing) return undefined;
    throw error;
  }
}

function rangesOfFiles(
  { reader }: ImageFile,
  wanted: ReadonlyMap<FileEntry, readonly ProfileFile[]>,
): readonly ReadRange[] {
  const ranges: ReadRange[] = [];
  for (const [entry, files] of wanted) {
    const { uncompressedOffset: start, uncompressedSize: size } = entry;
    ranges.push({ start: reader.headerOffset(entry), end: start });
    for (const { ranges: parts = [{ offset: 0, length: size }] } of files) {
      for (const { offset, length } of parts) {
        ranges.push({ start: start + Math.min(offset, size), end: start + Math.min(offset + length, size) });
      }
    }
  }
  const { uncompressedArchiveSize } = reader.ztoc;
  return mergeReads(ranges.map((range) => ({ ...range, end: Math.min(range.end, uncompressedArchiveSize) })));
}

/** Sorts ranges and merges those that overlap or are adjacent. Drops empty ones. */
export function mergeReads(ranges: readonly ReadRange[]): readonly ReadRange[] {
  const merged: { start: number; end: number }[] = [];
  for (const { start, end } of ranges.toSorted((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (start >= end) continue;
    if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end);
    else merged.push({ start, end });
  }
  return merged;
}

/** Returns the value of `ANNOTATION_READS_DIGEST` for what is read in a layer. docs/formats.md describes it. */
export function digestReads(reads: readonly ReadRange[]): string {
  const document = { schemaVersion: READS_VERSION, reads: reads.map(({ start, end }) => [start, end]) };
  return digestOf(new TextEncoder().encode(JSON.stringify(document)));
}
