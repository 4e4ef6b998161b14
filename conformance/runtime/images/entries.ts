// Archives of odd files, written field by field, so that no tar program normalizes them.

import { type Bytes, concat, paxHeader, type Random, TAR_END, tarEntry, toBytes } from '@soci/test-content';

/** An entry of an archive. */
export interface Entry {
  readonly path: Bytes;
  /** @default 'file' */
  readonly type?: keyof typeof TYPES;
  /** Content of a file. @default empty */
  readonly content?: Bytes;
  /** @default 0o755 for folders, 0o644 for others */
  readonly mode?: number;
  /** User and group. @default [0, 0] */
  readonly owner?: readonly [user: number, group: number];
  /** Modification time in seconds. A text has a fraction, which needs PAX. @default 1,700,000,000 */
  readonly time?: number | string;
  /** Target of a link. */
  readonly target?: string;
  /** Major and minor number. */
  readonly device?: readonly [major: number, minor: number];
  /** Extended attributes. They need PAX. */
  readonly xattrs?: Readonly<Record<string, Bytes>>;
  /** Other PAX records. */
  readonly records?: ReadonlyArray<readonly [key: string, value: Bytes]>;
}

const TYPES = { file: '0', link: '1', symlink: '2', character: '3', block: '4', folder: '5', fifo: '6' } as const;

/** Format of long names, large numbers and attributes. */
export type ArchiveFormat = 'pax' | 'gnu' | 'ustar';

/** Size of the fields for names and link targets in a header. */
const NAME_SIZE = 100;

/** Largest owner that fits into seven octal digits. */
const MAX_OWNER = 0o7777777;

/** Largest device number that fits into seven octal digits. */
const MAX_TIME = 0o77777777777;

/** Returns an archive of the entries, in their order. */
export function packArchive(format: ArchiveFormat, entries: readonly Entry[]): Uint8Array {
  return concat(...entries.map((entry) => packEntry(format, entry)), TAR_END);
}

function packEntry(format: ArchiveFormat, entry: Entry): Uint8Array {
  const { type = 'file', content = '', owner = [0, 0], time = 1_700_000_000, target = '', device = [0, 0] } = entry;
  const path = toBytes(entry.path);
  const extensions: Uint8Array[] = [];
  const records: [Bytes, Bytes][] = [];
  if (path.length > NAME_SIZE) {
    if (format === 'gnu') extensions.push(gnuLongName('L', path));
    else records.push(['path', path]);
  }
  if (Buffer.byteLength(target) > NAME_SIZE) {
    if (format === 'gnu') extensions.push(gnuLongName('K', toBytes(target)));
    else records.push(['linkpath', target]);
  }
  const [user, group] = owner;
  if (format === 'pax') {
    if (user > MAX_OWNER) records.push(['uid', String(user)]);
    if (group > MAX_OWNER) records.push(['gid', String(group)]);
    if (typeof time === 'string' || time < 0 || time > MAX_TIME) records.push(['mtime', String(time)]);
    for (const [name, value] of Object.entries(entry.xattrs ?? {})) records.push([`SCHILY.xattr.${name}`, value]);
    records.push(...(entry.records ?? []).map(([key, value]): [Bytes, Bytes] => [key, value]));
  }
  if (records.length > 0) extensions.push(paxHeader(records));
  const seconds = Math.trunc(Number(time));
  return concat(
    ...extensions,
    tarEntry(
      {
        format: format === 'gnu' ? 'gnu' : 'ustar',
        name: path.subarray(0, NAME_SIZE),
        type: TYPES[type],
        mode: entry.mode ?? (type === 'folder' ? 0o755 : 0o644),
        uid: fitting(user, MAX_OWNER),
        gid: fitting(group, MAX_OWNER),
        modTime: seconds >= 0 && seconds <= MAX_TIME ? seconds : 0,
        linkName: toBytes(target).subarray(0, NAME_SIZE),
        devMajor: device[0],
        devMinor: device[1],
      },
      content,
    ),
  );
}

function fitting(value: number, max: number): number {
  return value <= max ? value : 0;
}

/** Returns the entry of GNU tar that precedes one with a long name (`L`) or link target (`K`). */
function gnuLongName(type: 'K' | 'L', value: Uint8Array): Uint8Array {
  return tarEntry({ format: 'gnu', name: '././@LongLink', type, mode: 0, modTime: 0 }, concat(value, '\0'));
}

/** A region of a sparse file that has data. */
export interface DataRegion {
  readonly offset: number;
  readonly content: Uint8Array;
}

/** Returns a sparse file in the format of PAX, version 1.0 (GNU tar manual, "Storing Sparse Files"). */
export function packPaxSparseFile(path: string, size: number, regions: readonly DataRegion[]): Uint8Array {
  const map = [regions.length, ...regions.flatMap(({ offset, content }) => [offset, content.length])].join('\n');
  const padded = new Uint8Array(Math.ceil((map.length + 1) / 512) * 512);
  padded.set(toBytes(`${map}\n`));
  const records = [
    ['GNU.sparse.major', '1'],
    ['GNU.sparse.minor', '0'],
    ['GNU.sparse.name', path],
    ['GNU.sparse.realsize', String(size)],
  ] as const;
  const data = concat(padded, ...regions.map(({ content }) => content));
  return concat(paxHeader(records), tarEntry({ name: `GNUSparseFile.0/${path}` }, data));
}

const WORDS = 5_000;

/** Returns text of random words. It compresses about as well as the files of real images. */
export function makeText(random: Random, size: number): Uint8Array {
  const text = new Uint8Array(size);
  for (let at = 0; at < size; ) {
    // A word is determined by its number.
    let seed = random.below(WORDS) + 1;
    for (let length = 2 + (seed % 8); length > 0 && at < size; length--) {
      text[at++] = 0x61 + (seed % 26);
      seed = (seed * 31 + 7) % 7919;
    }
    if (at < size) text[at++] = random.below(12) === 0 ? 0x0a : 0x20;
  }
  return text;
}
