import { describe, expect, test } from 'vitest';
import { BytePool, fromByteString, NO_BYTES } from './byte-strings.ts';

const source = fromByteString('usr/bin/node');

describe('BytePool', () => {
  test('keeps copies that outlive their source', () => {
    const pool = new BytePool(1000);
    const scratch = source.slice();
    const copy = pool.copy(scratch, 4, 3, 0);
    const interned = pool.intern(scratch, 8, 4, 0);
    scratch.fill(0);
    expect(copy).toEqual(fromByteString('bin'));
    expect(interned).toEqual(fromByteString('node'));
  });

  test('never allocates the same memory twice', () => {
    const pool = new BytePool(1 << 22);
    const kept = Array.from({ length: 5000 }, (_, index) => pool.allocate(index % 61, 0).fill(index));
    kept.forEach((bytes, index) => {
      expect(bytes).toEqual(new Uint8Array(index % 61).fill(index));
    });
  });

  test('shares only equal byte strings', () => {
    const pool = new BytePool(1 << 20);
    const root = pool.intern(fromByteString('root'), 0, 4, 0);
    for (let index = 0; index < 10_000; index++) {
      const name = fromByteString(`user${index}`);
      expect(pool.intern(name, 0, name.length, 0)).toEqual(name);
    }
    expect(pool.intern(fromByteString('root'), 0, 4, 0)).toEqual(root);
    expect(pool.intern(source, 0, 3, 0)).toBe(pool.intern(source.slice(), 0, 3, 0));
  });

  test('shares one empty byte string', () => {
    const pool = new BytePool(0);
    expect([pool.allocate(0, 0), pool.copy(source, 0, 0, 0), pool.intern(source, 0, 0, 0)]).toEqual([
      NO_BYTES,
      NO_BYTES,
      NO_BYTES,
    ]);
  });

  test('throws before it allocates more than its limit', () => {
    const pool = new BytePool(10);
    pool.allocate(8, 512);
    pool.charge(2, 512);
    expect(() => pool.allocate(1, 1024)).toThrow(
      expect.objectContaining({
        code: 'LIMIT_EXCEEDED',
        offset: 1024,
        message: expect.stringContaining('maxMetadataSize (10 bytes)'),
      }),
    );
    expect(() => new BytePool(10).allocate(Number.MAX_SAFE_INTEGER, 0)).toThrow(
      expect.objectContaining({ code: 'LIMIT_EXCEEDED' }),
    );
  });
});
