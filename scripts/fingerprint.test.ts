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
  it('hangs on contents, not on times', () => {
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
    ['a file goes', () => rmSync(join(root, 'src', 'deep', 'a.ts'))],
  ])('changes when %s', (_, change) => {
    const before = take();
    change();
    expect(take()).not.toBe(before);
  });

  it('hangs on the facts that it is given', () => {
    expect(take(['linux'])).not.toBe(take(['darwin']));
  });

  it('is blind to what tools leave behind', () => {
    const before = take();
    mkdirSync(join(root, 'src', 'node_modules'));
    writeFileSync(join(root, 'src', 'node_modules', 'x.js'), '');
    expect(take()).toBe(before);
  });
});

describe("the workspace's folders", () => {
  it('are those with a package.json, beside whatever else lies there', () => {
    mkdirSync(join(root, 'packages', 'one'), { recursive: true });
    mkdirSync(join(root, 'packages', 'empty'));
    mkdirSync(join(root, 'apps'));
    writeFileSync(join(root, 'packages', 'one', 'package.json'), '{}');
    writeFileSync(join(root, 'apps', 'README.md'), '');
    expect(workspaceFolders(root)).toEqual([join('packages', 'one')]);
  });
});

describe('stamps', () => {
  it('are null until one is written, in folders that need not exist', () => {
    const file = join(root, 'cache', 'setup', 'install');
    expect(readStamp(file)).toBeNull();
    writeStamp(file, 'abc');
    expect(readStamp(file)).toBe('abc');
  });
});
