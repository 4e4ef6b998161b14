import {
  type Bytes,
  base256,
  concat,
  type HeaderFields,
  paxHeader,
  paxRecord,
  TAR_END,
  tarEntry,
  tarHeader,
} from '@soci/test-content';
import { describe, expect, test } from 'vitest';
import { scan } from './fixtures/tar-cases.ts';
import { scanTar } from './scan-tar.ts';
import { TarScanner } from './tar-scanner.ts';

/** Returns the only entry of an archive with these parts. */
function onlyEntry(...parts: readonly Bytes[]) {
  const { entries } = scan(concat(...parts, TAR_END));
  expect(entries).toHaveLength(1);
  return entries[0];
}

/** Returns the error for a stream with these parts, or its entries. */
function errorOf(...parts: readonly Bytes[]) {
  try {
    return scan(concat(...parts));
  } catch (error) {
    return error;
  }
}

function longName(type: 'L' | 'K', text: string): Uint8Array {
  return tarEntry({ format: 'gnu', name: '././@LongLink', type }, `${text}\0`);
}

describe('an entry', () => {
  test('has the values of its header', () => {
    const fields: HeaderFields = {
      name: 'etc/passwd',
      mode: 0o640,
      uid: 1000,
      gid: 100,
      userName: 'me',
      groupName: 'us',
      modTime: 1_700_000_000,
    };
    expect(onlyEntry(tarEntry(fields, 'root:x:0:0'))).toEqual({
      name: 'etc/passwd',
      type: 'reg',
      offset: 512,
      size: 10,
      link: '',
      mode: String(0o640),
      uid: 1000,
      gid: 100,
      user: 'me',
      group: 'us',
      time: '2023-11-14T22:13:20Z',
      devMajor: '0',
      devMinor: '0',
      pax: [],
    });
  });

  test.each([
    ['0', 'reg'],
    ['1', 'hardlink'],
    ['2', 'symlink'],
    ['3', 'char'],
    ['4', 'block'],
    ['5', 'dir'],
    ['6', 'fifo'],
  ])('of type %s is a %s', (type, expected) => {
    expect(onlyEntry(tarHeader({ type }))).toMatchObject({ type: expected });
  });

  test('of the legacy type is a directory if its name ends with a slash, of a POSIX type it is not', () => {
    expect(onlyEntry(tarHeader({ type: '\0', name: 'a/' }))).toMatchObject({ type: 'dir' });
    expect(onlyEntry(tarHeader({ type: '\0', name: 'a' }))).toMatchObject({ type: 'reg' });
    expect(onlyEntry(tarHeader({ type: '0', name: 'a/' }))).toMatchObject({ type: 'reg' });
    expect(onlyEntry(longName('L', 'long/'), tarHeader({ type: '\0', name: 'a' }))).toMatchObject({ type: 'dir' });
  });

  test.each(['1', '2', '3', '4', '5', '6'])('of type %s keeps the size in its header and has no body', (type) => {
    const first = tarHeader({ type, size: 1000 });
    const { entries } = scan(concat(first, tarHeader({ name: 'next' }), TAR_END));
    expect(entries).toMatchObject([
      { size: 1000, offset: 512 },
      { name: 'next', offset: 1024 },
    ]);
    expect(onlyEntry(tarHeader({ type, size: base256(-5n, 12) }))).toMatchObject({ size: -5 });
  });

  test('has 32-bit owners, and exact other integers', () => {
    const fields: HeaderFields = {
      uid: base256(-1n, 8),
      gid: base256(2n ** 33n + 7n, 8),
      mode: base256(2n ** 56n - 1n, 8),
    };
    expect(onlyEntry(tarHeader(fields))).toMatchObject({ uid: 2 ** 32 - 1, gid: 7, mode: '72057594037927935' });
    expect(
      onlyEntry(
        paxHeader([
          ['uid', '9223372036854775807'],
          ['gid', '-2'],
        ]),
        tarHeader({}),
      ),
    ).toMatchObject({ uid: 2 ** 32 - 1, gid: 2 ** 32 - 2 });
  });

  test.each(['7', 'D', 'M', 'N', 'S', 'V', 'g', '8'])('of type %s is rejected', (type) => {
    expect(errorOf(tarEntry({}), tarEntry({ type }), TAR_END)).toMatchObject({
      code: 'TAR_ENTRY_UNSUPPORTED',
      offset: 512,
      message: expect.stringContaining(`byte 512 has type "${type}"`),
    });
  });

  test('with a negative size is rejected if it could have a body', () => {
    const negative = { size: base256(-1n, 12) };
    for (const type of ['0', '\0', 'x', 'L', 'K']) {
      expect(errorOf(tarHeader({ type, ...negative }), TAR_END)).toMatchObject({ code: 'TAR_INVALID', offset: 0 });
    }
    expect(errorOf(tarHeader({ type: '\0', name: 'dir/', ...negative }), TAR_END)).toMatchObject({
      code: 'TAR_INVALID',
    });
    expect(errorOf(paxHeader([['size', '5']]), tarHeader(negative), TAR_END)).toMatchObject({
      code: 'TAR_INVALID',
      offset: 1024,
    });
    expect(errorOf(paxHeader([['size', '-5']]), tarHeader({}), TAR_END)).toMatchObject({
      code: 'TAR_INVALID',
      offset: 1024,
    });
    expect(onlyEntry(paxHeader([['size', '-5']]), tarHeader({ type: '5' }))).toMatchObject({ size: -5 });
  });
});

