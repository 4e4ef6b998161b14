import { posix } from 'node:path';
import { OciError } from '../errors.ts';
import { type FileSection, readSectionAt } from '../layout/file-section.ts';
import { BLOCK_SIZE, paddedSize, parsePaxRecords, parseTarHeader, type TarHeader, trimmedText } from './tar-format.ts';

/** A member of an archive. */
export interface ArchiveMember {
  /** Description of a member that is not a regular file, such as "a symbolic link". Reading it fails. */
  readonly unreadable?: string;
  /** Path of the target of a link: relative to the archive. Undefined if it leads out of the archive. */
  readonly target?: string;
  /** Offset of its body in the archive. */
  readonly start: number;
  /** Size of its body in bytes. */
  readonly size: number;
}

/** Maximum number of members of an archive, including those that do not belong to an image. */
const MAX_ARCHIVE_MEMBERS = 100_000;

/** Maximum size of a PAX header or GNU long name. Names in a layout have fewer than two hundred bytes. */
const MAX_ARCHIVE_HEADER = 1 << 20;

const TYPE_NAMES: Readonly<Record<string, string>> = {
  1: 'a hard link',
  2: 'a symbolic link',
  3: 'a device',
  4: 'a device',
  5: 'a directory',
  6: 'a pipe',
  S: 'a sparse file',
};

/**
 * Finds the members of a tar archive. If several members have the same name, the last one wins.
 *
 * @param isWanted - Selects members by path, without a leading `./`.
 * @throws OciError `ARCHIVE_INVALID`, with the byte offset; `LIMIT_EXCEEDED`.
 */
export async function findMembers(
  archive: FileSection,
  name: string,
  isWanted: (path: string) => boolean,
): Promise<ReadonlyMap<string, ArchiveMember>> {
  const members = new Map<string, ArchiveMember>();
  let override: { name?: string; linkName?: string; size?: number; sparse?: boolean } = {};
  let count = 0;
  let offset = 0;

  while (offset + BLOCK_SIZE <= archive.size) {
    const header = parseTarHeader(await readSectionAt(archive, offset, BLOCK_SIZE, name), offset);
    if (header === undefined) return members;
    count += 1;
    if (count > MAX_ARCHIVE_MEMBERS) {
      throw new OciError('LIMIT_EXCEEDED', `${name} exceeds the limit of ${MAX_ARCHIVE_MEMBERS} members`);
    }
    const start = offset + BLOCK_SIZE;
    const isExtension = 'xgLK'.includes(header.type);
    const size = bodySize(header, isExtension ? undefined : override.size);
    if (size > archive.size - start) {
      const found = `the member at byte ${offset} has ${size} bytes, only ${archive.size - start} are left`;
      throw new OciError('ARCHIVE_INVALID', `${name} is truncated: ${found}`);
    }
    if (isExtension) {
      override = { ...override, ...(await readExtension(header, start)) };
    } else {
      const path = (override.name ?? header.name).replace(/^(?:\.\/+)+/, '');
      if (isWanted(path)) {
        const type = override.sparse ? TYPE_NAMES.S : TYPE_NAMES[header.type];
        const target = targetOf(header, path, override.linkName ?? header.linkName ?? '');
        members.set(path, {
          start,
          size,
          ...(type !== undefined && { unreadable: type }),
          ...(target !== undefined && { target }),
        });
      }
      override = {};
    }
    offset = start + paddedSize(size);
  }
  if (offset === 0 || offset < archive.size) {
    const found = `expected a header at byte ${offset}, found ${Math.max(0, archive.size - offset)} bytes`;
    throw new OciError('ARCHIVE_INVALID', `${name} is truncated or not a tar archive: ${found}`);
  }
  return members;

  async function readExtension(header: TarHeader, start: number): Promise<typeof override> {
    if (header.size > MAX_ARCHIVE_HEADER) {
      const message = `the header at byte ${start - BLOCK_SIZE} of ${name} has ${header.size} bytes, more than the limit of ${MAX_ARCHIVE_HEADER}`;
      throw new OciError('LIMIT_EXCEEDED', message);
    }
    const body = await readSectionAt(archive, start, header.size, name);
    if (header.type === 'L') return { name: trimmedText(body) };
    if (header.type === 'K') return { linkName: trimmedText(body) };
    const records = parsePaxRecords(body, start);
    const path = records.get('path');
    const linkName = records.get('linkpath');
    const size = records.get('size');
    if (header.type === 'g') {
      if (path === undefined && size === undefined) return {};
      throw new OciError('ARCHIVE_INVALID', `the global PAX header at byte ${start} of ${name} sets a path or a size`);
    }
    if (size !== undefined && !(/^[0-9]{1,16}$/.test(size) && Number.isSafeInteger(Number(size)))) {
      throw new OciError('ARCHIVE_INVALID', `the PAX header at byte ${start} of ${name} has an invalid size`);
    }
    return {
      ...(path !== undefined && { name: path }),
      ...(linkName !== undefined && { linkName }),
      ...(size !== undefined && { size: Number(size) }),
      sparse: [...records.keys()].some((key) => key.startsWith('GNU.sparse.')),
    };
  }
}

/** Links, devices, directories and pipes have no body, even if their header has a size. */
function bodySize(header: TarHeader, override: number | undefined): number {
  return '123456'.includes(header.type) ? 0 : (override ?? header.size);
}

/**
 * Returns the path that a link refers to: relative to the folder of a symbolic link, or to the archive for a hard link.
 */
function targetOf({ type }: TarHeader, path: string, linkName: string): string | undefined {
  if ((type !== '1' && type !== '2') || linkName === '' || linkName.startsWith('/')) return undefined;
  const target = posix.join(type === '2' ? posix.dirname(path) : '.', linkName);
  return target.startsWith('../') ? undefined : target;
}
