import { streamOf, tarOf } from '@soci/test-content';
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
