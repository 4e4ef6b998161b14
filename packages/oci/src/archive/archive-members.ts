import { OciError } from '../errors.ts';
import { type FileSpan, readAt } from '../layout/file-span.ts';
import { BLOCK_SIZE, paddedSize, parsePaxRecords, parseTarHeader, type TarHeader, trimmedText } from './tar-format.ts';

/** A member of an archive that could be part of a layout. */
export interface ArchiveMember {
  /** What it is, where it is no plain file: such a member is known but never read. */
  readonly unreadable?: string;
  /** Where its body begins in the archive. */
  readonly start: number;
  /** Length of its body in bytes. */
  readonly size: number;
}

/** Members of one archive, those that are no part of a layout included. */
const MAX_ARCHIVE_MEMBERS = 100_000;

/** Bytes of one PAX header or GNU long name. Names in a layout have less than two hundred. */
const MAX_ARCHIVE_HEADER = 1 << 20;

const LAYOUT_NAME = /^(?:oci-layout|index\.json|manifest\.json|blobs\/[^/]+\/[^/]+)$/;

const MAGICS: readonly (readonly [string, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a]],
  ['bzip2', [0x42, 0x5a, 0x68]],
];

const KINDS: Readonly<Record<string, string>> = {
  1: 'a hard link',
  2: 'a symbolic link',
  3: 'a device',
  4: 'a device',
  5: 'a folder',
  6: 'a pipe',
  S: 'a sparse file',
};

/**
 * Finds the members of a tar archive that make up a layout by its headers; of a name that stands twice the last counts.
 *
 * @throws OciError `ARCHIVE_INVALID`, naming the byte; `LIMIT_EXCEEDED`.
 */
export async function findMembers(archive: FileSpan, name: string): Promise<ReadonlyMap<string, ArchiveMember>> {
  await refuseCompressed(archive, name);
  const members = new Map<string, ArchiveMember>();
  let override: { name?: string; size?: number; sparse?: boolean } = {};
  let count = 0;
  let offset = 0;

  while (offset + BLOCK_SIZE <= archive.size) {
    const header = parseTarHeader(await readAt(archive, offset, BLOCK_SIZE, name), offset);
    if (header === undefined) return members;
    count += 1;
    if (count > MAX_ARCHIVE_MEMBERS) {
      throw new OciError('LIMIT_EXCEEDED', `${name} has more than ${MAX_ARCHIVE_MEMBERS} members`);
    }
    const start = offset + BLOCK_SIZE;
    const isMeta = 'xgLK'.includes(header.type);
    const size = bodySize(header, isMeta ? undefined : override.size);
    if (size > archive.size - start) {
      const found = `${size} bytes are announced at byte ${offset}, ${archive.size - start} are left`;
      throw new OciError('ARCHIVE_INVALID', `${name} is cut short: ${found}`);
    }
    if (isMeta) {
      override = { ...override, ...(await readMeta(header, start)) };
    } else {
      const path = (override.name ?? header.name).replace(/^(?:\.\/+)+/, '');
      if (LAYOUT_NAME.test(path)) {
        const kind = override.sparse ? KINDS.S : KINDS[header.type];
        members.set(path, { start, size, ...(kind !== undefined && { unreadable: kind }) });
      }
      override = {};
    }
    offset = start + paddedSize(size);
  }
  if (offset === 0 || offset < archive.size) {
    const found = `${Math.max(0, archive.size - offset)} bytes stand where a header should be, at byte ${offset}`;
    throw new OciError('ARCHIVE_INVALID', `${name} is no tar archive, or cut short: ${found}`);
  }
  return members;

  async function readMeta(header: TarHeader, start: number): Promise<typeof override> {
    if (header.size > MAX_ARCHIVE_HEADER) {
      const message = `the header at byte ${start - BLOCK_SIZE} of ${name} has ${header.size} bytes: the limit is ${MAX_ARCHIVE_HEADER}`;
      throw new OciError('LIMIT_EXCEEDED', message);
    }
    const body = await readAt(archive, start, header.size, name);
    if (header.type === 'L') return { name: trimmedText(body) };
    if (header.type === 'K') return {};
    const records = parsePaxRecords(body, start);
    const path = records.get('path');
    const size = records.get('size');
    if (header.type === 'g') {
      if (path === undefined && size === undefined) return {};
      throw new OciError('ARCHIVE_INVALID', `the global PAX header at byte ${start} of ${name} names a path or a size`);
    }
    if (size !== undefined && !(/^[0-9]{1,16}$/.test(size) && Number.isSafeInteger(Number(size)))) {
      throw new OciError('ARCHIVE_INVALID', `the PAX header at byte ${start} of ${name} has no valid size`);
    }
    return {
      ...(path !== undefined && { name: path }),
      ...(size !== undefined && { size: Number(size) }),
      sparse: [...records.keys()].some((key) => key.startsWith('GNU.sparse.')),
    };
  }
}

/** Links, devices, folders and pipes have no body, whatever their header says. */
function bodySize(header: TarHeader, override: number | undefined): number {
  return '123456'.includes(header.type) ? 0 : (override ?? header.size);
}

async function refuseCompressed(archive: FileSpan, name: string): Promise<void> {
  const head = await readAt(archive, 0, Math.min(8, archive.size), name);
  const match = MAGICS.find(([, magic]) => magic.every((byte, position) => head[position] === byte));
  if (match === undefined) return;
  const message = `${name} is compressed by ${match[0]}, which leaves no way to read parts of it: decompress it first`;
  throw new OciError('ARCHIVE_INVALID', message);
}
