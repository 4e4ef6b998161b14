import { describe, expect, test } from 'vitest';
import { fromByteString, NO_BYTES } from '../byte-strings.ts';
import type { PaxRecords } from './entry-extensions.ts';
import { findSparseHeader, isValidSparseMap, isValidSparseMapRecord, SparseMapReader } from './sparse-map.ts';
import { BLOCK_SIZE, MAX_SPECIAL_FILE_SIZE } from './tar-format.ts';

function recordsOf(values: Readonly<Record<string, string>>): PaxRecords {
  return new Map(
    Object.entries(values).map(([key, value]) => [`GNU.sparse.${key}`, [NO_BYTES, fromByteString(value)]]),
  );
}

describe('the version of a sparse file', () => {
  test.each([
    [{ major: '1', minor: '0' }, 'body'],
    [{ major: '0', minor: '0' }, 'records'],
    [{ major: '0', minor: '1' }, 'records'],
    [{ map: '0,1' }, 'records'],
    [{ map: '' }, undefined],
    [{ major: '1', minor: '1', map: '0,1' }, undefined],
    [{ major: '2', minor: '0', map: '0,1' }, undefined],
    [{ major: '0', map: '0,1' }, undefined],
    [{ size: '5', name: 'file' }, undefined],
  ])('%j: map in %s', (values, mapIn) => {
    expect(findSparseHeader(recordsOf(values))?.mapIn).toBe(mapIn);
  });

  test('has a size, or a realsize instead', () => {
    expect(findSparseHeader(recordsOf({ map: '0,1', size: '5', realsize: '6' }))?.size).toBe('5');
    expect(findSparseHeader(recordsOf({ map: '0,1', size: '', realsize: '6' }))?.size).toBe('6');
    expect(findSparseHeader(recordsOf({ map: '0,1', name: '' }))).toEqual({
      mapIn: 'records',
      name: undefined,
      size: '',
    });
  });
});

describe('a sparse map', () => {
  test.each([
    { numbers: [], size: 0 },
    { numbers: ['0', '10'], size: 10 },
    { numbers: ['0', '5', '5', '5'], size: 10 },
    { numbers: ['0', '0', '10', '0'], size: 10 },
    { numbers: ['0', '0', '0', '10'], size: 10 },
  ])('is valid: $numbers in a file of $size', ({ numbers, size }) => {
    expect(isValidSparseMap(numbers, size)).toBe(true);
  });

  test.each([
    ['an extent past the end', ['0', '11']],
    ['an offset past the end', ['11', '0']],
    ['overlapping extents', ['0', '5', '4', '5']],
    ['extents out of order', ['5', '5', '0', '5']],
    ['a negative offset', ['-1', '5']],
    ['a negative length', ['5', '-1']],
    ['an end above 64 bits', ['9223372036854775807', '9223372036854775807']],
    ['a malformed number', ['0', '1O']],
    ['a missing number', ['0']],
  ])('is invalid: %s', (_, numbers) => {
    expect(isValidSparseMap(numbers, 10)).toBe(false);
  });

  test('in records must have the number of entries that numblocks states', () => {
    expect(isValidSparseMapRecord(recordsOf({ map: '0,5', numblocks: '1' }), 10)).toBe(true);
    expect(isValidSparseMapRecord(recordsOf({ map: '', numblocks: '0' }), 10)).toBe(true);
    for (const numblocks of ['', '0', '2', '-1', 'x', '9223372036854775807']) {
      expect(isValidSparseMapRecord(recordsOf({ map: '0,5', numblocks }), 10)).toBe(false);
    }
    expect(isValidSparseMapRecord(recordsOf({ map: '0,5,', numblocks: '1' }), 10)).toBe(false);
  });
});

describe('the map before the data of format 1.0', () => {
  const blockOf = (text: string) => fromByteString(text, new Uint8Array(BLOCK_SIZE));

  test('ends with the block of the last newline', () => {
    expect(new SparseMapReader().push(blockOf('2\n0\n5\n10\n5\nrest\n'))).toEqual(['0', '5', '10', '5']);
    expect(new SparseMapReader().push(blockOf('0\n'))).toEqual([]);
  });

  test('may cross blocks inside a number', () => {
    const reader = new SparseMapReader();
    expect(reader.push(blockOf(`${'0'.repeat(BLOCK_SIZE - 5)}1\n12`.padEnd(BLOCK_SIZE, '3')))).toBe('incomplete');
    expect(reader.push(blockOf('4\n5\n'))).toEqual(['1234', '5']);
  });

  test.each(['-1\n', 'x\n', '\n', '9223372036854775808\n'])('rejects the count %j', (text) => {
    expect(new SparseMapReader().push(blockOf(text))).toBe('invalid');
  });

  test('has the size limit of other extensions', () => {
    const reader = new SparseMapReader();
    const zeros = blockOf('0'.repeat(BLOCK_SIZE));
    for (let read = BLOCK_SIZE; read < MAX_SPECIAL_FILE_SIZE; read += BLOCK_SIZE) {
      expect(reader.push(zeros)).toBe('incomplete');
    }
    expect(reader.push(zeros)).toBe('too-long');
  });
});
