import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { goldenLayoutPath, readGoldenLayer, readGoldenLayers, readGoldenRuns } from './golden.ts';
import { hasProgram } from './programs.ts';
import { Random } from './random.ts';
import { tarChecksum, tarEntry, tarOf } from './tar.ts';
import { temporaryFolder } from './temporary-folder.ts';

describe('a temporary folder', () => {
  const kept = temporaryFolder();
  let removed: string;

  test('is there while its test runs', () => {
    removed = temporaryFolder();
    writeFileSync(join(removed, 'file'), '');
    expect(existsSync(removed)).toBe(true);
  });

  test('is gone after its test; one of a suite is not', () => {
    expect(existsSync(removed)).toBe(false);
    expect(existsSync(kept)).toBe(true);
  });
});

test('the same seed gives the same numbers', () => {
  expect(new Random(7).bytes(10)).toEqual(new Random(7).bytes(10));
  expect(new Random(7).bytes(10)).not.toEqual(new Random(8).bytes(10));
  expect([1, 2, 3, 4].map(() => new Random(1).below(3)).every((number) => number < 3)).toBe(true);
});

test('an archive consists of whole blocks, each header with the right checksum', () => {
  const archive = tarOf({ 'a/file': 'text', empty: '' });
  expect(archive.length).toBe(5 * 512);
  for (const block of [archive.subarray(0, 512), tarEntry({ name: 'x', type: '5' })]) {
    expect(Buffer.from(block).toString('latin1', 148, 156)).toBe(tarChecksum(block));
  }
});

test('golden data are found', () => {
  for (const name of Object.keys(readGoldenLayers())) expect(readGoldenLayer(name).length, name).toBeGreaterThan(-1);
  for (const name of Object.keys(readGoldenRuns())) expect(existsSync(goldenLayoutPath(name)), name).toBe(true);
});

test('a program is found on PATH, or not', () => {
  expect(hasProgram('no-such-program-here')).toBe(false);
});
