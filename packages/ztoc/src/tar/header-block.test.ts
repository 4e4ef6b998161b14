import { base256, type HeaderFields, tarChecksum, tarHeader, toBytes } from '@soci/test-content';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BytePool, toByteString } from '../byte-strings.ts';
import { HeaderBlock, readGroupName, readLinkName, readName, readUserName } from './header-block.ts';

function parseHeaderBlock(block: Uint8Array, offset: number, header = new HeaderBlock()): HeaderBlock {
  header.load(new DataView(block.buffer, block.byteOffset), 0);
  header.parse(offset);
  return header;
}

function nameOf(fields: HeaderFields): string {
  return toByteString(readName(parseHeaderBlock(tarHeader(fields), 0), new BytePool(1000), 0));
}

function ownersOf(fields: HeaderFields): string[] {
  const header = parseHeaderBlock(tarHeader(fields), 0);
  const pool = new BytePool(1000);
  return [readUserName(header, pool, 0), readGroupName(header, pool, 0)].map((name) => toByteString(name));
}

describe('a header block', () => {
  test.each(['v7', 'ustar', 'star', 'gnu'] as const)('in %s format has the fields that all formats have', (format) => {
    const block = tarHeader({
      format,
      type: '2',
      mode: 0o755,
      uid: 1000,
      gid: 100,
      size: 42,
      modTime: 1_700_000_000,
      linkName: 'target',
    });
    const header = parseHeaderBlock(block, 0);
    expect(header).toMatchObject({
      typeFlag: 0x32,
      mode: 0o755,
      uid: 1000,
      gid: 100,
      size: 42,
      modTime: 1_700_000_000,
    });
    expect(toByteString(readLinkName(header, new BytePool(1000), 0))).toBe('target');
  });

  test.each(['ustar', 'star', 'gnu'] as const)('in %s format has owners and device numbers', (format) => {
    const fields: HeaderFields = { format, userName: 'www-data', groupName: 'g'.repeat(32), devMajor: 8, devMinor: 1 };
    expect(parseHeaderBlock(tarHeader(fields), 0)).toMatchObject({ devMajor: 8, devMinor: 1 });
    expect(ownersOf(fields)).toEqual(['www-data', 'g'.repeat(32)]);
  });

  test('in v7 format has neither, for any bytes in these fields', () => {
    const fields: HeaderFields = {
      format: 'v7',
      patches: [
        [265, 'root'],
        [297, 'root'],
        [329, 'not a number'],
      ],
    };
    expect(parseHeaderBlock(tarHeader(fields), 0)).toMatchObject({ devMajor: 0, devMinor: 0 });
    expect(ownersOf(fields)).toEqual(['', '']);
  });

  test('is v7 if the magic is not exactly that of GNU', () => {
    expect(ownersOf({ format: 'gnu', patches: [[263, '00']] })).toEqual(['', '']);
  });

  test('is ustar with any version', () => {
    expect(ownersOf({ format: 'ustar', patches: [[263, '99']] })).toEqual(['root', 'root']);
  });
});

describe('one object for all header blocks', () => {
  const formats = ['v7', 'ustar', 'star', 'gnu'] as const;
  const field = fc.constantFrom('0', '17', '755', 'bad', base256(-1n, 8), base256(2n ** 60n, 8));
  const fields: fc.Arbitrary<HeaderFields> = fc.record(
    {
      format: fc.constantFrom(...formats),
      name: fc.constantFrom('a', 'b/c', 'd'.repeat(100)),
      mode: field,
      uid: field,
      gid: field,
      size: field,
      modTime: field,
      devMajor: field,
      devMinor: field,
      userName: fc.constantFrom('root', ''),
      prefix: fc.constantFrom('', 'p'),
      patches: fc.constantFrom([], [[148, '0']], [[508, 'tar']], [[476, 'bad']]),
    },
    { requiredKeys: [] },
  );
  const resultOf = (block: Uint8Array, header?: HeaderBlock) => {
    try {
      const { bytes, ...numbers } = parseHeaderBlock(block, 0, header);
      return { ...numbers, bytes: [...bytes] };
    } catch (error) {
      return error;
    }
  };

  test('parses each of them like an object for it alone', () => {
    const outcomes = new Set<string>();
    fc.assert(
      fc.property(fc.array(fields, { minLength: 2, maxLength: 5 }), (list) => {
        const header = new HeaderBlock();
        for (const block of list.map(tarHeader)) {
          const expected = resultOf(block);
          expect(resultOf(block, header)).toEqual(expected);
          outcomes.add(expected instanceof Error ? 'rejected' : 'read');
        }
      }),
      { numRuns: 2000, seed: 1 },
    );
    expect([...outcomes].sort()).toEqual(['read', 'rejected']);
  });
});

