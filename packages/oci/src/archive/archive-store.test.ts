import { execFileSync } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describeContent, drain, goldenLayoutPath, hasProgram, streamOf, toBytes } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { describe, expect, test } from 'vitest';
import { walkContent } from '../walk.ts';
import { openArchive } from './archive-store.ts';
import { BLOCK_SIZE, checksums, formatMemberHeader, formatPaxRecord } from './tar-format.ts';

const temp = temporaryFolder();
const MARK = toBytes('{"imageLayoutVersion":"1.0.0"}');
const INDEX = toBytes('{"schemaVersion":2,"manifests":[]}');
const END = new Uint8Array(2 * BLOCK_SIZE);
let count = 0;

function write(...parts: readonly Uint8Array[]): string {
  count += 1;
  const path = join(temp, `${count}.tar`);
  writeFileSync(path, Buffer.concat(parts));
  return path;
}

/** Returns a member as the writer creates it, with its header modified by `change`. */
function member(name: string, content: Uint8Array, change: (header: Buffer) => void = () => {}): Uint8Array {
  const header = Buffer.from(formatMemberHeader(name, content.length));
  change(header);
  header.write(`${checksums(header).unsigned.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return Buffer.concat([header, content, new Uint8Array((BLOCK_SIZE - (content.length % BLOCK_SIZE)) % BLOCK_SIZE)]);
}

const typed = (type: string) => (header: Buffer) => void header.write(type, 156, 'latin1');
const mark = member('oci-layout', MARK);
const index = member('index.json', INDEX);

async function rootsOf(path: string): Promise<number> {
  const archive = await openArchive(path);
  try {
    return (await archive.roots()).length;
  } finally {
    await archive.close();
  }
}

describe('archives from other programs', () => {
  test.skipIf(!hasProgram('tar')).each([
    ['GNU', ['--format=gnu']],
    ['GNU, names that start with ./', ['--format=gnu', '.']],
    ['PAX', ['--format=pax']],
    ['ustar', ['--format=ustar']],
    ['v7', ['--format=v7']],
  ])('reads %s format (needs tar)', async (_, [format, ...names]) => {
    const path = write();
    const folder = goldenLayoutPath('multi');
    const listed = names.length > 0 ? names : ['blobs', 'index.json', 'oci-layout'];
    execFileSync('tar', ['-cf', path, format as string, '-C', folder, ...listed]);
    const archive = await openArchive(path);
    const root = await archive.resolve();
    let blobs = 0;
    for await (const { descriptor } of walkContent(archive, root)) {
      const bytes = await drain(archive.fetch(descriptor));
      expect(describeContent(descriptor.mediaType, bytes)).toMatchObject({ digest: descriptor.digest });
      expect(Buffer.from(await archive.fetchRange(descriptor, { offset: 1, length: 9 }))).toEqual(
        bytes.subarray(1, 10),
      );
      blobs += 1;
    }
    expect(blobs).toBe(8);
    await archive.close();
  });

  test('GNU long names and PAX paths apply to the next member', async () => {
    const long = member('././@LongLink', toBytes('./index.json\0'), typed('L'));
    const pax = member('PaxHeaders/x', Buffer.from(formatPaxRecord('path', 'oci-layout')), typed('x'));
    expect(await rootsOf(write(pax, member('cut', MARK), long, member('cut', INDEX), END))).toBe(0);
  });

  test('a ustar prefix is part of the name, GNU times at the same offset are not', async () => {
    const prefixed = member('index.json', toBytes('other'), (header) => void header.write('elsewhere', 345));
    const gnu = member('index.json', INDEX, (header) => {
      header.write('ustar  \0', 257, 'latin1');
      header.write('14572134561\0', 345, 'latin1');
    });
    expect(await rootsOf(write(mark, prefixed, gnu, END))).toBe(0);
  });

  test('reads sizes in base 256 and from PAX records', async () => {
    const binary = member('oci-layout', MARK, (header) => {
      header.fill(0, 124, 136)[124] = 0x80;
      header.writeUInt8(MARK.length, 135);
    });
    const pax = member('PaxHeaders/x', Buffer.from(formatPaxRecord('size', String(INDEX.length))), typed('x'));
    const sized = member('index.json', INDEX, (header) => void header.write('00000000000\0', 124, 'latin1'));
    expect(await rootsOf(write(binary, pax, sized, END))).toBe(0);
  });

  test('the last of several members with the same name wins', async () => {
    expect(await rootsOf(write(mark, member('index.json', toBytes('{')), index, END))).toBe(0);
  });

  test('ignores members that do not belong to a layout, and data after the end', async () => {
    const stray = [member('../../etc/passwd', toBytes('x')), member('/index.json', toBytes('x')), member('a', MARK)];
    expect(
      await rootsOf(
        write(
          ...stray,
          mark,
          member('pax_global_header', Buffer.from(formatPaxRecord('comment', 'c')), typed('g')),
          index,
          END,
          toBytes('junk'),
        ),
      ),
    ).toBe(0);
  });

  test('accepts an archive without zero blocks at its end', async () => {
    expect(await rootsOf(write(mark, index))).toBe(0);
  });
});

describe('hostile archives', () => {
  const huge = (header: Buffer) => void header.write('77777777777\0', 124, 'latin1');
  test.each([
    ['nothing', [], 'ARCHIVE_INVALID', 'truncated or not a tar archive'],
    ['half a header', [mark.subarray(0, 300)], 'ARCHIVE_INVALID', 'expected a header at byte 0, found 300 bytes'],
    ['text', [Buffer.alloc(2048, 'text ')], 'ARCHIVE_INVALID', 'no tar header at byte 0 of the archive'],
    ['xz', [Buffer.from('fd377a585a00', 'hex')], 'ARCHIVE_INVALID', 'Decompress it first: xz -dk FILE'],
    ['bzip2', [Buffer.from('BZh91AY')], 'ARCHIVE_INVALID', 'Decompress it first: bzip2 -dk FILE'],
    ['a changed header', [mark, index.with(3, 0x7a)], 'ARCHIVE_INVALID', 'no tar header at byte 1024 of the archive'],
    [
      'a truncated body',
      [mark, index.subarray(0, 520)],
      'ARCHIVE_INVALID',
      'the member at byte 1024 has 34 bytes, only 8 are left',
    ],
    ['a size of 8 GiB', [member('index.json', INDEX, huge)], 'ARCHIVE_INVALID', 'has 8589934591 bytes, only'],
    [
      'a negative size',
      [member('a', INDEX, (header) => header.fill(0xff, 124, 136))],
      'ARCHIVE_INVALID',
      'invalid size',
    ],
    [
      'a size past 2^53',
      [member('a', INDEX, (header) => header.fill(0x80, 124, 136))],
      'ARCHIVE_INVALID',
      'invalid size',
    ],
    [
      'a size that is not a number',
      [member('a', INDEX, (header) => header.fill('x', 124, 136))],
      'ARCHIVE_INVALID',
      'invalid size',
    ],
    [
      'a PAX header of 2 MiB',
      [member('x', new Uint8Array(2 << 20), typed('x'))],
      'LIMIT_EXCEEDED',
      'the limit of 1048576',
    ],
    ['a PAX record without end', [member('x', toBytes('99 path=a\n'), typed('x'))], 'ARCHIVE_INVALID', 'byte 512'],
    ['a PAX record of length 0', [member('x', toBytes('0 path=a\n'), typed('x'))], 'ARCHIVE_INVALID', 'malformed'],
    [
      'an invalid PAX size',
      [member('x', Buffer.from(formatPaxRecord('size', '-1')), typed('x'))],
      'ARCHIVE_INVALID',
      'size',
    ],
    [
      'a path in a global PAX header',
      [member('x', Buffer.from(formatPaxRecord('path', 'a')), typed('g'))],
      'ARCHIVE_INVALID',
      'global',
    ],
    [
      'a symbolic link',
      [mark, member('index.json', new Uint8Array(), typed('2'))],
      'ARCHIVE_INVALID',
      'is a symbolic link',
    ],
    ['a directory', [mark, member('index.json', new Uint8Array(), typed('5'))], 'ARCHIVE_INVALID', 'is a directory'],
    ['no oci-layout file', [index, END], 'LAYOUT_INVALID', 'has no oci-layout'],
    ['no index', [mark, END], 'LAYOUT_INVALID', 'has no index.json'],
    ['a Docker archive', [member('manifest.json', toBytes('[]')), END], 'LAYOUT_INVALID', 'as docker-archive:'],
  ])('rejects %s', async (_, parts, code, words) => {
    const error = { code, message: expect.stringContaining(words) };
    await expect(rootsOf(write(...parts))).rejects.toMatchObject(error);
  });

  test('rejects a sparse file', async () => {
    const pax = member('PaxHeaders/x', Buffer.from(formatPaxRecord('GNU.sparse.major', '1')), typed('x'));
    await expect(rootsOf(write(mark, pax, index, END))).rejects.toMatchObject({
      message: expect.stringContaining('is a sparse file'),
    });
  });

  test('rejects more members than the limit', async () => {
    const path = write(member('a', new Uint8Array()));
    const header = readFileSync(path);
    writeFileSync(path, Buffer.concat(Array(100_001).fill(header)));
    await expect(openArchive(path)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    rmSync(path);
  });

  test('rejects a missing file and a folder', async () => {
    await expect(openArchive(join(temp, 'missing'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(openArchive(temp)).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
  });
});

describe('an archive that cannot be read in place', () => {
  const whole = Buffer.concat([mark, index, END]);
  const filesIn = (folder: string) => readdirSync(folder);
  const compressions = [
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ] as const;

  test.each(compressions)('is compressed with %s, whatever its name is', async (_, compress) => {
    expect(await rootsOf(write(compress(whole)))).toBe(0);
  });

  test.each(compressions)('consists of several %s streams', async (_, compress) => {
    expect(await rootsOf(write(compress(mark), compress(index), compress(END)))).toBe(0);
  });

  test.each([1, 3, 100, 10_000])('is a stream in chunks of %i bytes', async (size) => {
    const frames = Buffer.concat([zstdCompressSync(mark), zstdCompressSync(index), zstdCompressSync(END)]);
    for (const content of [whole, gzipSync(whole), frames]) {
      const archive = await openArchive(streamOf(content, size));
      expect(await archive.roots()).toEqual([]);
      await archive.close();
    }
  });

  test.skipIf(!hasProgram('mkfifo'))('is a named pipe (needs mkfifo)', async () => {
    const path = join(temp, 'pipe');
    execFileSync('mkfifo', [path]);
    const [roots] = await Promise.all([rootsOf(path), writeFile(path, whole)]);
    expect(roots).toBe(0);
  });

  test('has a temporary file without a name, in the folder of the option', async () => {
    const temporaryFolder = join(temp, 'spool');
    mkdirSync(temporaryFolder);
    const archive = await openArchive(write(gzipSync(whole)), { temporaryFolder });
    expect(filesIn(temporaryFolder)).toEqual([]);
    expect(await archive.roots()).toEqual([]);
    await archive.close();
    await expect(archive.roots()).rejects.toMatchObject({ code: 'READ_FAILED' });
  });

  test.each([
    ['damaged', gzipSync(whole).fill(0, 20, 40), 'ARCHIVE_INVALID', 'cannot be decompressed with gzip'],
    ['truncated', gzipSync(whole).subarray(0, -9), 'ARCHIVE_INVALID', 'cannot be decompressed with gzip'],
    ['truncated zstd', zstdCompressSync(whole).subarray(0, -9), 'ARCHIVE_INVALID', 'cannot be decompressed with zstd'],
    ['too large', gzipSync(new Uint8Array(1_000_001)), 'LIMIT_EXCEEDED', 'more than 1000000 bytes'],
    ['compressed twice', gzipSync(gzipSync(whole)), 'ARCHIVE_INVALID', 'not a tar archive'],
    ['no archive', gzipSync('text'), 'ARCHIVE_INVALID', 'not a tar archive'],
  ])('is rejected if it is %s', async (_, content, code, words) => {
    const temporaryFolder = join(temp, 'spool');
    const opened = openArchive(write(content), { temporaryFolder, maxTemporarySize: 1_000_000 });
    await expect(opened).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
    expect(filesIn(temporaryFolder)).toEqual([]);
  });

  test('fails with a remedy if no temporary file can be written', async () => {
    const opened = openArchive(streamOf(whole), { temporaryFolder: join(temp, 'missing') });
    await expect(opened).rejects.toMatchObject({ code: 'WRITE_FAILED', message: expect.stringContaining('TMPDIR') });
  });

  test('fails with the error of the stream, and ends it', async () => {
    async function* broken() {
      yield whole.subarray(0, 700);
      throw new Error('cable cut');
    }
    const opened = openArchive(broken(), { name: 'standard input' });
    await expect(opened).rejects.toMatchObject({ code: 'READ_FAILED', message: expect.stringContaining('cable cut') });
  });

  test('stops reading if the signal aborts', async () => {
    const controller = new AbortController();
    let ended = false;
    async function* endless() {
      try {
        for (let read = 0; ; read += 1) {
          if (read === 9) controller.abort(new Error('stopped'));
          yield whole;
        }
      } finally {
        ended = true;
      }
    }
    await expect(openArchive(endless(), { signal: controller.signal })).rejects.toThrow('stopped');
    await expect.poll(() => ended).toBe(true);
  });
});

test('reads the end of a member of 9 GiB', async () => {
  const size = 9 * 2 ** 30;
  const digest = `sha256:${'5'.repeat(64)}`;
  const path = write(mark, index, formatMemberHeader(`blobs/sha256/${'5'.repeat(64)}`, size));
  const start = readFileSync(path).length;
  const file = openSync(path, 'r+');
  ftruncateSync(file, start + size + END.length);
  writeSync(file, toBytes('far end'), 0, 7, start + size - 7);
  closeSync(file);
  const archive = await openArchive(path);
  const blob = { mediaType: 'application/octet-stream', digest, size };
  expect(await archive.fetchRange(blob, { offset: size - 7, length: 7 })).toEqual(toBytes('far end'));
  await archive.close();
  rmSync(path);
});