describe('names from other headers', () => {
  test('override the header: first GNU long names, then PAX records', () => {
    const own = tarHeader({ name: 'own', prefix: 'prefix', linkName: 'own-link' });
    const records = paxHeader([
      ['path', 'pax'],
      ['linkpath', 'pax-link'],
      ['uname', 'pu'],
      ['gname', 'pg'],
    ]);
    expect(onlyEntry(own)).toMatchObject({ name: 'prefix/own', link: 'own-link', user: 'root' });
    expect(onlyEntry(records, own)).toMatchObject({ name: 'pax', link: 'pax-link', user: 'pu', group: 'pg' });
    expect(onlyEntry(longName('K', 'k'), longName('L', 'l'), records, own)).toMatchObject({ name: 'l', link: 'k' });
  });

  test('end at a NUL in long names, and are ignored if empty', () => {
    expect(onlyEntry(longName('L', 'a\0b'), tarHeader({}))).toMatchObject({ name: 'a' });
    expect(onlyEntry(longName('L', 'a'), longName('L', ''), tarHeader({ name: 'own' }))).toMatchObject({ name: 'own' });
    expect(
      onlyEntry(
        paxHeader([
          ['path', ''],
          ['uid', ''],
        ]),
        tarHeader({ name: 'own', uid: 7 }),
      ),
    ).toMatchObject({
      name: 'own',
      uid: 7,
      pax: [
        ['path', ''],
        ['uid', ''],
      ],
    });
  });

  test('apply only to the next entry', () => {
    const { entries } = scan(
      concat(longName('L', 'l'), paxHeader([['a', 'b']]), tarHeader({}), tarHeader({ name: 'second' }), TAR_END),
    );
    expect(entries).toMatchObject([
      { name: 'l', pax: [['a', 'b']] },
      { name: 'second', pax: [] },
    ]);
  });

  test('are not merged: only the last PAX header applies', () => {
    expect(
      onlyEntry(
        paxHeader([
          ['a', '1'],
          ['path', 'p'],
        ]),
        paxHeader([['b', '2']]),
        tarHeader({ name: 'own' }),
      ),
    ).toMatchObject({ name: 'own', pax: [['b', '2']] });
    expect(onlyEntry(paxHeader([['a', '1']]), paxHeader([]), tarHeader({}))).toMatchObject({ pax: [] });
  });

  test('may have up to 1 MiB', () => {
    const longest = 'x'.repeat((1 << 20) - 1);
    expect(onlyEntry(longName('L', longest), tarHeader({}))).toMatchObject({ name: longest });
    for (const type of ['L', 'K', 'x']) {
      expect(errorOf(tarHeader({ type, size: (1 << 20) + 1 }))).toMatchObject({ code: 'LIMIT_EXCEEDED', offset: 0 });
    }
  });
});

describe('PAX records', () => {
  test('set size, time and owners', () => {
    const records = paxHeader([
      ['size', '5'],
      ['mtime', '1700000000.000000001'],
      ['uid', '1'],
      ['gid', '2'],
      ['atime', '1.5'],
      ['ctime', ''],
    ]);
    expect(onlyEntry(records, tarEntry({ size: 77 }, 'hello'))).toMatchObject({
      size: 5,
      time: '2023-11-14T22:13:20.000000001Z',
      uid: 1,
      gid: 2,
    });
  });

  test.each(['size', 'uid', 'gid', 'mtime', 'atime', 'ctime'])('with a malformed %s are rejected', (key) => {
    expect(errorOf(paxHeader([[key, '1x']]), tarHeader({}), TAR_END)).toMatchObject({
      code: 'TAR_INVALID',
      offset: 1024,
      message: expect.stringContaining(key),
    });
  });

  test('that are malformed are rejected with the offset of their header', () => {
    expect(errorOf(tarHeader({}), tarEntry({ type: 'x' }, '9 a=b\n'), tarHeader({}))).toMatchObject({
      code: 'TAR_INVALID',
      offset: 512,
    });
  });
});

