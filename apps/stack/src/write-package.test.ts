import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { temporaryFolder } from '@soci/test-content/vitest';
import { describe, expect, it } from 'vitest';
import { makePackage } from './deployment-package.ts';
import { writePackage } from './write-package.ts';

const MADE = makePackage({ prefix: 'a/' });
const FILES = [...MADE.files.keys(), 'deploy.sh'].sort();

describe('a package is written', () => {
  it('to a new folder, and creates its parents', () => {
    const folder = temporaryFolder();
    writePackage(MADE, join(folder, 'new', 'package'));
    expect(listFiles(folder)).toEqual(FILES.map((file) => `new/package/${file}`));
    expect(readFileSync(join(folder, 'new', 'package', MADE.template))).toEqual(MADE.files.get(MADE.template));
    expect(statSync(join(folder, 'new', 'package', 'deploy.sh')).mode & 0o111).toBe(0o111);
  });

  it('to an empty folder, and removes temporary files', () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'package'));
    writePackage(MADE, join(folder, 'package'));
    expect(readdirSync(folder)).toEqual(['package']);
    expect(listFiles(join(folder, 'package'))).toEqual(FILES);
  });

  it.each([{ prefix: 'a/' }, { prefix: 'earlier/', hashNames: true }, { prefix: '' }, { prefix: 'a/b/c/' }])(
    'over an earlier package with %j, which it replaces completely',
    (options) => {
      const folder = temporaryFolder();
      writePackage(makePackage(options), join(folder, 'package'));
      writePackage(MADE, join(folder, 'package'));
      expect(readdirSync(folder)).toEqual(['package']);
      expect(listFiles(join(folder, 'package'))).toEqual(FILES);
    },
  );

  it('to the target of a link, and keeps the link', () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'target'));
    symlinkSync('target', join(folder, 'link'), 'junction');
    writePackage(MADE, join(folder, 'link'));
    expect(listFiles(join(folder, 'target'))).toEqual(FILES);
    expect(readdirSync(folder).sort()).toEqual(['link', 'target']);
  });
});

describe('a package is not written over', () => {
  it.each([
    ['a file', 'notes.txt'],
    ['a hidden file', '.env'],
    ['a file in a folder', 'src/index.ts'],
    ['a file in the folder of templates', 'templates/Other.json'],
    ['a zip with the key of a function', 'x/functions/packages/ecr-image-action-event-filtering/lambda.zip'],
  ])('%s', (_what, path) => {
    const folder = temporaryFolder();
    put(join(folder, 'mine', path));
    expect(() => writePackage(MADE, join(folder, 'mine'))).toThrow(
      `${join(folder, 'mine')} contains ${path}, which is not part of a package. Nothing was written: use a new folder`,
    );
    expect(listFiles(folder)).toEqual([`mine/${path}`]);
  });

  it.each([
    'notes.txt',
    'a/notes.txt',
    'a/functions/packages/notes.txt',
    'a/functions/packages/ecr-image-action-event-filtering/lambda.zip.bak',
    'b/templates/SociIndexBuilder.json',
  ])('an earlier package with an additional %s', (path) => {
    const folder = temporaryFolder();
    writePackage(MADE, join(folder, 'package'));
    put(join(folder, 'package', path));
    expect(() => writePackage(MADE, join(folder, 'package'))).toThrow('which is not part of a package');
    expect(listFiles(join(folder, 'package'))).toEqual([...FILES, path].sort());
  });

  it('an earlier package with an empty folder', () => {
    const folder = temporaryFolder();
    writePackage(MADE, folder);
    mkdirSync(join(folder, 'mine'));
    expect(() => writePackage(MADE, folder)).toThrow('contains mine/ (empty)');
  });

  it('an earlier package with a link', () => {
    const folder = temporaryFolder();
    writePackage(MADE, folder);
    symlinkSync('a', join(folder, 'link'), 'junction');
    expect(() => writePackage(MADE, folder)).toThrow('contains link (not a file)');
  });

  it('a file', () => {
    const folder = temporaryFolder();
    put(join(folder, 'package'));
    expect(() => writePackage(MADE, join(folder, 'package'))).toThrow('is not a folder. Nothing was written');
    expect(readFileSync(join(folder, 'package'), 'utf8')).toBe('mine');
  });
});

function put(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, 'mine');
}

/** Returns the sorted paths of all files in a folder. */
function listFiles(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll('\\', '/'),
    )
    .sort();
}
