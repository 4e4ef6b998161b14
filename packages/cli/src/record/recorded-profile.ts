import { isUtf8 } from 'node:buffer';
import { posix } from 'node:path';
import type { ImageFilesystem, ProfileFile, StartProfile } from '@soci/index';
import type { ByteRange } from '@soci/oci';
import type { FileEntry, ZtocReader } from '@soci/ztoc';
import type { LayerRecording, Recording } from './recording.ts';
import type { RecordingImage } from './recording-image.ts';

/** Size of a page of memory, in bytes. The kernel reads files in pages, counted from the start of the file. */
const PAGE_SIZE = 4096;
/** Size of a block of a tar archive, in bytes. */
const BLOCK_SIZE = 512;
/** Maximum length of a path in a profile, in bytes. */
const MAX_PATH_LENGTH = 4096;
/** Maximum number of ranges. With more, the profile names whole files. A profile can have 100,000. */
const MAX_RANGES = 50_000;

/** Result of {@link toStartProfile}. */
export interface RecordedProfile {
  readonly profile: StartProfile;
  /** Bytes of the files that were read. */
  readonly bytes: number;
  /** Files that were read but have a name that a profile cannot contain: it is not UTF-8, or longer than 4096 bytes. */
  readonly unnamed: number;
}

/** A file of a layer that was read. */
interface ReadFile {
  readonly entry: FileEntry;
  readonly ranges: readonly ByteRange[];
}

/**
 * Returns the files that the requested spans belong to, as the container sees them: without files that an upper layer removes
 * or replaces.
 *
 * @param openFiles - Opens the files of a platform.
 */
export async function toStartProfile(
  image: RecordingImage,
  recording: Recording,
  openFiles: (platform: RecordingImage['platforms'][number]) => Promise<ImageFilesystem>,
): Promise<RecordedProfile> {
  const files = new Map<string, ProfileFile>();
  let bytes = 0;
  const unnamed = new Set<FileEntry>();
  for (const platform of image.platforms.filter(({ config }) => recording.wasRequested(config))) {
    const filesystem = await openFiles(platform);
    for (const { layer, reader } of await filesystem.indexedLayers()) {
      const recorded = recording.layers.get(layer.digest);
      if (recorded === undefined) continue;
      const links = groupHardLinks(reader);
      for (const { entry, ranges } of findReadFiles(reader, recorded, image.spanSize)) {
        const names = [entry, ...(links.get(entry) ?? [])];
        const path = await findVisiblePath(filesystem, layer.digest, names);
        if (path === 'unnamed') unnamed.add(entry);
        if (path === undefined || path === 'unnamed' || files.has(path)) continue;
        files.set(path, toProfileFile(path, entry, ranges));
        bytes += ranges.reduce((sum, { length }) => sum + length, 0);
      }
    }
  }
  return { profile: { files: limitRanges([...files.values()]), origin: 'recorded' }, bytes, unnamed: unnamed.size };
}

/** Counts the files that were read. Faster than {@link toStartProfile}, for the progress. */
export function countReadFiles(reader: ZtocReader, recorded: LayerRecording, spanSize: number): number {
  let count = 0;
  for (const _ of findReadFiles(reader, recorded, spanSize)) count++;
  return count;
}

/**
 * Yields the files of a layer of which the container has read at least one page.
 *
 * A span can hold the ends of files that were not read. Two facts tell them apart. Before the first read of a file, the
 * snapshotter reads its header in the archive, to verify the zTOC. And the kernel reads whole pages: a page was read only
 * if all spans that hold a part of it were requested. What remains are files that are smaller than a span and next to a
 * file that was read.
 *
 * @see soci-snapshotter v0.16.1, fs/reader/reader.go, `ReadAt` and `Verify`
 */
function* findReadFiles(
  reader: ZtocReader,
  recorded: LayerRecording,
  spanSize: number,
): Generator<ReadFile, void, undefined> {
  const wereRead = (start: number, end: number) => {
    for (let span = Math.floor(start / spanSize); span * spanSize < end; span++)
      if (!recorded.wasRead(span)) return false;
    return true;
  };
  for (const entry of reader.list()) {
    const { uncompressedOffset: start, uncompressedSize: size } = entry;
    if (entry.type !== 'reg' || size === 0 || !wereRead(start - BLOCK_SIZE, start)) continue;
    const ranges: { offset: number; length: number }[] = [];
    for (let offset = 0; offset < size; offset += PAGE_SIZE) {
      const length = Math.min(PAGE_SIZE, size - offset);
      if (!wereRead(start + offset, start + offset + length)) continue;
      const last = ranges.at(-1);
      if (last !== undefined && last.offset + last.length === offset) last.length += length;
      else ranges.push({ offset, length });
    }
    if (ranges.length > 0) yield { entry, ranges };
  }
}

/** Groups the hard links of a layer by the files that have their content. */
function groupHardLinks(reader: ZtocReader): ReadonlyMap<FileEntry, readonly FileEntry[]> {
  const groups = new Map<FileEntry, FileEntry[]>();
  for (const link of reader.list()) {
    let target: FileEntry | undefined = link;
    while (target?.type === 'hardlink') target = reader.hardLinkTarget(target);
    if (target === undefined || target === link) continue;
    const group = groups.get(target) ?? [];
    group.push(link);
    groups.set(target, group);
  }
  return groups;
}

/**
 * Returns the first path under which the container sees a file of a layer. A file and the hard links to it have the same
 * content, so one path is enough.
 *
 * @param names - The file and the hard links to it.
 * @returns `unnamed` if a profile cannot contain the names that are left, `undefined` if upper layers hide all names.
 */
async function findVisiblePath(
  filesystem: ImageFilesystem,
  layer: string,
  names: readonly FileEntry[],
): Promise<string | 'unnamed' | undefined> {
  let isUnnamed = false;
  for (const entry of names) {
    if (!isUtf8(entry.name) || entry.name.length > MAX_PATH_LENGTH) {
      isUnnamed = true;
      continue;
    }
    const path = posix.resolve('/', `/${Buffer.from(entry.name).toString()}`);
    const found = await filesystem.lookup(path);
    if (found?.layer.digest === layer && found.entry?.uncompressedOffset === entry.uncompressedOffset) return path;
  }
  return isUnnamed ? 'unnamed' : undefined;
}

function toProfileFile(path: string, { uncompressedSize }: FileEntry, ranges: readonly ByteRange[]): ProfileFile {
  const isWhole = ranges[0]?.length === uncompressedSize;
  return { path, ...(!isWhole && { ranges }) };
}

function limitRanges(files: readonly ProfileFile[]): readonly ProfileFile[] {
  const count = files.reduce((sum, { ranges = [] }) => sum + ranges.length, 0);
  return count <= MAX_RANGES ? files : files.map(({ path }) => ({ path }));
}
