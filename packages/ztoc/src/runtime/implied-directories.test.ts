import { posix } from 'node:path';
import { streamOf, tarOf } from '@soci/test-content';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { buildZtoc, checkRuntime, SymlinkTracker, scanTar } from '../index.ts';

const scan = async (files: Record<string, string>) => (await scanTar(streamOf(tarOf(files)))).files;

async function findImpliedDirectories(files: Record<string, string>) {
  const { ztoc, runtime } = await buildZtoc([tarOf(files)]);
  expect(checkRuntime(ztoc, ztoc.files)).toEqual(runtime);
  return runtime.impliedDirectories;
}

it('finds directories that no entry describes', async () => {
  expect(await findImpliedDirectories({ 'a/': '', 'a/b': '', './c/d/e': '', 'c/d/f': '', 'c/g/': '' })).toEqual([
    'c',
    'c/d',
  ]);
  expect(await findImpliedDirectories({ 'a/b': '', 'a/': '', top: '' })).toEqual([]);
  expect(await findImpliedDirectories({})).toEqual([]);
});

/** Returns the directories in the paths of the entries that are not the path of a directory entry, in order. */
function directoriesWithoutEntry(names: readonly string[]): string[] {
  const resolve = (path: string) => posix.resolve('/', path).slice(1);
  const described = new Set(names.filter((name) => name.endsWith('/')).map(resolve));
  const implied = names.flatMap((name) => {
    const parent = name.replace(/\/*$/, '').replace(/[^/]*$/, '');
    const parts = resolve(parent).split('/');
    return parts.map((_, i) => parts.slice(0, i + 1).join('/'));
  });
  return [...new Set(implied)].filter((path) => path !== '' && !described.has(path));
}

it('finds the same in decoded and in encoded entries, for any names', async () => {
  const path = fc
    .array(fc.constantFrom('a', 'b', 'c', 'dir', '.', '..', ''), { minLength: 1, maxLength: 4 })
    .map((names) => `${names.join('/')}x`);
  const name = fc.tuple(path, fc.constantFrom('', '', '/')).map(([path, end]) => path + end);
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(name, { maxLength: 12 }), async (names) => {
      const found = await findImpliedDirectories(Object.fromEntries(names.map((name) => [name, ''])));
      expect(found).toEqual(directoriesWithoutEntry(names));
    }),
    { seed: 20_261_130, numRuns: 500 },
  );
});

it('follows symbolic links through layers', async () => {
  const base = await scan({ 'usr/lib/': '', lib: '-> usr/lib', 'opt/x': '-> /usr' });
  const paths = ['lib', 'opt/x', 'usr'];
  const after = async (...layers: Record<string, string>[]) => {
    const links = new SymlinkTracker(paths);
    links.add(base);
    for (const layer of layers) links.add(await scan(layer));
    return links.linksAmong(paths);
  };
  expect(await after()).toEqual(['lib', 'opt/x']);
  expect(await after({ 'lib/new': '' })).toEqual(['lib', 'opt/x']);
  expect(await after({ 'lib/': '' })).toEqual(['opt/x']);
  expect(await after({ '.wh.lib': '' })).toEqual(['opt/x']);
  expect(await after({ '.wh.opt': '' })).toEqual(['lib']);
  expect(await after({ 'opt/.wh..wh..opq': '' })).toEqual(['lib']);
  expect(await after({ '.wh..wh..opq': '', lib: '-> other' })).toEqual(['lib']);
});