describe('a name', () => {
  test('fills its field or ends at a NUL', () => {
    expect(nameOf({ name: 'n'.repeat(100) })).toBe('n'.repeat(100));
    expect(nameOf({ name: 'visible\0hidden' })).toBe('visible');
    expect(nameOf({ name: '' })).toBe('');
  });

  test('has a prefix of up to 155 bytes in ustar, 131 in star, and none in v7 and GNU', () => {
    const prefix = 'p'.repeat(131);
    const patches = [[345, `${prefix}${'q'.repeat(24)}`]] as const;
    expect(nameOf({ patches })).toBe(`${prefix}${'q'.repeat(24)}/file`);
    expect(nameOf({ format: 'star', prefix })).toBe(`${prefix}/file`);
    expect(nameOf({ format: 'star', prefix, patches: [[476, '17']] })).toBe(`${prefix}/file`);
    expect(nameOf({ format: 'v7', patches })).toBe('file');
    expect(
      nameOf({
        format: 'gnu',
        patches: [
          [345, '17'],
          [357, '17'],
        ],
      }),
    ).toBe('file');
  });

  test('has a prefix in GNU format if Go before 1.8 wrote it over the times', () => {
    expect(nameOf({ format: 'gnu', prefix: 'usr/share/a/long/prefix' })).toBe('usr/share/a/long/prefix/file');
    expect(nameOf({ format: 'gnu', prefix: 'usr/share/préfixe' })).toBe('file');
  });
});

describe('a header block is rejected', () => {
  test('for a wrong checksum', () => {
    const block = tarHeader({});
    block[0] = Number(block[0]) ^ 1;
    expect(() => parseHeaderBlock(block, 1024)).toThrow(
      expect.objectContaining({
        code: 'TAR_INVALID',
        offset: 1024,
        message: expect.stringContaining('byte 1024 has a wrong checksum'),
      }),
    );
    expect(() => parseHeaderBlock(tarHeader({ checksum: '00x' }), 0)).toThrow(/checksum/);
  });

  test('but not for a checksum of signed bytes', () => {
    const block = tarHeader({ name: Uint8Array.of(0xc3, 0xa9) });
    const signed = Number.parseInt(tarChecksum(block), 8) - 2 * 0x100;
    block.set(toBytes(`${signed.toString(8).padStart(6, '0')}\0 `), 148);
    expect(parseHeaderBlock(block, 0)).toMatchObject({ typeFlag: 0x30 });
  });

  test.each(['size', 'mode', 'uid', 'gid', 'modTime', 'devMajor', 'devMinor'] as const)(
    'for a malformed %s',
    (field) => {
      expect(() => parseHeaderBlock(tarHeader({ [field]: '12x' }), 512)).toThrow(
        expect.objectContaining({ code: 'TAR_INVALID', offset: 512, message: expect.stringContaining('malformed') }),
      );
    },
  );

  test('for malformed times in star format, but not in GNU format', () => {
    for (const start of [476, 488]) {
      expect(() => parseHeaderBlock(tarHeader({ format: 'star', patches: [[start, '9']] }), 0)).toThrow(/malformed/);
    }
    for (const start of [345, 357]) {
      expect(parseHeaderBlock(tarHeader({ format: 'gnu', patches: [[start, '9']] }), 0)).toMatchObject({
        typeFlag: 0x30,
      });
    }
  });
});
