import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fingerprint, readStamp, workspaceFolders, writeStamp } from './fingerprint.mjs';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'fingerprint-'));
  mkdirSync(join(root, 'src', 'deep'), { recursive: true });
  writeFileSync(join(root, 'src', 'deep', 'a.ts'), 'a');
  writeFileSync(join(root, 'package.json'), '{}');
});
afterEach(() => rmSync(root, { recursive: true }));

const take = (facts?: string[]) => fingerprint(root, ['src', 'package.json', 'absent.json'], facts);

describe('fingerprint', () => {
  it('depends on contents and not on modification times', () => {
    const before = take();
    utimesSync(join(root, 'package.json'), 1, 1);
    expect(take()).toBe(before);
    writeFileSync(join(root, 'package.json'), '{ }');
    expect(take()).not.toBe(before);
  });

  it.each([
    ['a file deep down changes', () => writeFileSync(join(root, 'src', 'deep', 'a.ts'), 'b')],
    ['a file is added', () => writeFileSync(join(root, 'src', 'b.ts'), '')],
    ['a file that was absent appears', () => writeFileSync(join(root, 'absent.json'), '')],
    ['a file is removed', () => rmSync(join(root, 'src', 'deep', 'a.ts'))],
  ])('changes when %s', (_, change) => {
    const before = take();
    change();
    expect(take()).not.toBe(before);
  });

  it('depends on the facts', () => {
    expect(take(['linux'])).not.toBe(take(['darwin']));
  });

  it('ignores the folders that tools write', () => {
    const before = take();
    mkdirSync(join(root, 'src', 'node_modules'));
    writeFileSync(join(root, 'src', 'node_modules', 'x.js'), '');
    expect(take()).toBe(before);
  });
});

describe('workspaceFolders', () => {
  it('returns the folders that have a package.json', () => {
    mkdirSync(join(root, 'packages', 'one'), { recursive: true });
    mkdirSync(join(root, 'packages', 'empty'));
    mkdirSync(join(root, 'apps'));
    writeFileSync(join(root, 'packages', 'one', 'package.json'), '{}');
    writeFileSync(join(root, 'apps', 'README.md'), '');
    expect(workspaceFolders(root)).toEqual([join('packages', 'one')]);
  });
});

describe('readStamp', () => {
  it('returns null until a stamp is written', () => {
    const file = join(root, 'cache', 'setup', 'install');
    expect(readStamp(file)).toBeNull();
    writeStamp(file, 'abc');
    expect(readStamp(file)).toBe('abc');
  });
});