describe('a sparse file', () => {
  const sparse = (values: Readonly<Record<string, string>>) =>
    paxHeader(Object.entries(values).map(([key, value]) => [`GNU.sparse.${key}`, value] as const));

  test('of format 0.1 has its logical size, and a body with the size in the archive', () => {
    const records = sparse({ major: '0', minor: '1', name: 'real', size: '100000', numblocks: '1', map: '0,5' });
    expect(
      scan(concat(records, tarEntry({ name: 'GNUSparseFile.0/real' }, 'hello'), tarHeader({ name: 'next' }), TAR_END))
        .entries,
    ).toMatchObject([
      { name: 'real', size: 100_000, offset: 1536 },
      { name: 'next', offset: 2560 },
    ]);
  });

  test('of format 0.0 has the same values, and records with the map of 0.1', () => {
    const body = concat(
      paxRecord('GNU.sparse.size', '9'),
      paxRecord('GNU.sparse.numblocks', '1'),
      paxRecord('GNU.sparse.offset', '4'),
      paxRecord('GNU.sparse.numbytes', '5'),
    );
    expect(onlyEntry(tarEntry({ type: 'x' }, body), tarEntry({}, 'hello'))).toMatchObject({
      size: 9,
      pax: [
        ['GNU.sparse.map', '4,5'],
        ['GNU.sparse.numblocks', '1'],
        ['GNU.sparse.size', '9'],
      ],
    });
  });

  test('of format 1.0 starts after the map in its body', () => {
    const body = concat('1\n4\n5\n'.padEnd(512, '\0'), 'hello');
    const records = sparse({ major: '1', minor: '0', name: 'real', realsize: '9' });
    expect(scan(concat(records, tarEntry({}, body), tarHeader({ name: 'next' }), TAR_END)).entries).toMatchObject([
      { name: 'real', size: 9, offset: 1536 + 512 },
      { name: 'next', offset: 1536 + 1024 + 512 },
    ]);
  });

  test.each([
    ['a map past the end', { map: '0,5', numblocks: '1', size: '4' }, '0'],
    ['a truncated map', { map: '0', numblocks: '1', size: '9' }, '0'],
    ['a malformed size', { map: '0,5', numblocks: '1', size: '9x' }, '0'],
    ['a negative size', { map: '', major: '0', minor: '1', numblocks: '0', size: '-1' }, '0'],
    ['a type without a body', { map: '0,5', numblocks: '1', size: '9' }, '5'],
    ['a body shorter than its map', { major: '1', minor: '0', size: '9' }, '0'],
    ['a map in an entry without a body', { major: '1', minor: '0', size: '9' }, '2'],
  ])('with %s is rejected', (_, values, type) => {
    const size = type === '0' ? 5 : 0;
    expect(errorOf(sparse(values), tarEntry({ type }, '1\n0\n5'.slice(0, size)), TAR_END)).toMatchObject({
      code: 'TAR_INVALID',
    });
  });

  test('of an unknown version is an ordinary file', () => {
    expect(
      onlyEntry(sparse({ major: '9', minor: '9', name: 'real', size: '100' }), tarEntry({}, 'hello')),
    ).toMatchObject({
      name: 'file',
      size: 5,
    });
  });

  test('of more than 2^53 - 1 bytes is rejected, because its size is not exact', () => {
    const records = sparse({ map: '0,5', numblocks: '1', size: '9007199254740992' });
    expect(errorOf(records, tarEntry({}, 'hello'), TAR_END)).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      offset: expect.any(Number),
    });
    expect(
      onlyEntry(sparse({ map: '0,5', numblocks: '1', size: '9007199254740991' }), tarEntry({}, 'hello')),
    ).toMatchObject({
      size: 2 ** 53 - 1,
    });
  });
});

