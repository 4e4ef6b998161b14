import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ImageFilesystem, openImageFilesystem } from '@soci/index';
import { openLayout } from '@soci/oci/layout';
import { temporaryFolder } from '@soci/test-content/vitest';
import { expect, it } from 'vitest';
import { makeImage } from './make-image.ts';
import { listTree } from './plan-layers.ts';

const folder = temporaryFolder();
const { signal } = new AbortController();

/** Opens an image in a layout and calls `use` with its files. */
async function withFiles(layout: string, use: (files: ImageFilesystem) => Promise<void>): Promise<void> {
  const store = await openLayout(layout);
  await use(await openImageFilesystem(store, await store.resolve('latest'), { signal }));
}

it('packs the files of a directory', async () => {
  const tree = join(folder, 'tree');
  const long = `${'d'.repeat(60)}/${'e'.repeat(60)}`;
  mkdirSync(join(tree, long), { recursive: true });
  writeFileSync(join(tree, long, 'file'), 'content');
  writeFileSync(join(tree, 'empty'), '');
  writeFileSync(join(tree, 'two-blocks'), 'x'.repeat(1024));
  symlinkSync('f'.repeat(120), join(tree, 'link'));
  const image = join(folder, 'image');
  let packed = 0;
  await makeImage(image, [{ title: 'tree', entries: await listTree(tree, 'tree') }], {
    signal,
    onBytes: (bytes) => {
      packed += bytes;
    },
  });
  expect(packed % 512).toBe(0);
  await withFiles(image, async (files) => {
    expect((await files.readdir('tree'))?.map(({ name }) => name)).toEqual([
      'd'.repeat(60),
      'empty',
      'link',
      'two-blocks',
    ]);
    expect(Buffer.from((await files.lookup('tree/link'))?.entry?.linkName ?? '').toString()).toBe('f'.repeat(120));
    expect(await read(files, `tree/${long}/file`)).toBe('content');
    expect(await read(files, 'tree/two-blocks')).toBe('x'.repeat(1024));
  });
});

async function read(files: ImageFilesystem, path: string): Promise<string> {
  const file = await files.lookup(path);
  const chunks: Uint8Array[] = [];
  if (file?.entry) for await (const chunk of file.reader.openFile(file.entry)) chunks.push(new Uint8Array(chunk));
  return Buffer.concat(chunks).toString();
}

it('leaves no files behind when it fails', async () => {
  const parent = join(folder, 'partial');
  mkdirSync(parent);
  const stopped = makeImage(join(parent, 'image'), [{ title: 'tree', entries: await listTree(folder, 'x') }], {
    signal: AbortSignal.abort(new Error('stopped')),
    onBytes: () => {},
  });
  await expect(stopped).rejects.toThrow();
  expect(readdirSync(parent)).toEqual([]);
});
