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

/** The one entry of an archive of these parts. */
function only(...parts: readonly Bytes[]) {
  const { entries } = scan(concat(...parts, TAR_END));
  expect(entries).toHaveLength(1);
  return entries[0];
}

/** The code and the offset of the error that a stream of these parts gives. */
function refusal(...parts: readonly Bytes[]) {
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
  test('has all that its header says', () => {
    const fields: HeaderFields = {
      name: 'etc/passwd',
      mode: 0o640,
      uid: 1000,
      gid: 100,
      userName: 'me',
      groupName: 'us',
      modTime: 1_700_000_000,
    };
    expect(only(tarEntry(fields, 'root:x:0:0'))).toEqual({
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
    expect(only(tarHeader({ type }))).toMatchObject({ type: expected });
  });

  test('of the legacy type is a directory where its name ends in a slash, with POSIX type it is not', () => {
    expect(only(tarHeader({ type: '\0', name: 'a/' }))).toMatchObject({ type: 'dir' });
    expect(only(tarHeader({ type: '\0', name: 'a' }))).toMatchObject({ type: 'reg' });
    expect(only(tarHeader({ type: '0', name: 'a/' }))).toMatchObject({ type: 'reg' });
    expect(only(longName('L', 'long/'), tarHeader({ type: '\0', name: 'a' }))).toMatchObject({ type: 'dir' });
  });

  test.each(['1', '2', '3', '4', '5', '6'])('of type %s keeps the size it claims and has no body', (type) => {
    const first = tarHeader({ type, size: 1000 });
    const { entries } = scan(concat(first, tarHeader({ name: 'next' }), TAR_END));
    expect(entries).toMatchObject([
      { size: 1000, offset: 512 },
      { name: 'next', offset: 1024 },
    ]);
    expect(only(tarHeader({ type, size: base256(-5n, 12) }))).toMatchObject({ size: -5 });
  });

  test('has owners of 32 bits, and other integers exact', () => {
    const fields: HeaderFields = {
      uid: base256(-1n, 8),
      gid: base256(2n ** 33n + 7n, 8),
      mode: base256(2n ** 56n - 1n, 8),
    };
    expect(only(tarHeader(fields))).toMatchObject({ uid: 2 ** 32 - 1, gid: 7, mode: '72057594037927935' });
    expect(
      only(
        paxHeader([
          ['uid', '9223372036854775807'],
          ['gid', '-2'],
        ]),
        tarHeader({}),
      ),
    ).toMatchObject({ uid: 2 ** 32 - 1, gid: 2 ** 32 - 2 });
  });

  test.each(['7', 'D', 'M', 'N', 'S', 'V', 'g', '8'])('of type %s is refused', (type) => {
    expect(refusal(tarEntry({}), tarEntry({ type }), TAR_END)).toMatchObject({
      code: 'TAR_ENTRY_UNSUPPORTED',
      offset: 512,
      message: expect.stringContaining(`byte 512 has type "${type}"`),
    });
  });

  test('with a negative size is refused where it could have a body', () => {
    const negative = { size: base256(-1n, 12) };
    for (const type of ['0', '\0', 'x', 'L', 'K']) {
      expect(refusal(tarHeader({ type, ...negative }), TAR_END)).toMatchObject({ code: 'TAR_INVALID', offset: 0 });
    }
    expect(refusal(tarHeader({ type: '\0', name: 'dir/', ...negative }), TAR_END)).toMatchObject({
      code: 'TAR_INVALID',
    });
    expect(refusal(paxHeader([['size', '5']]), tarHeader(negative), TAR_END)).toMatchObject({
      code: 'TAR_INVALID',
      offset: 1024,
    });
    expect(refusal(paxHeader([['size', '-5']]), tarHeader({}), TAR_END)).toMatchObject({
      code: 'TAR_INVALID',
      offset: 1024,
    });
    expect(only(paxHeader([['size', '-5']]), tarHeader({ type: '5' }))).toMatchObject({ size: -5 });
  });
});

describe('names from other headers', () => {
  test('win: GNU long names over PAX records over the header', () => {
    const own = tarHeader({ name: 'own', prefix: 'prefix', linkName: 'own-link' });
    const records = paxHeader([
      ['path', 'pax'],
      ['linkpath', 'pax-link'],
      ['uname', 'pu'],
      ['gname', 'pg'],
    ]);
    expect(only(own)).toMatchObject({ name: 'prefix/own', link: 'own-link', user: 'root' });
    expect(only(records, own)).toMatchObject({ name: 'pax', link: 'pax-link', user: 'pu', group: 'pg' });
    expect(only(longName('K', 'k'), longName('L', 'l'), records, own)).toMatchObject({ name: 'l', link: 'k' });
  });

  test('end at a NUL in long names, and count for nothing where empty', () => {
    expect(only(longName('L', 'a\0b'), tarHeader({}))).toMatchObject({ name: 'a' });
    expect(only(longName('L', 'a'), longName('L', ''), tarHeader({ name: 'own' }))).toMatchObject({ name: 'own' });
    expect(
      only(
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

  test('hold for the next entry only', () => {
    const { entries } = scan(
      concat(longName('L', 'l'), paxHeader([['a', 'b']]), tarHeader({}), tarHeader({ name: 'second' }), TAR_END),
    );
    expect(entries).toMatchObject([
      { name: 'l', pax: [['a', 'b']] },
      { name: 'second', pax: [] },
    ]);
  });

  test('are not added up: the last PAX header counts alone', () => {
    expect(
      only(
        paxHeader([
          ['a', '1'],
          ['path', 'p'],
        ]),
        paxHeader([['b', '2']]),
        tarHeader({ name: 'own' }),
      ),
    ).toMatchObject({ name: 'own', pax: [['b', '2']] });
    expect(only(paxHeader([['a', '1']]), paxHeader([]), tarHeader({}))).toMatchObject({ pax: [] });
  });

  test('may be as long as 1 MiB, no longer', () => {
    const longest = 'x'.repeat((1 << 20) - 1);
    expect(only(longName('L', longest), tarHeader({}))).toMatchObject({ name: longest });
    for (const type of ['L', 'K', 'x']) {
      expect(refusal(tarHeader({ type, size: (1 << 20) + 1 }))).toMatchObject({ code: 'LIMIT_EXCEEDED', offset: 0 });
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
    expect(only(records, tarEntry({ size: 77 }, 'hello'))).toMatchObject({
      size: 5,
      time: '2023-11-14T22:13:20.000000001Z',
      uid: 1,
      gid: 2,
    });
  });

  test.each(['size', 'uid', 'gid', 'mtime', 'atime', 'ctime'])('with a malformed %s are refused', (key) => {
    expect(refusal(paxHeader([[key, '1x']]), tarHeader({}), TAR_END)).toMatchObject({
      code: 'TAR_INVALID',
      offset: 1024,
      message: expect.stringContaining(key),
    });
  });

  test('that are malformed are refused at their own header', () => {
    expect(refusal(tarHeader({}), tarEntry({ type: 'x' }, '9 a=b\n'), tarHeader({}))).toMatchObject({
      code: 'TAR_INVALID',
      offset: 512,
    });
  });
});

describe('a sparse file', () => {
  const sparse = (values: Readonly<Record<string, string>>) =>
    paxHeader(Object.entries(values).map(([key, value]) => [`GNU.sparse.${key}`, value] as const));

  test('of format 0.1 has its logical size; its body is as long as the archive says', () => {
    const records = sparse({ major: '0', minor: '1', name: 'real', size: '100000', numblocks: '1', map: '0,5' });
    expect(
      scan(concat(records, tarEntry({ name: 'GNUSparseFile.0/real' }, 'hello'), tarHeader({ name: 'next' }), TAR_END))
        .entries,
    ).toMatchObject([
      { name: 'real', size: 100_000, offset: 1536 },
      { name: 'next', offset: 2560 },
    ]);
  });

  test('of format 0.0 is the same, and its records show the map of 0.1', () => {
    const body = concat(
      paxRecord('GNU.sparse.size', '9'),
      paxRecord('GNU.sparse.numblocks', '1'),
      paxRecord('GNU.sparse.offset', '4'),
      paxRecord('GNU.sparse.numbytes', '5'),
    );
    expect(only(tarEntry({ type: 'x' }, body), tarEntry({}, 'hello'))).toMatchObject({
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
    ['a map that is cut', { map: '0', numblocks: '1', size: '9' }, '0'],
    ['a malformed size', { map: '0,5', numblocks: '1', size: '9x' }, '0'],
    ['a negative size', { map: '', major: '0', minor: '1', numblocks: '0', size: '-1' }, '0'],
    ['a type without a body', { map: '0,5', numblocks: '1', size: '9' }, '5'],
    ['a body shorter than its map', { major: '1', minor: '0', size: '9' }, '0'],
    ['a map in a body that has none', { major: '1', minor: '0', size: '9' }, '2'],
  ])('with %s is refused', (_, values, type) => {
    const size = type === '0' ? 5 : 0;
    expect(refusal(sparse(values), tarEntry({ type }, '1\n0\n5'.slice(0, size)), TAR_END)).toMatchObject({
      code: 'TAR_INVALID',
    });
  });

  test('of a version that nobody knows is a plain file', () => {
    expect(only(sparse({ major: '9', minor: '9', name: 'real', size: '100' }), tarEntry({}, 'hello'))).toMatchObject({
      name: 'file',
      size: 5,
    });
  });

  test('of more than 2^53 - 1 bytes is refused, because its size is not exact', () => {
    const records = sparse({ map: '0,5', numblocks: '1', size: '9007199254740992' });
    expect(refusal(records, tarEntry({}, 'hello'), TAR_END)).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      offset: expect.any(Number),
    });
    expect(only(sparse({ map: '0,5', numblocks: '1', size: '9007199254740991' }), tarEntry({}, 'hello'))).toMatchObject(
      {
        size: 2 ** 53 - 1,
      },
    );
  });
});

describe('the archive ends', () => {
  const file = tarEntry({}, 'hello');

  test.each([
    ['at two blocks of zeros', [file, TAR_END], 2048],
    ['there even if more follows', [file, TAR_END, file, 'rubbish'], 2048],
    ['with the stream, without them', [file], 1024],
    ['with the stream, after one', [file, TAR_END.subarray(512)], 1536],
    ['with the stream, inside padding', [file.subarray(0, 700)], 700],
    ['with the stream, where padding starts', [file.subarray(0, 517)], 517],
    ['with nothing in it', [], 0],
    ['after extensions that no entry follows', [file, paxHeader([['a', 'b']]), TAR_END], 3072],
    ['inside the padding of such an extension', [file, paxHeader([['a', 'b']]).subarray(0, 600)], 1624],
  ])('%s', (_, parts, size) => {
    expect(scan(concat(...parts)).size).toBe(size);
  });

  test.each([
    ['inside a header', [file, file.subarray(0, 100)], 1024],
    ['inside a body', [file, file.subarray(0, 516)], 1024],
    ['inside the block after one of zeros', [file, TAR_END.subarray(0, 1023)], 1536],
    ['inside PAX records', [file, paxHeader([['a', 'b']]).subarray(0, 514)], 1024],
    ['before a body of 2^63 - 1 bytes is over', [file, tarHeader({ size: base256(2n ** 63n - 1n, 12) }), file], 1024],
  ])('too early %s', (_, parts, offset) => {
    expect(refusal(...parts)).toMatchObject({ code: 'TAR_TRUNCATED', offset });
  });

  test('not at a block of zeros with something else behind it', () => {
    expect(refusal(file, TAR_END.subarray(512), file)).toMatchObject({ code: 'TAR_INVALID', offset: 1536 });
  });
});

describe('TarScanner', () => {
  test('tells where it is, and when it is done', () => {
    const scanner = new TarScanner();
    scanner.push(tarEntry({}, 'hello'));
    expect([scanner.position, scanner.done]).toEqual([1024, false]);
    scanner.push(concat(TAR_END, 'more'));
    expect([scanner.position, scanner.done]).toEqual([2048, true]);
    scanner.push(tarEntry({}));
    expect(scanner.finish()).toMatchObject({ files: { length: 1 }, uncompressedArchiveSize: 2048 });
  });

  test('passes over a body of 1 TiB without looking at it', () => {
    const scanner = new TarScanner({ maxUncompressedSize: 2 ** 50 });
    const chunk = new Uint8Array(2 ** 20);
    scanner.push(tarHeader({ size: base256(2n ** 40n, 12) }));
    for (let passed = 0; passed < 2 ** 40; passed += chunk.length) scanner.push(chunk);
    scanner.push(concat(tarHeader({ name: 'next' }), TAR_END));
    expect(scanner.finish().files.map((file) => file.uncompressedOffset)).toEqual([512, 2 ** 40 + 1024]);
  });

  test('throws what it threw before', () => {
    const scanner = new TarScanner();
    const push = () => scanner.push(tarHeader({ checksum: '0' }));
    expect(push).toThrow(expect.objectContaining({ code: 'TAR_INVALID', offset: 0 }));
    expect(push).toThrow(expect.objectContaining({ code: 'TAR_INVALID', offset: 0 }));
    expect(() => scanner.finish()).toThrow(expect.objectContaining({ code: 'TAR_INVALID', offset: 0 }));
  });

  test('stops at its limits', () => {
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

describe('a stream', () => {
  const tar = concat(tarEntry({ name: 'a' }, 'first'), tarEntry({ name: 'b' }), TAR_END);

  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < tar.length; at += 100) yield tar.subarray(at, at + 100);
  }

  test('is scanned to its end', async () => {
    const { files, uncompressedArchiveSize } = await scanTar(chunks());
    expect(files.map(({ name }) => new TextDecoder().decode(name))).toEqual(['a', 'b']);
    expect(uncompressedArchiveSize).toBe(tar.length);
  });

  test('is bounded', async () => {
    await expect(scanTar(chunks(), { maxEntries: 1 })).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED', offset: 1024 });
    await expect(scanTar(chunks(), { maxUncompressedSize: tar.length - 1 })).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      message: expect.stringContaining(`exceeds maxUncompressedSize (${tar.length - 1} bytes)`),
    });
  });
});
