import { type Bytes, concat, paxRecord, toBytes } from '@soci/test-content';
import { describe, expect, test } from 'vitest';
import { BytePool, toByteString } from '../byte-strings.ts';
import { parsePaxRecords, sortPaxRecords } from './entry-extensions.ts';

/** Returns the records as text, in the order of a zTOC; undefined if they are rejected. */
function parse(...content: readonly Bytes[]) {
  const records = parsePaxRecords(concat(...content), new BytePool(1 << 20), 0);
  return records && sortPaxRecords(records).map(([key, value]) => [toByteString(key), toByteString(value)]);
}

describe('PAX records', () => {
  test('are sorted by the bytes of their keys', () => {
    const content = [
      paxRecord('é', '1'),
      paxRecord('uid', '2'),
      paxRecord('SCHILY.xattr.user.x', '3'),
      paxRecord('~', '4'),
    ];
    expect(parse(...content)).toEqual([
      ['SCHILY.xattr.user.x', '3'],
      ['uid', '2'],
      ['~', '4'],
      ['\u00c3\u00a9', '1'],
    ]);
  });

  test('keep the last value of a key, and empty values', () => {
    expect(parse(paxRecord('path', 'a'), paxRecord('uid', ''), paxRecord('path', 'b'))).toEqual([
      ['path', 'b'],
      ['uid', ''],
    ]);
  });

  test('may have any bytes in values: newlines, equals signs, bytes that are not UTF-8', () => {
    expect(parse(paxRecord('comment', 'a=b\n7 c=d\n'))).toEqual([['comment', 'a=b\n7 c=d\n']]);
    expect(parse(paxRecord('SCHILY.xattr.x', Uint8Array.of(0xff, 0, 0xc3)))).toEqual([
      ['SCHILY.xattr.x', '\xff\0\xc3'],
    ]);
  });

  test.each([
    ['no records', '', []],
    ['a wrong length with leading zeros', '006 a=\n', undefined],
    ['a correct length with leading zeros', '007 a=\n', [['a', '']]],
    ['a length with a plus sign', '+6 a=\n', [['a', '']]],
    ['the shortest record', '5 a=\n', [['a', '']]],
  ])('are read: %s', (_, content, records) => {
    expect(parse(content)).toEqual(records);
  });

  test.each([
    ['no space', '5a=\n'],
    ['no length', ' a=\n'],
    ['a negative length', '-6 a=b\n'],
    ['a length after the end of the data', '9 a=b\n'],
    ['a length that ends inside itself', '2 a=b\n'],
    ['a length above 64 bits', '99999999999999999999 a=b\n'],
    ['no newline at the end', '6 a=bc'],
    ['no equals sign before the end', '5 ab\n9 a=bcde\n'],
    ['an empty key', '5 =a\n'],
    ['data after the last record', '6 a=b\n\n'],
    ['NULs after the last record', '6 a=b\n\0\0'],
  ])('are rejected: %s', (_, content) => {
    expect(parse(content)).toBeUndefined();
  });

  test('are rejected with NUL in a key, or in values that become names', () => {
    expect(parse(paxRecord('a\0b', 'c'))).toBeUndefined();
    for (const key of ['path', 'linkpath', 'uname', 'gname']) expect(parse(paxRecord(key, 'a\0'))).toBeUndefined();
    expect(parse(paxRecord('mtime', 'a\0'))).toEqual([['mtime', 'a\0']]);
  });

  describe('of sparse format 0.0', () => {
    const offset = (value: string) => paxRecord('GNU.sparse.offset', value);
    const length = (value: string) => paxRecord('GNU.sparse.numbytes', value);

    test('are combined into the map of format 0.1', () => {
      expect(parse(paxRecord('GNU.sparse.map', 'x'), offset('0'), length('5'), offset('9'), length('1'))).toEqual([
        ['GNU.sparse.map', '0,5,9,1'],
      ]);
      expect(parse(offset('0'))).toEqual([['GNU.sparse.map', '0']]);
    });

    test('are rejected in the wrong order, or with commas', () => {
      expect(parse(length('5'), offset('0'))).toBeUndefined();
      expect(parse(offset('0'), offset('1'))).toBeUndefined();
      expect(parse(offset('0,5,9'), length('1'))).toBeUndefined();
    });
  });

  test('are counted in memory, even tiny ones', () => {
    const tiny = concat(
      ...Array.from({ length: 200 }, (_, index) => paxRecord(String.fromCharCode(0x100 + index), '')),
    );
    const pool = new BytePool(5 * tiny.length);
    expect(() => parsePaxRecords(toBytes(tiny), pool, 512)).toThrow(
      expect.objectContaining({ code: 'LIMIT_EXCEEDED', offset: 512 }),
    );
  });
});