describe('the end of the archive', () => {
  const file = tarEntry({}, 'hello');

  test.each([
    ['is at two blocks of zeros', [file, TAR_END], 2048],
    ['is at two blocks of zeros before other data', [file, TAR_END, file, 'data'], 2048],
    ['is the end of the stream without zero blocks', [file], 1024],
    ['is the end of the stream after one zero block', [file, TAR_END.subarray(512)], 1536],
    ['is the end of the stream inside padding', [file.subarray(0, 700)], 700],
    ['is the end of the stream at the start of padding', [file.subarray(0, 517)], 517],
    ['is at offset 0 of an empty stream', [], 0],
    ['may follow extensions without an entry', [file, paxHeader([['a', 'b']]), TAR_END], 3072],
    ['may be inside the padding of such an extension', [file, paxHeader([['a', 'b']]).subarray(0, 600)], 1624],
  ])('%s', (_, parts, size) => {
    expect(scan(concat(...parts)).size).toBe(size);
  });

  test.each([
    ['inside a header', [file, file.subarray(0, 100)], 1024],
    ['inside a body', [file, file.subarray(0, 516)], 1024],
    ['inside the block after a zero block', [file, TAR_END.subarray(0, 1023)], 1536],
    ['inside PAX records', [file, paxHeader([['a', 'b']]).subarray(0, 514)], 1024],
    ['inside a body of 2^63 - 1 bytes', [file, tarHeader({ size: base256(2n ** 63n - 1n, 12) }), file], 1024],
  ])('is truncated %s', (_, parts, offset) => {
    expect(errorOf(...parts)).toMatchObject({ code: 'TAR_TRUNCATED', offset });
  });

  test('is not at a single zero block before other data', () => {
    expect(errorOf(file, TAR_END.subarray(512), file)).toMatchObject({ code: 'TAR_INVALID', offset: 1536 });
  });
});

describe('TarScanner', () => {
  test('reports its position, and when it is done', () => {
    const scanner = new TarScanner();
    scanner.push(tarEntry({}, 'hello'));
    expect([scanner.position, scanner.done]).toEqual([1024, false]);
    scanner.push(concat(TAR_END, 'more'));
    expect([scanner.position, scanner.done]).toEqual([2048, true]);
    scanner.push(tarEntry({}));
    expect(scanner.finish()).toMatchObject({ files: { length: 1 }, uncompressedArchiveSize: 2048 });
  });

  test('skips a body of 1 TiB', () => {
    const scanner = new TarScanner({ maxUncompressedSize: 2 ** 50 });
    const chunk = new Uint8Array(2 ** 20);
    scanner.push(tarHeader({ size: base256(2n ** 40n, 12) }));
    for (let skipped = 0; skipped < 2 ** 40; skipped += chunk.length) scanner.push(chunk);
    scanner.push(concat(tarHeader({ name: 'next' }), TAR_END));
    expect(scanner.finish().files.map((file) => file.uncompressedOffset)).toEqual([512, 2 ** 40 + 1024]);
  });

  test('throws the same error again', () => {
    const scanner = new TarScanner();
    const push = () => scanner.push(tarHeader({ checksum: '0' }));
    expect(push).toThrow(expect.objectContaining({ code: 'TAR_INVALID', offset: 0 }));
    expect(push).toThrow(expect.objectContaining({ code: 'TAR_INVALID', offset: 0 }));
    expect(() => scanner.finish()).toThrow(expect.objectContaining({ code: 'TAR_INVALID', offset: 0 }));
  });

  test('throws when a limit is exceeded', () => {
    const three = concat(tarHeader({}), tarHeader({}), tarHeader({}));
    expect(() => new TarScanner({ maxEntries: 3 }).push(three)).not.toThrow();
    expect(() => new TarScanner({ maxEntries: 2 }).push(three)).toThrow(
      expect.objectContaining({
        code: 'LIMIT_EXCEEDED',
        offset: 1024,
        message: expect.stringContaining('maxEntries (2)'),
      }),
    );
    expect(() => new TarScanner({ maxMetadataSize: 1000 }).push(longName('L', 'x'.repeat(1000)))).toThrow(
      expect.objectContaining({
        code: 'LIMIT_EXCEEDED',
        offset: 0,
        message: expect.stringContaining('maxMetadataSize (1000'),
      }),
    );
  });
});

describe('scanTar', () => {
  const tar = concat(tarEntry({ name: 'a' }, 'first'), tarEntry({ name: 'b' }), TAR_END);

  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < tar.length; at += 100) yield tar.subarray(at, at + 100);
  }

  test('scans a stream to its end', async () => {
    const { files, uncompressedArchiveSize } = await scanTar(chunks());
    expect(files.map(({ name }) => new TextDecoder().decode(name))).toEqual(['a', 'b']);
    expect(uncompressedArchiveSize).toBe(tar.length);
  });

  test('applies limits', async () => {
    await expect(scanTar(chunks(), { maxEntries: 1 })).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED', offset: 1024 });
    await expect(scanTar(chunks(), { maxUncompressedSize: tar.length - 1 })).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      message: expect.stringContaining(`exceeds maxUncompressedSize (${tar.length - 1} bytes)`),
    });
  });
});
