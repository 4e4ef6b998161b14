import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { goldenLayoutPath, readGoldenLayer, readGoldenLayers, readGoldenRuns } from './golden.ts';
import { hasProgram } from './programs.ts';
import { Random } from './random.ts';
import { tarChecksum, tarEntry, tarOf } from './tar.ts';
import { temporaryFolder } from './temporary-folder.ts';

describe('temporaryFolder', () => {
  const suiteFolder = temporaryFolder();
  let removed: string;

  test('creates a folder for the current test', () => {
    removed = temporaryFolder();
    writeFileSync(join(removed, 'file'), '');
    expect(existsSync(removed)).toBe(true);
  });

  test('removes the folder of a test after the test, and keeps that of the suite', () => {
    expect(existsSync(removed)).toBe(false);
    expect(existsSync(suiteFolder)).toBe(true);
  });
});

test('the same seed produces the same numbers', () => {
  expect(new Random(7).bytes(10)).toEqual(new Random(7).bytes(10));
  expect(new Random(7).bytes(10)).not.toEqual(new Random(8).bytes(10));
  expect([1, 2, 3, 4].map(() => new Random(1).below(3)).every((number) => number < 3)).toBe(true);
});

test('an archive has complete blocks and correct header checksums', () => {
  const archive = tarOf({ 'a/file': 'text', empty: '' });
  expect(archive.length).toBe(5 * 512);
  for (const block of [archive.subarray(0, 512), tarEntry({ name: 'x', type: '5' })]) {
    expect(Buffer.from(block).toString('latin1', 148, 156)).toBe(tarChecksum(block));
  }
});

test('all golden files exist', () => {
  for (const name of Object.keys(readGoldenLayers())) expect(readGoldenLayer(name).length, name).toBeGreaterThan(-1);
  for (const name of Object.keys(readGoldenRuns())) expect(existsSync(goldenLayoutPath(name)), name).toBe(true);
});

test('hasProgram returns false for an unknown program', () => {
  expect(hasProgram('no-such-program-here')).toBe(false);
});
